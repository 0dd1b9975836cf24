import { LruCache } from '@tessera/base';
import { batchBytes, type ColumnBatch, type DataType } from '@tessera/columnar';
import type { SnapshotJoin } from '@tessera/cube';
import type { FileStore } from '../files/file-store.ts';
import type { TileLoader } from './tile-loader.ts';

/** How much of the lookups' columns is kept, in bytes. */
const maxBytes = 64 << 20;
const maxEntries = 1_024;

/** Key and columns of lookup snapshots, read when first asked for. A snapshot's content never changes. */
export class SnapshotColumns {
  readonly #files: FileStore;
  readonly #loader: TileLoader;
  readonly #batches = new LruCache<ColumnBatch>({ maxEntries, maxWeight: maxBytes });

  constructor(files: FileStore, loader: TileLoader) {
    this.#files = files;
    this.#loader = loader;
  }

  /** The join's columns, its key among them. @throws SNAPSHOT_NOT_STORED, LAYOUT_CORRUPTED. */
  async read(project: string, { snapshot, on, columns }: SnapshotJoin): Promise<ColumnBatch> {
    const fields = new Map<string, DataType>(on.map(({ expr, column }) => [column, expr.type]));
    for (const { name, type } of columns) fields.set(name, type);
    const key = JSON.stringify([project, snapshot, [...fields]]);
    const known = this.#batches.get(key);
    if (known !== undefined) return known;
    using file = await this.#files.holdSnapshot(project, snapshot);
    const wanted = [...fields].map(([name, type]) => ({ name, type }));
    const batch = await this.#loader.loadSnapshot(file.path, wanted);
    this.#batches.set(key, batch, batchBytes(batch));
    return batch;
  }
}
