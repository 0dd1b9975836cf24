import type { SnapshotRead, SnapshotReader } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import { streamUntil } from '../execute/until.ts';
import { mayWorkElsewhere } from './retryable.ts';

/**
 * Reads lookup snapshots from the first of several storage daemons that has them whole, beginning with the one that
 * answered last. What came before a failure is thrown away.
 */
export class ReplicatedSnapshotReader implements SnapshotReader {
  #readers: readonly SnapshotReader[];

  /** At least one. */
  constructor(readers: readonly SnapshotReader[]) {
    this.#readers = readers;
  }

  async *readSnapshot(
    read: SnapshotRead,
    signal: AbortSignal,
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    let failure: unknown;
    for (const reader of this.#readers) {
      try {
        const batches = await Array.fromAsync(
          streamUntil(reader.readSnapshot(read, signal), signal),
        );
        this.#readers = [reader, ...this.#readers.filter((other) => other !== reader)];
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
}
