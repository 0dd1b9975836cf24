import type { Clock, DeepFile, DeepStorage } from '@tessera/base';

/** What was deleted from deep storage. */
export interface DeepCollected {
  readonly deletedFiles: number;
  readonly deletedBytes: number;
  readonly sweptUploads: number;
}

/** Deletes from deep storage what nobody names any more. */
export class DeepGarbage {
  readonly #deep: DeepStorage;
  readonly #clock: Clock;
  /** By digest that no resource named the last time: when that was first seen, milliseconds since 1970. */
  #unreferenced: ReadonlyMap<string, number> = new Map();

  constructor(deep: DeepStorage, clock: Clock) {
    this.#deep = deep;
    this.#clock = clock;
  }

  /** A file goes when it was seen unreferenced for the grace time, which begins again with the process. */
  async collect(
    referenced: ReadonlySet<string>,
    graceMs: number,
    signal: AbortSignal,
  ): Promise<DeepCollected> {
    const nowMs = Number(this.#clock.now() / 1_000n);
    const seen = new Map<string, number>();
    let [deletedFiles, deletedBytes] = [0, 0];
    for await (const { digest, sizeBytes } of this.#everything(signal)) {
      if (referenced.has(digest)) continue;
      const sinceMs = this.#unreferenced.get(digest) ?? nowMs;
      if (nowMs - sinceMs < graceMs) seen.set(digest, sinceMs);
      else if (await this.#deep.delete(digest, signal)) {
        deletedFiles++;
        deletedBytes += sizeBytes;
      }
    }
    this.#unreferenced = seen;
    const sweptUploads = await this.#deep.sweep(nowMs - graceMs, signal);
    return { deletedFiles, deletedBytes, sweptUploads };
  }

  async *#everything(signal: AbortSignal): AsyncIterable<DeepFile> {
    yield* this.#deep.list(signal);
    yield* this.#deep.listSetAside(signal);
  }
}
