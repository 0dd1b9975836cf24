import { isTesseraError } from '@tessera/base';
import { batchBytes, type ColumnBatch, concatBatches, type Schema } from '@tessera/columnar';
import { type DuckDbConnection, printQuery, quoteName } from '@tessera/duckdb';
import { type Expr, mapQuery, type ParameterValues, type Query } from '@tessera/sql';
import type { StatementMemory } from '../admission/memory-budget.ts';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { engineMemoryExceeded, resultTooLarge, sourceChanged } from '../errors.ts';
import { type NeededTable, neededTables } from '../plan/table-scans.ts';
import { withValues } from '../plan/with-values.ts';
import {
  type AskVersion,
  type LandedTables,
  landTables,
  ReadGuard,
  type RejectedRows,
} from './source-tables.ts';
import type { StatementDatabases } from './statement-databases.ts';
import { until } from './until.ts';

export interface SourceQuery {
  readonly query: Query;
  readonly schema: Schema;
  /** Rows of the matched relations in it. */
  readonly inputs: ReadonlyMap<string, ColumnBatch>;
  readonly parameters: ParameterValues;
  readonly timeZone: string;
}

export interface SourceLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Where what is held of rows counts; absent: nowhere, as little is read. */
  readonly memory?: StatementMemory;
  /** True: it runs among the heavy statements. */
  readonly heavy?: boolean;
  /** Told of work that goes on in DuckDB after the signal has ended the statement. */
  readonly outlivedBy?: (work: Promise<unknown>) => unknown;
  readonly onRejectedRows?: RejectedRows;
}

/**
 * Runs what JavaScript does not: statements over source tables, and residuals of more than a projection. Any mix of
 * tables of any sources and of matched rows becomes one DuckDB statement.
 */
export class SourceExecutor {
  readonly #databases: StatementDatabases;
  readonly #ask: AskVersion;

  constructor(databases: StatementDatabases, ask: AskVersion) {
    this.#databases = databases;
    this.#ask = ask;
  }

  /**
   * Ends with the signal whatever DuckDB does: it heeds interrupts only between functions, of which one may take
   * minutes. Its connection stays taken until it has really ended.
   * @throws SOURCE_CHANGED, RESULT_TOO_LARGE, the signal's reason, and what PostgreSQL would throw for the values
   */
  async run(
    statement: SourceQuery,
    snapshot: CatalogSnapshot,
    limits: SourceLimits,
    signal: AbortSignal,
  ): Promise<ColumnBatch> {
    const needed = neededTables(statement.query);
    const guard = new ReadGuard(needed, snapshot, this.#ask);
    await guard.before(snapshot, signal);
    const { heavy = false } = limits;
    const database = await this.#databases.of(heavy);
    const work = database.session(
      (connection) => runOn(connection, statement, needed, snapshot, limits, signal),
      signal,
    );
    let batch: ColumnBatch;
    try {
      batch = await until(work, signal);
    } catch (error) {
      if (signal.aborted) limits.outlivedBy?.(work);
      signal.throwIfAborted();
      // A table that changed under the statement is the better explanation of whatever went wrong.
      await guard.after(signal);
      if (isTesseraError(error, 'FILE_MISSING')) throw sourceChanged('a source file', 'it is gone');
      if (isTesseraError(error, 'OUT_OF_MEMORY')) {
        throw engineMemoryExceeded(this.#databases.memoryBytes(heavy), error);
      }
      throw error;
    }
    await guard.after(signal);
    return batch;
  }
}

async function runOn(
  connection: DuckDbConnection,
  statement: SourceQuery,
  needed: readonly NeededTable[],
  snapshot: CatalogSnapshot,
  limits: SourceLimits,
  signal: AbortSignal,
): Promise<ColumnBatch> {
  const { parameters, timeZone } = statement;
  await using stack = new AsyncDisposableStack();
  if (timeZone !== 'UTC') {
    await connection.execute(`SET TimeZone = '${timeZone.replaceAll("'", "''")}'`, { signal });
    stack.defer(() => connection.execute("SET TimeZone = 'UTC'"));
  }
  const { maxBytes, memory, onRejectedRows } = limits;
  const reading = { signal, maxBytes, memory, parameters, onRejectedRows };
  const landed = await landTables(connection, needed, snapshot, reading);
  stack.defer(() => dropAll(connection, landed.temporary));
  for (const [id, batch] of statement.inputs) {
    const name = matchedTable(id);
    await connection.createTable(name, batch.schema, [batch]);
    stack.defer(() => connection.dropTable(name));
  }
  const sql = printed(statement, landed);
  const { schema } = statement;
  return await collect(connection.stream(sql, [], { signal, schema }), schema, limits);
}

/** Parameters are printed as their values: the statement runs once. */
function printed({ query, schema, parameters }: SourceQuery, { sqlOf }: LandedTables): string {
  const literal = (expr: Expr) => withValues(expr, parameters);
  return printQuery(
    parameters.length === 0 ? query : mapQuery(query, literal),
    {
      relation: (leaf) =>
        leaf.kind === 'matched' ? quoteName(matchedTable(leaf.id)) : sqlOf.get(leaf.id)!,
    },
    schema,
  );
}

function matchedTable(relation: string): string {
  return `matched_${relation}`;
}

async function dropAll(connection: DuckDbConnection, tables: readonly string[]): Promise<void> {
  for (const table of tables) await connection.dropTable(table);
}

async function collect(
  stream: AsyncIterable<ColumnBatch>,
  schema: Schema,
  { maxRows, maxBytes, memory }: SourceLimits,
): Promise<ColumnBatch> {
  const batches: ColumnBatch[] = [];
  let rows = 0;
  let bytes = 0;
  for await (const batch of stream) {
    rows += batch.rowCount;
    const size = batchBytes(batch);
    memory?.hold(size);
    bytes += size;
    if (rows > maxRows) throw resultTooLarge('rows', maxRows);
    if (bytes > maxBytes) throw resultTooLarge('bytes', maxBytes);
    batches.push(batch);
  }
  return concatBatches(schema, batches);
}
