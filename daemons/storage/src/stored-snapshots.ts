import { isTesseraError, parseResourceName } from '@tessera/base';
import type { SnapshotRead, SnapshotReader } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import { type DuckDb, quoteName, quoteText } from '@tessera/duckdb';
import { badSnapshotRead, layoutCorrupted, scanQueueFull } from './errors.ts';
import type { FileStore } from './files/file-store.ts';

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
      throw await this.#failure(error, held.file);
    }
  }

  /** What DuckDB found damaged is checked against its digest, so that it is set aside. */
  async #failure(error: unknown, file: string): Promise<unknown> {
    if (isTesseraError(error, 'QUERY_QUEUE_FULL')) return scanQueueFull(error);
    if (!isTesseraError(error, 'FILE_CORRUPT') && !isTesseraError(error, 'FILE_MISSING')) {
      return error;
    }
    const { quarantinedFiles } = await this.#files.verify([file]);
    return quarantinedFiles.length > 0 ? layoutCorrupted(file, 'found while reading') : error;
  }
}
