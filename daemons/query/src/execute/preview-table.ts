import { isTesseraError, nearestName } from '@tessera/base';
import type { ColumnBatch } from '@tessera/columnar';
import type { ExternalTable } from '@tessera/plugin';
import { lit, type SelectBlock } from '@tessera/sql';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { tableNotFound } from '../errors.ts';
import type { SourceExecutor } from './source-executor.ts';

export interface PreviewRequest {
  /** Id of the project. */
  readonly project: string;
  readonly source: string;
  readonly table: string;
  readonly rows: number;
}

export interface Preview {
  readonly table: ExternalTable;
  readonly rows: ColumnBatch;
}

/**
 * The first rows of a table as its source gives them. One that is not known, or whose data are newer than what is known of
 * it, is looked at again first.
 *
 * @throws TABLE_NOT_FOUND, SOURCE_CHANGED when it changes all the time, and why its source cannot be read
 */
export async function previewTable(
  wanted: PreviewRequest,
  catalog: Catalog,
  executor: SourceExecutor,
  signal: AbortSignal,
): Promise<Preview> {
  const { project, source } = wanted;
  try {
    return await readRows(wanted, await catalog.current(project, signal), executor, signal);
  } catch (error) {
    const isOld =
      isTesseraError(error, 'SOURCE_CHANGED') || isTesseraError(error, 'TABLE_NOT_FOUND');
    if (!isOld) throw error;
    return readRows(wanted, await catalog.reread(project, signal, source), executor, signal);
  }
}

async function readRows(
  { source, table: name, rows }: PreviewRequest,
  snapshot: CatalogSnapshot,
  executor: SourceExecutor,
  signal: AbortSignal,
): Promise<Preview> {
  const table = findTable(snapshot, source, name);
  const statement = {
    query: firstRows(source, table, rows),
    schema: table.columns,
    inputs: new Map(),
    parameters: [],
    timeZone: 'UTC',
  };
  const limits = { maxRows: rows, maxBytes: 64 * 1024 * 1024 };
  return { table, rows: await executor.run(statement, snapshot, limits, signal) };
}

function findTable(snapshot: CatalogSnapshot, source: string, table: string): ExternalTable {
  const tables = snapshot.sources.get(source)?.tables ?? [];
  const found = tables.find(({ name }) => name === table);
  if (found !== undefined) return found;
  const failure = snapshot.sourceFailures.get(source);
  if (failure !== undefined) throw failure;
  const names = tables.map(({ name }) => name);
  throw tableNotFound(source, table, nearestName(table, names));
}

function firstRows(source: string, table: ExternalTable, rows: number): SelectBlock {
  return {
    kind: 'select',
    from: [
      {
        kind: 'table',
        id: 'preview',
        alias: table.name,
        table: { source, table: table.name },
        columns: table.columns,
      },
    ],
    groupBy: [],
    aggregated: false,
    outputs: table.columns.map(({ name, type }) => ({
      name,
      expr: { kind: 'column', type, relation: 'preview', name },
    })),
    distinct: false,
    orderBy: [],
    limit: lit.bigint(BigInt(rows)),
  };
}
