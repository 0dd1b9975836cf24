import type { DataType, Value } from '@tessera/columnar';
import type { Expr } from '@tessera/sql';
import { compareValues } from '../match/statistics.ts';
import { timeTermOf } from '../match/time-term.ts';
import { layoutRelation, type ScanPlan, type SegmentRead } from '../scan-plan.ts';
import { floorCivil, microsPerDay } from '../time/civil.ts';

/**
 * Whether no two segments of a plan share a group, because the values of one of its keys do not meet: proved from the
 * segments' statistics, so false where these do not tell.
 */
export function groupsApart({ groupBy, segments }: ScanPlan): boolean {
  return groupBy.some(({ expr }) => valuesApart(expr, segments));
}

/** Between which values a key lies in one segment; without them it is NULL in all rows. */
interface Span {
  readonly type: DataType;
  readonly ends: readonly [least: Value, greatest: Value] | undefined;
  readonly hasNulls: boolean;
}

function valuesApart(key: Expr, segments: readonly SegmentRead[]): boolean {
  const spans: Span[] = [];
  for (const segment of segments) {
    const span = spanOf(key, segment);
    if (span === undefined) return false;
    spans.push(span);
  }
  if (spans.filter(({ hasNulls }) => hasNulls).length > 1) return false;
  const type = spans[0]?.type ?? key.type;
  const order = (a: Value, b: Value) => compareValues(a, type, b, type);
  const ends = spans.flatMap((span) => (span.ends === undefined ? [] : [span.ends]));
  if (ends.some(([least]) => order(least, least) === undefined)) return false;
  ends.sort(([a], [b]) => order(a, b)!);
  return ends.every(([least], i) => i === 0 || order(ends[i - 1]![1], least)! < 0);
}

/** Undefined: not known. */
function spanOf(key: Expr, { columns = [] }: SegmentRead): Span | undefined {
  const growing = growingOf(key);
  const column = columns.find((each) => each.name === growing?.column);
  if (growing === undefined || column?.role !== 'dimension') return undefined;
  const { minimum, maximum, hasNulls } = column;
  if (minimum === undefined || maximum === undefined || hasNulls === undefined) return undefined;
  const type = growing.cut === undefined ? column.type : { kind: 'bigint' as const };
  if (minimum === null || maximum === null) return { type, ends: undefined, hasNulls };
  const { cut = (value: NonNullable<Value>) => value } = growing;
  return { type, ends: [cut(minimum), cut(maximum)], hasNulls };
}

/** A key that never falls while its column grows. */
interface Growing {
  readonly column: string;
  /** Microseconds of a time that is cut; absent: the column itself. */
  readonly cut?: (value: NonNullable<Value>) => bigint;
}

function growingOf(key: Expr): Growing | undefined {
  if (key.kind === 'column') {
    return key.relation === layoutRelation ? { column: key.name } : undefined;
  }
  const { base, grain, zoned = true } = timeTermOf(key) ?? {};
  if (zoned || base?.kind !== 'column' || base.relation !== layoutRelation) return undefined;
  const cut = (value: NonNullable<Value>): bigint => {
    const micros = base.type.kind === 'date' ? BigInt(value as number) * microsPerDay : value;
    return grain === undefined ? (micros as bigint) : floorCivil(grain, micros as bigint);
  };
  return { column: base.name, cut };
}
