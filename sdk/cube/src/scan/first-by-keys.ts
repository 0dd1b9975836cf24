import type { OrderItem } from '@tessera/sql';
import { type ScanPlan, scanRelation } from '../scan-plan.ts';

/** Types of which every daemon sees the same order, and equal values are the same value. */
const ordered: ReadonlySet<string> = new Set([
  ...['boolean', 'smallint', 'integer', 'bigint', 'numeric'],
  ...['text', 'date', 'time', 'timestamp', 'timestamptz'],
]);

/**
 * The first rows that each part of a scan has to give when its segments share groups. By an order of keys alone, made
 * whole by the keys that it lacks, a group is among the first of the whole only where it is among the first of every
 * part that has it: so none of its rows is cut off. By any other order all groups are needed (undefined).
 */
export function firstByKeys({ topK, groupBy, aggregates }: ScanPlan): ScanPlan['topK'] {
  if (topK === undefined || groupBy.length === 0) return undefined;
  // Of distinct counts the words travel, several rows for each group.
  if (aggregates.some(({ fn }) => fn === 'distinct' || fn === 'distinct_bits')) return undefined;
  if (!groupBy.every(({ expr }) => ordered.has(expr.type.kind))) return undefined;
  const named = new Set<string>();
  for (const { expr } of topK.orderBy) {
    const isKey = expr.kind === 'column' && groupBy.some(({ name }) => name === expr.name);
    if (!isKey || expr.relation !== scanRelation) return undefined;
    named.add(expr.name);
  }
  const rest = groupBy
    .filter(({ name }) => !named.has(name))
    .map(
      ({ name, expr: { type } }): OrderItem => ({
        expr: { kind: 'column', relation: scanRelation, name, type },
        descending: false,
        nullsFirst: false,
      }),
    );
  return { ...topK, orderBy: [...topK.orderBy, ...rest] };
}
