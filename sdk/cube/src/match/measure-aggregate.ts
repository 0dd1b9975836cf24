import type { AggregateExpr } from '@tessera/sql';
import type { MeasureAggregate } from '../model-spec.ts';

/** The measure that gives the aggregate, or `undefined` when there is no such kind of measure. */
export function measureAggregateOf({
  fn,
  args,
  distinct,
  orderBy,
}: AggregateExpr): MeasureAggregate | undefined {
  if (orderBy !== undefined || args.length > 1) return undefined;
  if (distinct) return fn === 'count' ? 'count_distinct' : undefined;
  return (measureAggregates as readonly string[]).includes(fn)
    ? (fn as MeasureAggregate)
    : undefined;
}

const measureAggregates: readonly MeasureAggregate[] = [
  ...(['count', 'sum', 'min', 'max', 'avg'] as const),
  ...(['stddev_samp', 'stddev_pop', 'var_samp', 'var_pop'] as const),
];
