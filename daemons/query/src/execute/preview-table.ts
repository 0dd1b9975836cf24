import type { ColumnBatch } from '@tessera/columnar';
import type { ExternalTable } from '@tessera/plugin';
import { lit, type SelectBlock } from '@tessera/sql';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import type { SourceExecutor } from './source-executor.ts';

/** The first rows of a table as its source gives them. */
export function previewTable(
  wanted: { readonly source: string; readonly table: ExternalTable; readonly rows: number },
  snapshot: CatalogSnapshot,
  executor: SourceExecutor,
  signal: AbortSignal,
): Promise<ColumnBatch> {
  const { source, table, rows } = wanted;
  const query: SelectBlock = {
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
  const statement = {
    query,
    schema: table.columns,
    inputs: new Map(),
    parameters: [],
    timeZone: 'UTC',
  };
  const limits = { maxRows: rows, maxBytes: 64 * 1024 * 1024 };
  return executor.run(statement, snapshot, limits, signal);
}
