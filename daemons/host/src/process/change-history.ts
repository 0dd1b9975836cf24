import { historyGone } from '../errors.ts';

export interface Change<T> {
  readonly revision: bigint;
  /** Absent: it was deleted. */
  readonly value?: T;
  readonly id: string;
}

/** The newest changes, in memory, for those who watch. Who falls behind is told so. */
export class ChangeHistory<T> {
  readonly #limit: number;
  readonly #changes: Change<T>[] = [];
  /** Nothing is known of changes up to this one. */
  #before: bigint;
  #newest: bigint;
  #changed = Promise.withResolvers<void>();

  constructor(revision: bigint, limit = 10_000) {
    this.#before = revision;
    this.#newest = revision;
    this.#limit = limit;
  }

  add(change: Change<T>): void {
    this.#changes.push(change);
    this.#newest = change.revision;
    if (this.#changes.length > this.#limit) this.#before = this.#changes.shift()!.revision;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Changes from `start` on, 0: from now on; then as they happen, until the signal. @throws REVISION_COMPACTED. */
  async *watch(start: bigint, signal: AbortSignal): AsyncGenerator<Change<T>, void> {
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    let next = start === 0n ? this.#newest + 1n : start;
    while (!signal.aborted) {
      if (next <= this.#before) throw historyGone(next);
      const found = this.#changes.find(({ revision }) => revision >= next);
      if (found === undefined) {
        await Promise.race([this.#changed.promise, aborted]);
        continue;
      }
      yield found;
      next = found.revision + 1n;
    }
  }
}
