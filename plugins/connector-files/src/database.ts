import { isTesseraError } from '@tessera/base';
import { type ColumnBatch, type Schema, type Value, valueAt } from '@tessera/columnar';
import { DuckDb, sessionSettings } from '@tessera/duckdb';
import { readCancelled } from './errors.ts';

export type Row = Readonly<Record<string, Value>>;

/** Statements on one connection, for one call: its signal interrupts whatever runs. */
export interface Statements {
  rows(sql: string): Promise<Row[]>;
  execute(sql: string): Promise<void>;
}

/** One small DuckDB for all reading of a connector, opened at first use. */
export class Database implements AsyncDisposable {
  readonly #open: () => Promise<DuckDb>;
  #duckDb: Promise<DuckDb> | undefined;

  constructor(options: { readonly memoryLimitBytes: number; readonly workDirectory: string }) {
    this.#open = () =>
      DuckDb.open({
        memoryLimitBytes: options.memoryLimitBytes,
        tempDirectory: `${options.workDirectory}/temp`,
        onConnect: sessionSettings(),
      });
  }

  async use<T>(signal: AbortSignal, work: (statements: Statements) => Promise<T>): Promise<T> {
    const duckDb = await this.#opened();
    return asRead(() =>
      duckDb.session(
        (connection) =>
          work({
            rows: async (sql) => rowsOf(await connection.run(sql, [], { signal })),
            execute: (sql) => connection.execute(sql, { signal }),
          }),
        signal,
      ),
    );
  }

  rows(sql: string, signal: AbortSignal): Promise<Row[]> {
    return this.use(signal, (statements) => statements.rows(sql));
  }

  /** Batches with columns of these types; the next is computed when it is asked for. */
  async *stream(sql: string, schema: Schema, signal: AbortSignal): AsyncIterable<ColumnBatch> {
    const duckDb = await this.#opened();
    try {
      for await (const batch of duckDb.stream(sql, [], { signal, schema })) {
        yield batch;
        if (signal.aborted) throw readCancelled();
      }
    } catch (error) {
      throw isTesseraError(error, 'QUERY_CANCELLED') ? readCancelled() : error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#duckDb)?.[Symbol.asyncDispose]();
    this.#duckDb = undefined;
  }

  #opened(): Promise<DuckDb> {
    this.#duckDb ??= this.#open();
    return this.#duckDb;
  }
}

async function asRead<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isTesseraError(error, 'QUERY_CANCELLED') ? readCancelled() : error;
  }
}

function rowsOf(batch: ColumnBatch): Row[] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    Object.fromEntries(
      batch.columns.map((column, i) => [batch.schema[i]!.name, valueAt(column, row)]),
    ),
  );
}
