import { projectOf } from '@tessera/daemon';

/** What is to be known of an operation to say whose turn it is. */
export interface Waiting {
  /** The cube that it is about, or all of them. */
  readonly target: string;
}

/** Projects whose last turn is remembered; one that was forgotten may come a little early. */
const maxRemembered = 1_000;

/**
 * Whose operation is next: projects take turns, the one whose last turn is longest ago first, so that one with hundreds of
 * operations does not keep the others waiting for all of them.
 */
export class Turns {
  readonly #last = new Map<string, number>();
  #count = 0;

  /** An operation on this target begins. */
  took(target: string): void {
    const project = projectOf(target) ?? '';
    this.#last.delete(project);
    this.#last.set(project, ++this.#count);
    const [oldest] = this.#last.keys();
    if (this.#last.size > maxRemembered && oldest !== undefined) this.#last.delete(oldest);
  }

  /** @param waiting oldest first, which is the order within a project */
  order<T extends Waiting>(waiting: readonly T[]): readonly T[] {
    const seen = new Map<string, number>();
    const placed = waiting.map((item) => {
      const project = projectOf(item.target) ?? '';
      const round = seen.get(project) ?? 0;
      seen.set(project, round + 1);
      return { item, round, last: this.#last.get(project) ?? 0 };
    });
    // Sorting is stable: what is equal stays oldest first.
    return placed.sort((a, b) => a.round - b.round || a.last - b.last).map(({ item }) => item);
  }
}
