import { type ColumnBatch, type DataType, decodeArrow } from '@tessera/columnar';
import type { TesseraClient } from '../clients.ts';
import { malformedMessage } from '../errors.ts';
import { dataTypeToProto } from '../resources/data-type.ts';

/** What is read of a lookup snapshot. */
export interface SnapshotRead {
  /** `projects/{project}/snapshots/{snapshot}`. */
  readonly snapshot: string;
  /** At least one; the rows have them in this order. */
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
}

/**
 * Reads the rows of lookup snapshots, wherever they are, in any order. Ends with CANCELLED when the signal is aborted,
 * and stops when nobody reads. @throws SNAPSHOT_NOT_STORED, LAYOUT_CORRUPTED, SCAN_QUEUE_FULL
 */
export interface SnapshotReader {
  readSnapshot(read: SnapshotRead, signal: AbortSignal): AsyncIterable<ColumnBatch>;
}

/** Reads from a storage daemon over gRPC. */
export class RemoteSnapshotReader implements SnapshotReader {
  readonly #storage: TesseraClient['storage'];

  constructor(storage: TesseraClient['storage']) {
    this.#storage = storage;
  }

  async *readSnapshot(
    { snapshot, columns }: SnapshotRead,
    signal: AbortSignal,
  ): AsyncIterable<ColumnBatch> {
    const request = {
      snapshot,
      columns: columns.map(({ name, type }) => ({ name, type: dataTypeToProto(type) })),
    };
    for await (const { batch } of this.#storage.readSnapshot(request, { signal })) {
      if (batch === undefined) throw malformedMessage('A snapshot response', 'it has no batch');
      yield decodeArrow(batch.arrowIpc);
    }
  }
}
