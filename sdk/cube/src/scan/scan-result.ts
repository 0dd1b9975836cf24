import {
  batchFromRows,
  type ColumnBatch,
  type DataType,
  emptyBatch,
  type Field,
  type Schema,
  type Value,
} from '@tessera/columnar';
import type { ScanPlan } from '../scan-plan.ts';

/** The columns that a plan's result has. */
export function scanSchema(plan: ScanPlan): Schema {
  const keys = plan.groupBy.map(({ name, expr }): Field => field(name, expr.type));
  const words = plan.aggregates.some(({ fn }) => fn === 'distinct_bits');
  if (words) return [...keys, field('bucket', bigint), field('bits', bigint)];
  return [...keys, ...plan.aggregates.map(({ name, type }) => field(name, type))];
}

const bigint: DataType = { kind: 'bigint' };
const field = (name: string, type: DataType): Field => ({ name, type, nullable: true });

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
