import type { Copy } from './decide.ts';

interface Work {
  readonly copy: Copy;
  readonly files: readonly string[];
}

/**
 * What is being brought to which node in this term. What has come is in no record yet, so whoever deletes what is in no record
 * asks here first.
 */
export class UnderWay {
  readonly #works = new Set<Work>();

  get copies(): readonly Copy[] {
    return [...this.#works].map(({ copy }) => copy);
  }

  get count(): number {
    return this.#works.size;
  }

  has(item: string, node: string): boolean {
    return this.copies.some((copy) => copy.item === item && copy.to === node);
  }

  filesTo(node: string): readonly string[] {
    return [...this.#works].filter(({ copy }) => copy.to === node).flatMap(({ files }) => files);
  }

  /** Until the returned function is called. */
  begin(copy: Copy, files: readonly { readonly file: string }[]): () => void {
    const work = { copy, files: files.map(({ file }) => file) };
    this.#works.add(work);
    return () => this.#works.delete(work);
  }
}
