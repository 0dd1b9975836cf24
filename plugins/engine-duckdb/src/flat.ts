import type { BuildPlan } from '@tessera/cube';
import { duckdbType, quoteName } from '@tessera/duckdb';
import type { Encodings } from './encoding.ts';
import { expressionSql } from './expression-sql.ts';
import { hitColumn, lookupTable } from './landing.ts';
import { anySegmentSql, segmentSql } from './segment-sql.ts';

/**
 * The flat relation: one row per fact row of the wanted segments, with the ordinal of its segment, which lookups
 * it found no partner in (bit i: join i), and the columns of the plan.
 */
export const flatTable = 'flat';
export const segmentColumn = 'tessera segment';
export const missingColumn = 'tessera missing';

/**
 * SELECT of the flat relation. With `left` joins it has a row for each fact row; what inner joins of the model
 * drop is dropped after counting. With `inner` joins, which DuckDB does in half the time, it has all of them only
 * when each finds all of its partners.
 */
export function flatSql(
  plan: BuildPlan,
  factRelation: string,
  encodings: Encodings,
  joins: 'left' | 'inner' = 'left',
): string {
  const columns = plan.flat.map(
    (column) => `${flatColumnSql(column, encodings)} AS ${quoteName(column.name)}`,
  );
  const items = [
    `${segmentSql(plan.segments)} AS ${quoteName(segmentColumn)}`,
    `${joins === 'left' ? missingSql(plan) : '0::UTINYINT'} AS ${quoteName(missingColumn)}`,
    ...columns,
  ];
  return `SELECT ${items.join(', ')} FROM ${joinSql(plan, factRelation, joins)}${whereSql(plan)}`;
}

function joinSql(plan: BuildPlan, factRelation: string, kind: 'left' | 'inner'): string {
  const fact = plan.inputs[0]!;
  const joins = plan.joins.map((join) => {
    const on = join.keys.map(
      (key) =>
        `${quoteName(key.parent)}.${quoteName(key.parentColumn)} = ${quoteName(join.alias)}.${quoteName(key.column)}`,
    );
    return `${kind} JOIN ${quoteName(lookupTable(join.alias))} AS ${quoteName(join.alias)} ON ${on.join(' AND ')}`;
  });
  return [`${factRelation} AS ${quoteName(fact.alias)}`, ...joins].join('\n');
}

function flatColumnSql(column: BuildPlan['flat'][number], encodings: Encodings): string {
  const encoding = encodings.get(column.name);
  if (encoding === undefined) return `(${expressionSql(column.expr)})::${duckdbType(column.type)}`;
  const { lookupColumn } = encoding;
  if (lookupColumn) return `${quoteName(lookupColumn.alias)}.${quoteName(lookupColumn.column)}`;
  return `(${expressionSql(column.expr)})::${quoteName(encoding.typeName)}`;
}

/** Left out when one segment takes everything. */
function whereSql(plan: BuildPlan): string {
  const condition = anySegmentSql(plan.segments);
  return condition === undefined ? '' : `\nWHERE ${condition}`;
}

function missingSql(plan: BuildPlan): string {
  const bits = plan.joins.map(
    (join, i) =>
      `CASE WHEN ${quoteName(join.alias)}.${quoteName(hitColumn)} IS NULL THEN ${2 ** i} ELSE 0 END`,
  );
  return bits.length === 0 ? '0::UTINYINT' : `(${bits.join(' + ')})::${missingType(bits.length)}`;
}

function missingType(joins: number): string {
  if (joins <= 8) return 'UTINYINT';
  return joins <= 31 ? 'UINTEGER' : 'UHUGEINT';
}

/** The bits of the inner joins: a flat row with one of them is no row of the model. */
export function innerMask(plan: Pick<BuildPlan, 'joins'>): bigint {
  return plan.joins.reduce(
    (mask, join, i) => (join.kind === 'inner' ? mask | (1n << BigInt(i)) : mask),
    0n,
  );
}
