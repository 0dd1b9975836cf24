import duckdb from '@duckdb/node-bindings';
import { type ColumnBatch, rowsOf, type Schema } from '@tessera/columnar';
import { appendBatches } from './append-batch.ts';
import { bindParameters, type Parameter } from './bind-parameters.ts';
import { duckdbType } from './duckdb-type.ts';
import { databaseClosed, duckdbFailure } from './errors.ts';
import { cancelledBy, interruptible } from './interruptible.ts';
import { quoteName } from './quote.ts';
import { ResultReader } from './read-result.ts';

export interface QueryOptions {
  readonly signal?: AbortSignal | undefined;
  /** Types and names that the result's columns shall have; absent: those closest to DuckDB's. */
  readonly schema?: Schema | undefined;
  /** True: the statement is kept prepared on this connection, for the next call with the same text. */
  readonly cached?: boolean | undefined;
  /** Zone by which the statement turns instants into clock times and back. Default: the connection's own. */
  readonly timeZone?: string | undefined;
  /** Whom the statement is for, such as a project: those who wait for a connection take turns by it. */
  readonly flow?: string | undefined;
}

interface Prepared {
  readonly statement: duckdb.PreparedStatement;
  /** Made for the first result, kept while results have the same columns. */
  reader?: ResultReader;
}

const maxPrepared = 256;
/** Chunks of 2,048 rows in a streamed batch, and in one of a result that is computed as a whole. */
const streamedChunks = 4;
const computedChunks = 32;

/**
 * One DuckDB connection: one statement at a time. A signal that aborts stops the statement that runs for it and
 * no other: interrupts are only sent while that statement runs, and again until it has really ended.
 */
export class DuckDbConnection {
  readonly #connection: duckdb.Connection;
  /** By text, and by the zone that DuckDB has bound the text for. */
  readonly #prepared = new Map<string, Prepared>();
  /** Zone that a statement has asked for and that is still set. */
  #timeZone: string | undefined;
  #ownTimeZone = 'UTC';
  #closed = false;

  constructor(connection: duckdb.Connection) {
    this.#connection = connection;
  }

  /** All rows as one batch. */
  async run(
    sql: string,
    parameters: readonly Parameter[] = [],
    options: QueryOptions = {},
  ): Promise<ColumnBatch> {
    const { signal } = options;
    return this.#withStatement(sql, options, async (prepared) => {
      bindParameters(prepared.statement, parameters);
      const result = await this.#interruptible(signal, () =>
        duckdb.execute_prepared(prepared.statement),
      );
      const chunks = Array.from({ length: duckdb.result_chunk_count(result) }, (_, i) =>
        duckdb.result_get_chunk(result, i),
      );
      return this.#reader(prepared, result, options.schema).read(chunks);
    });
  }

  /**
   * The rows in batches, after DuckDB has computed them all and holds them in its own memory: with one hop between
   * threads, so faster than `stream` for results that are usually small.
   */
  async *batches(
    sql: string,
    parameters: readonly Parameter[] = [],
    options: QueryOptions = {},
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    const { signal } = options;
    const prepared = await this.#prepare(sql, options);
    try {
      bindParameters(prepared.statement, parameters);
      const result = await this.#interruptible(signal, () =>
        duckdb.execute_prepared(prepared.statement),
      );
      const reader = this.#reader(prepared, result, options.schema);
      const count = duckdb.result_chunk_count(result);
      for (let start = 0; start < count; start += computedChunks) {
        this.#check(signal);
        const length = Math.min(computedChunks, count - start);
        const chunks = Array.from({ length }, (_, i) => duckdb.result_get_chunk(result, start + i));
        yield reader.read(chunks);
      }
    } catch (error) {
      throw duckdbFailure(error);
    } finally {
      this.#done(sql, prepared, options);
    }
  }

  /** Batches as DuckDB makes them: the next is computed when it is asked for. */
  async *stream(
    sql: string,
    parameters: readonly Parameter[] = [],
    options: QueryOptions = {},
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    const { signal } = options;
    const prepared = await this.#prepare(sql, options);
    try {
      bindParameters(prepared.statement, parameters);
      const result = await this.#interruptible(signal, () =>
        duckdb.execute_prepared_streaming(prepared.statement),
      );
      const reader = this.#reader(prepared, result, options.schema);
      for (let ended = false; !ended; ) {
        const chunks: duckdb.DataChunk[] = [];
        while (chunks.length < streamedChunks && !ended) {
          const chunk = await this.#interruptible(signal, () => duckdb.fetch_chunk(result));
          ended = chunk === null || duckdb.data_chunk_get_size(chunk) === 0;
          if (!ended) chunks.push(chunk!);
        }
        if (chunks.length > 0) yield reader.read(chunks);
      }
    } catch (error) {
      throw duckdbFailure(error);
    } finally {
      this.#done(sql, prepared, options);
    }
  }

  /** Several statements without results or parameters, one after another. */
  async execute(sql: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#check(options.signal);
    try {
      await this.#interruptible(options.signal, () => duckdb.query(this.#connection, sql));
    } catch (error) {
      throw duckdbFailure(error);
    }
  }

  /** Appends rows to a table whose columns have the batches' types: all of them, or none when it throws. */
  async append(table: string, batches: Iterable<ColumnBatch>): Promise<void> {
    await this.execute('BEGIN');
    try {
      appendBatches(this.#connection, table, batches);
      await this.execute('COMMIT');
    } catch (error) {
      await this.execute('ROLLBACK');
      throw duckdbFailure(error);
    }
  }

  /** A temporary table of this connection with the rows of batches; `dropTable` removes it. */
  async createTable(table: string, schema: Schema, batches: Iterable<ColumnBatch>): Promise<void> {
    const columns = schema.map((field) => `${quoteName(field.name)} ${duckdbType(field.type)}`);
    // One that could not be dropped, as memory was full, is nobody's any more.
    await this.execute(`CREATE OR REPLACE TEMP TABLE ${quoteName(table)} (${columns.join(', ')})`);
    try {
      await this.append(table, batches);
    } catch (error) {
      await this.dropTable(table);
      throw error;
    }
  }

  async dropTable(table: string): Promise<void> {
    await this.execute(`DROP TABLE IF EXISTS ${quoteName(table)}`);
  }

  /** Statements that run fail with QUERY_CANCELLED; later ones with DATABASE_CLOSED. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { statement } of this.#prepared.values()) duckdb.destroy_prepare_sync(statement);
    this.#prepared.clear();
    duckdb.disconnect_sync(this.#connection);
  }

  interrupt(): void {
    if (!this.#closed) duckdb.interrupt(this.#connection);
  }

  #check(signal: AbortSignal | undefined): void {
    if (this.#closed) throw databaseClosed();
    if (signal?.aborted) throw cancelledBy(signal);
  }

  #interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return interruptible(signal, () => duckdb.interrupt(this.#connection), work);
  }

  async #withStatement<T>(
    sql: string,
    options: QueryOptions,
    work: (prepared: Prepared) => Promise<T>,
  ): Promise<T> {
    const prepared = await this.#prepare(sql, options);
    try {
      return await work(prepared);
    } catch (error) {
      throw duckdbFailure(error);
    } finally {
      this.#done(sql, prepared, options);
    }
  }

  async #prepare(sql: string, options: QueryOptions): Promise<Prepared> {
    const { signal, cached, timeZone } = options;
    this.#check(signal);
    if (timeZone !== this.#timeZone) await this.#setTimeZone(timeZone);
    const key = preparedKey(sql, options);
    const held = cached ? this.#prepared.get(key) : undefined;
    if (held !== undefined) {
      this.#prepared.delete(key); // While it runs, and to become the newest afterwards.
      return held;
    }
    try {
      return { statement: await duckdb.prepare(this.#connection, sql) };
    } catch (error) {
      throw duckdbFailure(error);
    }
  }

  /** Also before a prepared statement runs: DuckDB may bind it anew, by the zone that is set then. */
  async #setTimeZone(timeZone: string | undefined): Promise<void> {
    try {
      if (this.#timeZone === undefined) {
        const result = await duckdb.query(this.#connection, "SELECT current_setting('TimeZone')");
        const chunk = duckdb.result_get_chunk(result, 0);
        this.#ownTimeZone = String(
          rowsOf(new ResultReader(result, undefined).read([chunk]))[0]![0],
        );
      }
      const zone = (timeZone ?? this.#ownTimeZone).replaceAll("'", "''");
      await duckdb.query(this.#connection, `SET TimeZone = '${zone}'`);
      this.#timeZone = timeZone;
    } catch (error) {
      throw duckdbFailure(error);
    }
  }

  #done(sql: string, prepared: Prepared, options: QueryOptions): void {
    if (this.#closed || !options.cached) {
      duckdb.destroy_prepare_sync(prepared.statement);
      return;
    }
    this.#prepared.set(preparedKey(sql, options), prepared);
    if (this.#prepared.size <= maxPrepared) return;
    const [oldest, { statement }] = this.#prepared.entries().next().value!;
    this.#prepared.delete(oldest);
    duckdb.destroy_prepare_sync(statement);
  }

  #reader(prepared: Prepared, result: duckdb.Result, schema: Schema | undefined): ResultReader {
    if (!prepared.reader?.fits(result)) prepared.reader = new ResultReader(result, schema);
    return prepared.reader;
  }
}

function preparedKey(sql: string, { timeZone }: QueryOptions): string {
  return timeZone === undefined ? sql : `${sql}\n-- ${timeZone}`;
}
