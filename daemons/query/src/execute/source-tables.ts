import { isTesseraError, messageOf } from '@tessera/base';
import type { ColumnBatch, Field } from '@tessera/columnar';
import { batchBytes } from '@tessera/columnar';
import type { SourceVersion } from '@tessera/cube';
import type { OpenSource } from '@tessera/daemon';
import { type DuckDbConnection, nativeScanSql, quoteName } from '@tessera/duckdb';
import { type ParameterValues, sameType } from '@tessera/sql';
import type { StatementMemory } from '../admission/memory-budget.ts';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { tableKey } from '../catalog/snapshot.ts';
import { resultTooLarge, sourceChanged, sourceUnavailable } from '../errors.ts';
import type { NeededTable } from '../plan/table-scans.ts';
import { withValues } from '../plan/with-values.ts';
import { streamUntil, until } from './until.ts';

export interface ReadingOptions {
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  readonly memory: StatementMemory | undefined;
  readonly parameters: ParameterValues;
  /** Told how many rows of a table, `source.table`, did not parse and so are outside the data. */
  readonly onRejectedRows: RejectedRows | undefined;
}

export type RejectedRows = (table: string, rows: bigint) => void;

/** The tables of a statement as DuckDB can name them while the statement runs. */
export interface LandedTables {
  /** By relation id: a name, or a SELECT in parentheses. */
  readonly sqlOf: ReadonlyMap<string, string>;
  /** Temporary tables to drop afterwards. */
  readonly temporary: readonly string[];
}

/**
 * Native files are scanned where they are; of anything else the rows that the statement can use are read through the
 * connector, with its columns and predicates, into temporary tables.
 */
export async function landTables(
  connection: DuckDbConnection,
  needed: readonly NeededTable[],
  snapshot: CatalogSnapshot,
  options: ReadingOptions,
): Promise<LandedTables> {
  const sqlOf = new Map<string, string>();
  const temporary: string[] = [];
  try {
    for (const table of needed) {
      const source = sourceOf(table, snapshot);
      const native = await until(
        Promise.resolve(source.connector.location?.(table.relation.table.table, options.signal)),
        options.signal,
      );
      if (native !== undefined) {
        checkColumns(table, native.columns);
        options.onRejectedRows?.(tableKey(table.relation.table), native.rejectedRows ?? 0n);
        sqlOf.set(table.relation.id, `(${nativeScanSql(native, columnsOf(table))})`);
        continue;
      }
      const name = `tessera_${table.relation.id}`;
      const batches = await readTable(table, source, options);
      await connection.createTable(name, fieldsOf(table), batches);
      temporary.push(name);
      sqlOf.set(table.relation.id, quoteName(name));
    }
    return { sqlOf, temporary };
  } catch (error) {
    for (const name of temporary) await connection.dropTable(name);
    throw error;
  }
}

function sourceOf({ relation }: NeededTable, snapshot: CatalogSnapshot): OpenSource {
  const { source } = relation.table;
  const found = snapshot.sources.get(source);
  if (found === undefined) throw sourceUnavailable(source, 'it is no longer there');
  return found;
}

/** At least one: a relation without columns has no form in SQL. */
function columnsOf({ relation, columns }: NeededTable): readonly string[] {
  return columns.length > 0 ? columns : relation.columns.slice(0, 1).map(({ name }) => name);
}

function fieldsOf(table: NeededTable): readonly Field[] {
  const wanted = columnsOf(table);
  return wanted.map((name) => table.relation.columns.find((column) => column.name === name)!);
}

/** Rows are only read as what the statement was planned for: a cast on the way could round a value. @throws SOURCE_CHANGED */
function checkColumns(table: NeededTable, found: readonly Field[]): void {
  for (const { name, type } of fieldsOf(table)) {
    const held = found.find((field) => field.name === name);
    if (held === undefined || !sameType(held.type, type)) {
      throw sourceChanged(tableKey(table.relation.table), `column ${name} is another one now`);
    }
  }
}

/** Predicates that the connector takes exactly or not make no difference here: the statement filters again. */
async function readTable(
  table: NeededTable,
  source: OpenSource,
  { signal, maxBytes, memory, parameters }: ReadingOptions,
): Promise<readonly ColumnBatch[]> {
  const scan = {
    table: table.relation.table.table,
    columns: columnsOf(table),
    predicates: table.predicates.map((expr) => withValues(expr, parameters)),
  };
  const batches: ColumnBatch[] = [];
  let bytes = 0;
  try {
    const offer = await until(source.connector.plan(scan, signal), signal);
    for (const split of offer.splits) {
      for await (const batch of streamUntil(source.connector.read(split, signal), signal)) {
        checkColumns(table, batch.schema);
        const size = batchBytes(batch);
        memory?.hold(size);
        bytes += size;
        if (bytes > maxBytes) throw resultTooLarge('bytes', maxBytes);
        batches.push(batch);
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isTesseraError(error)) throw error;
    throw sourceUnavailable(table.relation.table.source, messageOf(error));
  }
  return batches;
}

/** Asks for the version of one table. */
export type AskVersion = (
  source: OpenSource,
  table: string,
  signal: AbortSignal,
) => Promise<SourceVersion>;

/** The versions of tables before a statement reads them, to be compared with those after. */
export class ReadGuard {
  readonly #tables = new Map<string, { source: OpenSource; table: string; token?: string }>();
  readonly #ask: AskVersion;

  constructor(needed: readonly NeededTable[], snapshot: CatalogSnapshot, ask: AskVersion) {
    this.#ask = ask;
    for (const table of needed) {
      const { table: name } = table.relation;
      this.#tables.set(tableKey(name), { source: sourceOf(table, snapshot), table: name.table });
    }
  }

  /** @throws SOURCE_CHANGED when a table is not any more what the snapshot was made of */
  async before(snapshot: CatalogSnapshot, signal: AbortSignal): Promise<void> {
    await Promise.all(
      [...this.#tables].map(async ([key, entry]) => {
        const version = await this.#ask(entry.source, entry.table, signal);
        if (!version.known) return;
        entry.token = version.token;
        const planned = snapshot.versions.get(key);
        if (planned?.known && planned.token !== version.token) {
          throw sourceChanged(key, 'it is newer than the plan');
        }
      }),
    );
  }

  /** @throws SOURCE_CHANGED when a table changed while it was read */
  async after(signal: AbortSignal): Promise<void> {
    await Promise.all(
      [...this.#tables].map(async ([key, { source, table, token }]) => {
        if (token === undefined) return;
        const version = await this.#ask(source, table, signal).catch(() => undefined);
        if (version?.token !== token) throw sourceChanged(key, 'its version is another one now');
      }),
    );
  }
}
