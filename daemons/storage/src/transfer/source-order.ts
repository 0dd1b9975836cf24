import type { FileSource } from './file-source.ts';

/** Interruptions of a source, without a byte between them, after which it is not asked again. */
export const maxStrikes = 3;

/** Why a source did not give a file. */
export interface SourceFailure {
  readonly source: string;
  readonly reason: string;
  /** True: it answered that it has no whole copy; asking again gives the same. */
  readonly isFinal: boolean;
}

/**
 * Which source is asked next for one file: of those that are left the one that was interrupted least, of these the
 * preferred one. Pure bookkeeping: who reads says how it went.
 */
export class SourceOrder {
  readonly #strikes: Map<FileSource, number>;
  readonly #failures = new Map<FileSource, SourceFailure>();

  /** @param sources the preferred one first */
  constructor(sources: readonly FileSource[]) {
    this.#strikes = new Map(sources.map((source) => [source, 0]));
  }

  /** Undefined: none is left. */
  next(): { readonly source: FileSource; readonly strikes: number } | undefined {
    const [best] = [...this.#strikes].sort(([, a], [, b]) => a - b);
    return best && { source: best[0], strikes: best[1] };
  }

  /** Those that are left, in the order of preference. */
  left(): readonly FileSource[] {
    return [...this.#strikes.keys()];
  }

  /** It broke off, or could not be asked. Others are asked before it now, though bytes that came count in its favour. */
  interrupted(source: FileSource, reason: string, gaveBytes: boolean): void {
    const strikes = gaveBytes ? 1 : (this.#strikes.get(source) ?? 0) + 1;
    this.#failures.set(source, { source: source.name, reason, isFinal: false });
    if (strikes >= maxStrikes) this.#strikes.delete(source);
    else this.#strikes.set(source, strikes);
  }

  /** It has no whole copy. */
  refused(source: FileSource, reason: string): void {
    this.#failures.set(source, { source: source.name, reason, isFinal: true });
    this.#strikes.delete(source);
  }

  failures(): readonly SourceFailure[] {
    return [...this.#failures.values()];
  }
}
