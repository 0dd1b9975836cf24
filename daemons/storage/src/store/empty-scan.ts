import { batchFromRows, type ColumnBatch, emptyBatch, type Value } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import { scanSchema } from './scan-sql.ts';

/** The answer of a plan that reads nothing: no group, or without group keys one row of empty aggregates. */
export function emptyScan(plan: ScanPlan): ColumnBatch {
  const schema = scanSchema(plan);
  const words = plan.aggregates.some(({ fn }) => fn === 'distinct_bits');
  if (plan.groupBy.length > 0 || words || plan.topK?.limit === 0) return emptyBatch(schema);
  const row = plan.aggregates.map(({ fn, type }): Value => {
    if (fn !== 'count_sum' && fn !== 'distinct') return null;
    return type.kind === 'bigint' || type.kind === 'numeric' ? 0n : 0;
  });
  return batchFromRows(schema, [row]);
}
