import type { DataType, Value } from '@tessera/columnar';
import { type CallExpr, type Expr, isLiteral, type LiteralExpr } from '@tessera/sql';
import { layoutRelation } from '../scan-plan.ts';
import type { Layout, LayoutColumn } from '../segment.ts';
import { notNullOperand } from './expressions.ts';
import { mirrorOf } from './time-filter.ts';

/**
 * What the statistics of a stored layout prove about a filter: whether any row can pass, and about which share of
 * the rows is read when they are sorted. Never says "none" unless it is so.
 */
export function canPass(filter: Expr | undefined, layout: Layout): boolean {
  return filter === undefined || possible(filter, statisticsOf(layout));
}

type Statistics = ReadonlyMap<string, LayoutColumn>;

const statistics = new WeakMap<Layout, Statistics>();

/** Worked out once: a layout is asked again and again, by filters and statements. */
function statisticsOf(layout: Layout): Statistics {
  const known = statistics.get(layout) ?? new Map(layout.columns.map((c) => [c.name, c]));
  statistics.set(layout, known);
  return known;
}

function possible(filter: Expr, statistics: Statistics): boolean {
  if (filter.kind === 'literal') return filter.value === true;
  if (filter.kind !== 'call') return true;
  const { fn, args } = filter;
  if (fn === 'and') return args.every((arg) => possible(arg, statistics));
  if (fn === 'or') return args.some((arg) => possible(arg, statistics));
  if (fn === 'in') return mayBeIn(filter, statistics);
  if (fn === 'is_null') return columnOf(args[0]!, statistics)?.hasNulls !== false;
  const notNull = notNullOperand(filter);
  if (notNull !== undefined) return mayHaveValue(columnOf(notNull, statistics));
  const [left, right] = args;
  if (left === undefined || right === undefined) return true;
  return (
    mayCompare(fn, left, right, statistics) && mayCompare(mirrorOf(fn), right, left, statistics)
  );
}

function mayBeIn(filter: CallExpr, statistics: Statistics): boolean {
  const [tested, ...items] = filter.args as [Expr, ...Expr[]];
  const column = columnOf(tested, statistics);
  const members = column && membersOf(filter, items);
  const { minimum, maximum } = column ?? {};
  if (column === undefined || members === undefined || minimum == null || maximum == null) {
    return items.some((item) => mayCompare('=', tested, item, statistics));
  }
  const order = ({ value, type }: LiteralExpr, bound: Value): number | undefined =>
    compareValues(value, type, bound, column.type);
  if (members.length === 0) return false;
  if (order(members[0]!, minimum) === undefined) return true;
  // The first member that is not below the column's minimum.
  let [low, high] = [0, members.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (order(members[middle]!, minimum)! < 0) low = middle + 1;
    else high = middle;
  }
  const first = members[low];
  return first !== undefined && (order(first, maximum) ?? 0) <= 0;
}

const sortedMembers = new WeakMap<CallExpr, readonly LiteralExpr[] | undefined>();

/** The constants of a list but NULL, ascending: sorted once for all segments. `undefined` when they have no common order. */
function membersOf(filter: CallExpr, items: readonly Expr[]): readonly LiteralExpr[] | undefined {
  if (sortedMembers.has(filter)) return sortedMembers.get(filter);
  const literals = items.filter(isLiteral);
  const first = literals.find(({ value }) => value !== null);
  const values = literals.filter(({ value }) => value !== null);
  const ordered =
    literals.length === items.length &&
    values.every(({ type: t, value }) => {
      return t.kind === first!.type.kind && compareValues(value, t, value, t) === 0;
    });
  const members = ordered
    ? values.sort((a, b) => compareValues(a.value, a.type, b.value, b.type)!)
    : undefined;
  sortedMembers.set(filter, members);
  return members;
}

/** False when statistics were taken and found nothing but NULLs. */
function mayHaveValue(column: LayoutColumn | undefined): boolean {
  return column?.minimum !== null;
}

function columnOf(expr: Expr, statistics: Statistics): LayoutColumn | undefined {
  if (expr.kind !== 'column' || expr.relation !== layoutRelation) return undefined;
  return statistics.get(expr.name);
}

function mayCompare(fn: string, left: Expr, right: Expr, statistics: Statistics): boolean {
  const column = columnOf(left, statistics);
  if (column === undefined || !isLiteral(right)) return true;
  if (!['=', '<', '<=', '>', '>='].includes(fn)) return true;
  if (right.value === null) return false;
  const { minimum, maximum } = column;
  if (minimum === null || maximum === null) return false;
  if (minimum === undefined || maximum === undefined) return true;
  const low = compareValues(minimum, column.type, right.value, right.type);
  const high = compareValues(maximum, column.type, right.value, right.type);
  if (low === undefined || high === undefined) return true;
  switch (fn) {
    case '=':
      return low <= 0 && high >= 0;
    case '<':
      return low < 0;
    case '<=':
      return low <= 0;
    case '>':
      return high > 0;
    default:
      return high >= 0;
  }
}

/** Negative, zero or positive as PostgreSQL orders the values; `undefined` when they are not of like types. */
export function compareValues(
  a: Value,
  aType: DataType,
  b: Value,
  bType: DataType,
): number | undefined {
  const x = exactOf(a, aType);
  const y = exactOf(b, bType);
  if (x !== undefined && y !== undefined) return x < y ? -1 : x > y ? 1 : 0;
  if (aType.kind !== bType.kind) return undefined;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  const scalar = ['date', 'time', 'timestamp', 'timestamptz'].includes(aType.kind);
  if (!scalar || a === null || b === null) return undefined;
  return a < b ? -1 : a > b ? 1 : 0;
}

const heldScale = 20;

/** Exact numbers on one scale. */
function exactOf(value: Value, type: DataType): bigint | undefined {
  if (typeof value === 'number' && (type.kind === 'smallint' || type.kind === 'integer')) {
    return BigInt(value) * 10n ** BigInt(heldScale);
  }
  if (typeof value !== 'bigint') return undefined;
  if (type.kind === 'bigint') return value * 10n ** BigInt(heldScale);
  if (type.kind !== 'numeric') return undefined;
  const scale = type.scale ?? heldScale;
  return scale > heldScale ? undefined : value * 10n ** BigInt(heldScale - scale);
}

/** Bytewise order of the UTF-8 forms, which is the order of code points. */
function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** A sort column that filters hold down, and how many values of it they allow. */
export interface HeldColumn {
  readonly name: string;
  readonly points: number;
}

/** The sort columns that filters hold down, from the first on as far as rows that pass lie together. */
export function heldColumns(
  filters: readonly Expr[],
  sortColumns: readonly string[],
): readonly HeldColumn[] {
  const held: HeldColumn[] = [];
  for (const name of sortColumns) {
    const concerned = filters.filter((each) => concerns(each, name));
    if (concerned.length === 0) break;
    const points = Math.min(...concerned.map(pointsOf));
    held.push({ name, points });
    if (!Number.isFinite(points)) break;
  }
  return held;
}

/** About which share of the rows a scan visits. */
export function visitedShare(held: readonly HeldColumn[], layout: Layout): number {
  let share = 1;
  for (const { name, points } of held) {
    const column = statisticsOf(layout).get(name);
    if (column?.role !== 'dimension') break;
    share *= Number.isFinite(points) ? Math.min(1, points / distinctValues(column, layout)) : 0.3;
  }
  return share;
}

function concerns(filter: Expr, name: string): boolean {
  if (filter.kind !== 'call') return false;
  if (filter.fn === 'or') return filter.args.every((arg) => concerns(arg, name));
  return filter.args.some(
    (arg) => arg.kind === 'column' && arg.relation === layoutRelation && arg.name === name,
  );
}

/** How many values a filter allows. */
function pointsOf(filter: Expr): number {
  if (filter.kind !== 'call') return Number.POSITIVE_INFINITY;
  if (filter.fn === '=' || filter.fn === 'is_null') return 1;
  if (filter.fn === 'in') return filter.args.length - 1;
  if (filter.fn !== 'or') return Number.POSITIVE_INFINITY;
  return filter.args.reduce((sum, arg) => sum + pointsOf(arg), 0);
}

/** How many values a dimension has, at most as its range allows. */
function distinctValues({ minimum, maximum, type }: LayoutColumn, layout: Layout): number {
  const countable = ['smallint', 'integer', 'bigint', 'date'].includes(type.kind);
  if (countable && minimum !== undefined && maximum !== undefined) {
    const range = Number(maximum) - Number(minimum) + 1;
    if (Number.isFinite(range)) return Math.max(1, range);
  }
  const dimensions = layout.columns.filter(({ role }) => role === 'dimension').length;
  return Math.max(1, Number(layout.rowCount) ** (1 / Math.max(1, dimensions)));
}
