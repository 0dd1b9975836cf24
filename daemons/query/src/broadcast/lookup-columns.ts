import { LruCache } from '@tessera/base';
import type { SnapshotRead, SnapshotReader } from '@tessera/client';
import { batchBytes, type ColumnBatch, concatBatches } from '@tessera/columnar';

/** Rows of a lookup that are worth a look before a scan. */
const maxRows = 100_000;
const maxBytes = 32 * 1024 * 1024;
const maxEntries = 256;

/** Columns of small lookup snapshots, each read once: a version's content never changes. */
export class LookupColumns {
  readonly #reader: SnapshotReader;
  /** `undefined` within: larger than is worth it. */
  readonly #known = new LruCache<{ readonly batch: ColumnBatch | undefined }>({
    maxEntries,
    maxWeight: maxBytes,
  });

  constructor(reader: SnapshotReader) {
    this.#reader = reader;
  }

  /** Undefined where there are too many rows. @throws what reading it throws */
  async read(read: SnapshotRead, signal: AbortSignal): Promise<ColumnBatch | undefined> {
    const key = JSON.stringify([read.snapshot, read.columns]);
    const known = this.#known.get(key);
    if (known !== undefined) return known.batch;
    const batch = await this.#whole(read, signal);
    this.#known.set(key, { batch }, batch === undefined ? 1 : batchBytes(batch) + 1);
    return batch;
  }

  async #whole(read: SnapshotRead, signal: AbortSignal): Promise<ColumnBatch | undefined> {
    const batches: ColumnBatch[] = [];
    let rows = 0;
    for await (const batch of this.#reader.readSnapshot(read, signal)) {
      rows += batch.rowCount;
      if (rows > maxRows) return undefined;
      batches.push(batch);
    }
    const schema = read.columns.map((column) => ({ ...column, nullable: true }));
    const same = batches.map((batch) => ({ ...batch, schema }));
    return concatBatches(schema, same);
  }
}
