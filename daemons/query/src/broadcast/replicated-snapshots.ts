import type { SnapshotRead, SnapshotReader } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import { noStorageNodes } from '../errors.ts';
import { streamUntil } from '../execute/until.ts';
import { mayWorkElsewhere } from './retryable.ts';

/** The readers that may have a snapshot now, the likeliest first. */
export type SnapshotReaders = (snapshot: string) => readonly SnapshotReader[];

/**
 * Reads lookup snapshots from the first of several storage daemons that has them whole, beginning with the one that
 * answered last. What came before a failure is thrown away.
 */
export class ReplicatedSnapshotReader implements SnapshotReader {
  readonly #readers: SnapshotReaders;
  #last: SnapshotReader | undefined;

  constructor(readers: SnapshotReaders) {
    this.#readers = readers;
  }

  /** @throws NO_STORAGE_NODES when there is nobody to ask, and what the last one that was asked fails with. */
  async *readSnapshot(
    read: SnapshotRead,
    signal: AbortSignal,
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    let failure: unknown = noStorageNodes();
    for (const reader of this.#inOrder(read.snapshot)) {
      try {
        const batches = await Array.fromAsync(
          streamUntil(reader.readSnapshot(read, signal), signal),
        );
        this.#last = reader;
        yield* batches;
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!mayWorkElsewhere(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  #inOrder(snapshot: string): readonly SnapshotReader[] {
    const readers = this.#readers(snapshot);
    const last = readers.filter((reader) => reader === this.#last);
    return [...last, ...readers.filter((reader) => reader !== this.#last)];
  }
}
