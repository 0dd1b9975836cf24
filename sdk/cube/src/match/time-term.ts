import type { DataType, Value } from '@tessera/columnar';
import type { Expr, ParameterValues } from '@tessera/sql';
import type { Grain } from '../model-spec.ts';
import { addMonths, grains, microsPerDay, nests } from '../time/civil.ts';

/**
 * Reading time expressions: which column they truncate and to what, which grain is enough to compute them,
 * and which instant a constant is.
 */
export interface TimeTerm {
  /** What is truncated: a date, timestamp or timestamptz that is not itself a truncation or a cast of one. */
  readonly base: Expr;
  /** Absent: the value itself. A date counts as truncated to the day by being one. */
  readonly grain?: Grain;
  /** True when a timestamptz takes part anywhere, so that the session's zone may matter. */
  readonly zoned: boolean;
}

const timeKinds = new Set<DataType['kind']>(['date', 'timestamp', 'timestamptz']);

export function isTime(type: DataType): boolean {
  return timeKinds.has(type.kind);
}

/** `date_trunc(g, x)`, `x::date` and casts between time types, in any nesting that cuts one column. */
export function timeTermOf(expr: Expr): TimeTerm | undefined {
  if (!isTime(expr.type)) return undefined;
  const zoned = expr.type.kind === 'timestamptz';
  if (expr.kind === 'cast' && isTime(expr.arg.type)) {
    const inner = timeTermOf(expr.arg);
    const cut = expr.type.kind === 'date' && expr.arg.type.kind !== 'date' ? 'day' : undefined;
    return inner && coarsened(inner, cut, zoned);
  }
  if (expr.kind === 'call' && expr.fn === 'date_trunc' && expr.args.length === 2) {
    const grain = grainNamed(expr.args[0]!);
    const inner = timeTermOf(expr.args[1]!);
    return grain && inner && coarsened(inner, grain, zoned);
  }
  return { base: expr, zoned };
}

function coarsened(term: TimeTerm, grain: Grain | undefined, zoned: boolean): TimeTerm | undefined {
  const both = { ...term, zoned: term.zoned || zoned };
  if (grain === undefined) return both;
  const inner = term.grain;
  if (inner === undefined || nests(inner, grain)) return { ...both, grain };
  return nests(grain, inner) ? both : undefined;
}

function grainNamed(expr: Expr): Grain | undefined {
  if (expr.kind === 'cast') return grainNamed(expr.arg);
  if (expr.kind !== 'literal' || typeof expr.value !== 'string') return undefined;
  const name = expr.value.toLowerCase();
  return grains.find((grain) => grain === name || `${grain}s` === name);
}

const fieldGrains: Readonly<Record<string, Grain>> = {
  millennium: 'year',
  century: 'year',
  decade: 'year',
  year: 'year',
  quarter: 'quarter',
  month: 'month',
  week: 'week',
  isoyear: 'week',
  day: 'day',
  dow: 'day',
  isodow: 'day',
  doy: 'day',
  hour: 'hour',
  minute: 'minute',
};

/** `extract(field from term)`: the term, and the grain that decides the field. */
export function extractOf(
  expr: Expr,
): { readonly field: string; readonly term: TimeTerm; readonly grain: Grain } | undefined {
  if (expr.kind !== 'call' || !['extract', 'date_part'].includes(expr.fn)) return undefined;
  const name = expr.args[0];
  const argument = expr.args[1];
  if (name?.kind !== 'literal' || typeof name.value !== 'string' || argument === undefined) {
    return undefined;
  }
  const field = name.value.toLowerCase();
  const grain = fieldGrains[field];
  const term = timeTermOf(argument);
  return grain && term && { field, term, grain };
}

/** The value of a literal or of a parameter whose value is known; casts between equal representations are seen through. */
export function constantOf(
  expr: Expr,
  parameters: ParameterValues | undefined,
): { readonly value: Value; readonly type: DataType } | undefined {
  if (expr.kind === 'literal') return { value: expr.value, type: expr.type };
  if (expr.kind !== 'parameter' || parameters === undefined) return undefined;
  const value = parameters[expr.index];
  return value === undefined ? undefined : { value, type: expr.type };
}

/** The instant of a constant time expression, `null` for NULL, `undefined` when it is not constant. */
export function instantOfConstant(
  expr: Expr,
  parameters: ParameterValues | undefined,
): bigint | null | undefined {
  const constant = constantOf(expr, parameters);
  if (constant !== undefined) return microsOf(constant.value, constant.type);
  if (expr.kind === 'cast' && isTime(expr.type) && isTime(expr.arg.type)) {
    const inner = instantOfConstant(expr.arg, parameters);
    if (typeof inner !== 'bigint' || expr.type.kind !== 'date') return inner;
    return inner - (((inner % microsPerDay) + microsPerDay) % microsPerDay);
  }
  if (expr.kind !== 'call' || !['+', '-'].includes(expr.fn)) return undefined;
  return shifted(expr.fn === '+' ? 1n : -1n, expr.args, parameters);
}

function shifted(
  sign: bigint,
  [left, right]: readonly Expr[],
  parameters: ParameterValues | undefined,
): bigint | null | undefined {
  if (left === undefined || right === undefined || !isTime(left.type)) return undefined;
  const start = instantOfConstant(left, parameters);
  const by = constantOf(right, parameters);
  if (start === undefined || by === undefined) return undefined;
  if (start === null || by.value === null) return null;
  if (typeof by.value === 'number' && left.type.kind === 'date') {
    return start + sign * BigInt(by.value) * microsPerDay;
  }
  if (typeof by.value !== 'object' || !('months' in by.value)) return undefined;
  const { months, days, micros } = by.value;
  return addMonths(start, sign * BigInt(months)) + sign * (BigInt(days) * microsPerDay + micros);
}

function microsOf(value: Value, type: DataType): bigint | null | undefined {
  if (value === null) return null;
  if (type.kind === 'date' && typeof value === 'number') return BigInt(value) * microsPerDay;
  if (isTime(type) && typeof value === 'bigint') return value;
  return undefined;
}

/** A constant whole number, also through casts between number types. `null` for NULL. */
export function integerOfConstant(
  expr: Expr,
  parameters: ParameterValues | undefined,
): bigint | null | undefined {
  if (expr.kind === 'cast') return integerOfConstant(expr.arg, parameters);
  const constant = constantOf(expr, parameters);
  if (constant === undefined) return undefined;
  const { value, type } = constant;
  if (value === null) return null;
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'bigint' || isTime(type)) return undefined;
  const unit = 10n ** BigInt(type.kind === 'numeric' ? (type.scale ?? 20) : 0);
  return value % unit === 0n ? value / unit : undefined;
}
