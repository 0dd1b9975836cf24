import type { JobTopology } from '../topology.ts';

const widest = 36;

/** What the vertices of a job are called in words for people: short, and no two alike. */
export class VertexLabels {
  readonly #labels: ReadonlyMap<string, string>;
  readonly #named: readonly string[];

  constructor({ vertices }: JobTopology) {
    const taken = new Set<string>();
    const labels = vertices.map(({ id, name }, i) => {
      const short = shortened(name === undefined || name === '' ? id : name);
      const label = taken.has(short) ? `${short} #${i + 1}` : short;
      taken.add(label);
      return [id, label] as const;
    });
    this.#labels = new Map(labels);
    this.#named = vertices.filter(({ name }) => name).map(({ id }) => id);
  }

  of(id: string): string {
    return this.#labels.get(id) ?? id;
  }

  /** A text of a strategy, which knows ids only. */
  within(text: string): string {
    return this.#named.reduce((changed, id) => changed.replaceAll(id, this.of(id)), text);
  }
}

const shortened = (name: string): string =>
  name.length <= widest ? name : `${name.slice(0, widest - 1)}…`;
