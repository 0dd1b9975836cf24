import { invariant } from '@tessera/base';
import { valueAt } from '@tessera/columnar';
import { type Model, partitionMicros, type SourceExtent } from '@tessera/cube';
import { type Expr, type SelectBlock, type } from '@tessera/sql';
import type { SourceExecutor } from '../execute/source-executor.ts';
import type { CatalogSnapshot } from './snapshot.ts';

/** Begin and end of the fact's partition column as the source has it now, by one push-down. */
export async function readExtent(
  model: Model,
  snapshot: CatalogSnapshot,
  executor: SourceExecutor,
  timeoutMs: number,
): Promise<SourceExtent> {
  const { partition, fact } = model;
  invariant(partition, 'only partitioned models have an extent');
  const { column } = partition;
  const aggregate = (fn: string, of: typeof column.type, args: readonly Expr[]): Expr => ({
    kind: 'aggregate',
    type: of,
    fn,
    args,
    distinct: false,
  });
  const outputs = [
    { name: 'minimum', expr: aggregate('min', column.type, [column]) },
    { name: 'maximum', expr: aggregate('max', column.type, [column]) },
    { name: 'rows', expr: aggregate('count', type.bigint, []) },
    { name: 'values', expr: aggregate('count', type.bigint, [column]) },
  ];
  const query: SelectBlock = {
    kind: 'select',
    from: [
      {
        kind: 'table',
        id: fact.alias,
        alias: fact.alias,
        table: fact.table,
        columns: fact.columns.map((field) => ({ ...field, nullable: true })),
      },
    ],
    groupBy: [],
    aggregated: true,
    outputs,
    distinct: false,
    orderBy: [],
  };
  const schema = outputs.map(({ name, expr }) => ({ name, type: expr.type, nullable: true }));
  const statement = { query, schema, inputs: new Map(), parameters: [], timeZone: 'UTC' };
  const limits = { maxRows: 1, maxBytes: 64 * 1024 * 1024 };
  const signal = AbortSignal.timeout(timeoutMs);
  const batch = await executor.run(statement, snapshot, limits, signal);
  const [minimum, maximum, rows, values] = batch.columns.map((held) => valueAt(held, 0));
  const first = partitionMicros(partition, minimum ?? null);
  const last = partitionMicros(partition, maximum ?? null);
  return {
    empty: first === undefined,
    minimum: first ?? 0n,
    maximum: last ?? 0n,
    hasNulls: rows !== values,
  };
}
