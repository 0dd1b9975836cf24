import { isTesseraError, parseResourceName } from '@tessera/base';
import type { SnapshotRead, SnapshotReader } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import { type DuckDb, quoteName, quoteText } from '@tessera/duckdb';
import { badSnapshotRead, scanQueueFull } from './errors.ts';
import type { FileStore } from './files/file-store.ts';
import { setAsideDamaged } from './files/set-aside.ts';

/** Reads lookup snapshots straight from their verified files, a few batches in memory at a time. */
export class StoredSnapshots implements SnapshotReader {
  readonly #files: FileStore;
  readonly #database: DuckDb;

  constructor(files: FileStore, database: DuckDb) {
    this.#files = files;
    this.#database = database;
  }

  async *readSnapshot(
    { snapshot, columns }: SnapshotRead,
    signal: AbortSignal,
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    const name = parseResourceName(snapshot, 'projects/{project}/snapshots/{snapshot}');
    if (columns.length === 0) throw badSnapshotRead('no column is asked for');
    using held = await this.#files.holdSnapshot(name['project']!, name['snapshot']!);
    const names = columns.map((column) => quoteName(column.name)).join(', ');
    const sql = `SELECT ${names} FROM read_parquet(${quoteText(held.path)})`;
    const schema = columns.map((column) => ({ ...column, nullable: true }));
    try {
      yield* this.#database.stream(sql, [], { signal, schema });
    } catch (error) {
      if (isTesseraError(error, 'QUERY_QUEUE_FULL')) throw scanQueueFull(error);
      throw await setAsideDamaged(this.#files, [held.file], error);
    }
  }
}
