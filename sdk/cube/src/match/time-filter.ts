import type { DataType } from '@tessera/columnar';
import { type Expr, exprKey, type ParameterValues } from '@tessera/sql';
import type { Grain } from '../model-spec.ts';
import { daysOf, floorCivil, microsPerDay, periodOf, periodStart } from '../time/civil.ts';
import { formatAtOrAfter, parseDateFormat, parseTime } from '../time/date-format.ts';
import { notNullOperand } from './expressions.ts';
import {
  allTimes,
  beginning,
  between,
  end,
  everything,
  intersect,
  nothing,
  onlyNull,
  type TimeSet,
  union,
} from './time-set.ts';
import {
  constantOf,
  extractOf,
  instantOfConstant,
  integerOfConstant,
  type TimeTerm,
  timeTermOf,
} from './time-term.ts';

/** The partition column as filters see it. */
export interface PartitionColumn {
  readonly key: string;
  readonly type: DataType;
  readonly format?: string;
  /** True when the session's zone is UTC; else what depends on the zone says nothing of instants. */
  readonly utc: boolean;
}

/** What a condition says of the partition column. */
export interface TimeBound {
  /** Where the condition can be true. */
  readonly set: TimeSet;
  /** True: it is true exactly there, so inside of it the condition need not be evaluated. */
  readonly exact: boolean;
}

const unknown: TimeBound = { set: everything, exact: false };
const never: TimeBound = { set: nothing, exact: true };

/** Where a condition can be true, by the partition column alone. Never too small a set. */
export function timeBoundOf(
  condition: Expr,
  partition: PartitionColumn,
  parameters?: ParameterValues,
): TimeBound {
  if (condition.kind === 'literal') {
    return condition.value === true ? { set: everything, exact: true } : never;
  }
  if (condition.kind !== 'call') return unknown;
  const recurse = (expr: Expr): TimeBound => timeBoundOf(expr, partition, parameters);
  const { fn, args } = condition;
  const notNull = notNullOperand(condition);
  if (notNull !== undefined) {
    return exprKey(notNull) === partition.key ? { set: allTimes, exact: true } : unknown;
  }
  switch (fn) {
    case 'and':
      return args.map(recurse).reduce(both, { set: everything, exact: true });
    case 'or':
      return either(args.map(recurse));
    case 'is_null':
      return exprKey(args[0]!) === partition.key ? { set: onlyNull, exact: true } : unknown;
    case 'in':
      return either(
        args.slice(1).map((item) => comparison('=', args[0]!, item, partition, parameters)),
      );
    case 'between':
      return both(
        comparison('>=', args[0]!, args[1]!, partition, parameters),
        comparison('<=', args[0]!, args[2]!, partition, parameters),
      );
    default: {
      const [left, right] = args;
      if (left === undefined || right === undefined) return unknown;
      const direct = comparison(fn, left, right, partition, parameters);
      return direct.set !== everything
        ? direct
        : comparison(mirrorOf(fn), right, left, partition, parameters);
    }
  }
}

function both(a: TimeBound, b: TimeBound): TimeBound {
  return { set: intersect(a.set, b.set), exact: a.exact && b.exact };
}

function either(bounds: readonly TimeBound[]): TimeBound {
  return {
    set: bounds.some(({ set }) => set === everything)
      ? everything
      : union(...bounds.map(({ set }) => set)),
    exact: bounds.every(({ exact }) => exact),
  };
}

/** The operator with its operands exchanged. */
export function mirrorOf(fn: string): string {
  return { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }[fn] ?? fn;
}

function comparison(
  fn: string,
  left: Expr,
  right: Expr,
  partition: PartitionColumn,
  parameters: ParameterValues | undefined,
): TimeBound {
  if (!['=', '<', '<=', '>', '>='].includes(fn)) return unknown;
  if (partition.format !== undefined) {
    return formattedComparison(fn, left, right, partition, partition.format, parameters);
  }
  const field = extractOf(left);
  if (field !== undefined) {
    const zoneMatters = field.term.zoned && !partition.utc;
    if (field.field !== 'year' || zoneMatters || !concerns(field.term, partition)) return unknown;
    return yearComparison(fn, integerOfConstant(right, parameters));
  }
  const term = timeTermOf(left);
  if (term === undefined || !concerns(term, partition)) return unknown;
  const mixed = (partition.type.kind === 'timestamptz') !== (right.type.kind === 'timestamptz');
  if (mixed && !partition.utc) return unknown;
  const instant = instantOfConstant(right, parameters);
  if (instant === undefined) return unknown;
  if (instant === null) return never;
  const grain = term.grain ?? (partition.type.kind === 'date' ? 'day' : undefined);
  return { set: compared(fn, instant, grain), exact: true };
}

function concerns(term: TimeTerm, partition: PartitionColumn): boolean {
  const zoneMatters =
    term.zoned && (term.grain !== undefined || partition.type.kind !== 'timestamptz');
  return exprKey(term.base) === partition.key && (!zoneMatters || partition.utc);
}

/** Values whose truncation stands in relation `fn` to the instant. */
function compared(fn: string, instant: bigint, grain: Grain | undefined): TimeSet {
  const floor = grain === undefined ? instant : floorCivil(grain, instant);
  const next =
    grain === undefined ? instant + 1n : periodStart(grain, periodOf(grain, instant) + 1n);
  const ceiling = floor === instant ? instant : next;
  switch (fn) {
    case '=':
      return floor === instant ? between(floor, next) : nothing;
    case '<':
      return between(beginning, ceiling);
    case '<=':
      return between(beginning, next);
    case '>':
      return between(next, end);
    default:
      return between(ceiling, end);
  }
}

function yearComparison(fn: string, year: bigint | null | undefined): TimeBound {
  if (year === undefined) return unknown;
  if (year === null) return never;
  if (year < 1n || year > 9_999n) return unknown;
  const start = daysOf({ year, month: 1, day: 1 }) * microsPerDay;
  return { set: compared(fn, start, 'year'), exact: true };
}

/** Comparisons of a number or text that spells a date, such as 19930101, with one that is a real date. */
function formattedComparison(
  fn: string,
  left: Expr,
  right: Expr,
  partition: PartitionColumn,
  format: string,
  parameters: ParameterValues | undefined,
): TimeBound {
  if (exprKey(withoutWidening(left)) !== partition.key) return unknown;
  const number = integerOfConstant(right, parameters);
  const constant = number ?? constantOf(right, parameters)?.value;
  if (constant === null) return never;
  if (typeof constant !== 'bigint' && typeof constant !== 'string') return unknown;
  const spelling = parseDateFormat(format);
  const micros = spelling && parseTime(spelling, String(constant));
  // Only real dates: what stands for no date is ordered between them, and so says nothing exact.
  if (micros === undefined || formatAtOrAfter(spelling!, micros) !== String(constant)) {
    return unknown;
  }
  return { set: compared(fn, micros, undefined), exact: true };
}

function withoutWidening(expr: Expr): Expr {
  const exact = ['smallint', 'integer', 'bigint', 'numeric'];
  const widens =
    expr.kind === 'cast' &&
    exact.includes(expr.type.kind) &&
    exact.indexOf(expr.arg.type.kind) >= 0 &&
    exact.indexOf(expr.arg.type.kind) <= exact.indexOf(expr.type.kind);
  return widens ? withoutWidening(expr.arg) : expr;
}
