import type { Interval } from '@tessera/columnar';
import type { BindContext } from './bind-context.ts';
import { microsPerDay } from './calendar.ts';
import { castTo, coerce, unify } from './coerce.ts';
import { addDays, addInterval } from './date-arithmetic.ts';
import { badName, datetimeOutOfRange, unsupportedSql } from './errors.ts';
import type { CastExpr, Expr, LiteralExpr } from './expression.ts';
import { canonicalName, isScalarFunction, resolveScalar } from './functions.ts';
import { isLiteral, lit } from './literal.ts';
import { isInteger, isNumber, numericOf, type, typeName } from './types.ts';
import { call, not } from './walk.ts';

/** Building calls with PostgreSQL's types: operators, comparisons, scalar functions of the catalogue. */
const comparisons: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);

/** Functions whose numeric form would need arithmetic of any length. */
const inexact: ReadonlySet<string> = new Set(['^', 'power', 'exp', 'ln', 'log']);

export const isComparison = (fn: string): boolean => comparisons.has(fn);

/** A scalar function or operator of the catalogue by name, its arguments cast as PostgreSQL casts them. */
export function scalarCall(
  ctx: BindContext,
  name: string,
  args: readonly Expr[],
  location: number | undefined,
): Expr {
  const types = args.map((a) => a.type);
  const found = resolveScalar(name, types);
  if (typeof found === 'string') throw noOverload(ctx, name, args, found, location);
  const coerced = args.map((arg, i) => coerce(ctx, arg, found.args[i]!));
  const fn = canonicalName(name);
  if (found.result.kind === 'numeric' && inexact.has(fn)) {
    throw unsupportedSql(
      `${name} of numeric values`,
      ctx.at(location),
      'Cast the arguments to double precision.',
    );
  }
  const result = call(fn, found.result, coerced);
  return ctx.located(foldCall(ctx, narrowed(result), location), location);
}

/** Result types that depend on a literal argument: `round(x, 2)`, `extract(year from …)`. */
function narrowed(expr: ReturnType<typeof call>): ReturnType<typeof call> {
  const [first, second] = expr.args;
  const digits = (expr.fn === 'round' || expr.fn === 'trunc') && second !== undefined;
  if (digits && isLiteral(second) && typeof second.value === 'number' && second.value <= 20) {
    return { ...expr, type: numericOf(Math.max(0, second.value)) };
  }
  if (expr.fn === 'extract' && isLiteral(first!)) {
    return { ...expr, type: numericOf(extractScale(String(first.value), second!)) };
  }
  return expr;
}

function extractScale(field: string, from: Expr): number {
  if (field === 'second' || (field === 'epoch' && from.type.kind !== 'date')) return 6;
  return field === 'milliseconds' ? 3 : 0;
}

function noOverload(
  ctx: BindContext,
  name: string,
  args: readonly Expr[],
  why: 'none' | 'ambiguous',
  location: number | undefined,
): Error {
  const types = args.map((a) => typeName(a.type));
  const operator = !/^[a-z]/.test(name) || ['like', 'ilike', 'negate'].includes(name);
  const what = operator
    ? `Operator ${types.length === 1 ? `${name} ${types[0]}` : `${types[0]} ${name} ${types[1]}`}`
    : `Function ${name}(${types.join(', ')})`;
  if (why === 'ambiguous') {
    return badName(
      'AMBIGUOUS_FUNCTION',
      `${what} is not unique`,
      ctx.at(location),
      'a cast of the arguments',
    );
  }
  if (operator || isScalarFunction(name)) {
    return ctx.mismatch(
      `${what} does not exist`,
      location,
      'Cast the arguments to a type it takes.',
    );
  }
  return badName('UNKNOWN_FUNCTION', `${what} does not exist`, ctx.at(location));
}

/** `left fn right` for a comparison operator, both sides in one type. */
export function comparison(
  ctx: BindContext,
  fn: string,
  left: Expr,
  right: Expr,
  location: number | undefined,
): Expr {
  const sides = comparable(ctx, left, right, `Operator ${fn}:`);
  return ctx.located(call(fn, type.boolean, sides), location);
}

/** Both sides in the type in which PostgreSQL compares them. */
export function comparable(ctx: BindContext, left: Expr, right: Expr, what: string): Expr[] {
  const sides = [left, right];
  const kinds = new Set(sides.map((s) => s.type.kind));
  const mixedReal = kinds.has('real') && kinds.size === 2 && sides.every((s) => isNumber(s.type));
  if (mixedReal) return sides.map((s) => coerce(ctx, s, type.double));
  const small = narrowLiteral(sides);
  if (small !== undefined) return small;
  return asDates(unify(ctx, sides, what));
}

/** `smallint_column = 5` compares smallints: the literal changes, not the column. */
function narrowLiteral(sides: readonly Expr[]): Expr[] | undefined {
  const literal = sides.findIndex((s) => isLiteral(s) && s.type.kind === 'integer');
  const other = sides[1 - literal];
  if (literal < 0 || other?.type.kind !== 'smallint') return undefined;
  const { value } = sides[literal] as LiteralExpr;
  if (typeof value !== 'number' || value < -32768 || value > 32767) return undefined;
  return sides.map((s, i) => (i === literal ? lit.smallint(value) : s));
}

/** A date cast to timestamp, compared with midnight of a day, is the date compared with that day. */
function asDates(sides: Expr[]): Expr[] {
  const literal = sides.findIndex((s) => isLiteral(s) && s.type.kind === 'timestamp');
  const other = sides[1 - literal];
  if (literal < 0 || other?.kind !== 'cast' || other.arg.type.kind !== 'date') return sides;
  const { value } = sides[literal] as LiteralExpr;
  if (typeof value !== 'bigint' || value % microsPerDay !== 0n) return sides;
  const day = lit.date(Number(value / microsPerDay));
  const date = (other as CastExpr).arg;
  return literal === 0 ? [day, date] : [date, day];
}

/** `left operator right` as PostgreSQL writes operators. */
export function binary(
  ctx: BindContext,
  operator: string,
  left: Expr,
  right: Expr,
  location: number | undefined,
): Expr {
  const fn = operator === '!=' ? '<>' : operator;
  if (comparisons.has(fn)) return comparison(ctx, fn, left, right, location);
  if (fn === '||') return concatenation(ctx, left, right, location);
  if (!['+', '-', '*', '/', '%', '^'].includes(fn)) {
    throw ctx.unsupported(`Operator ${operator}`, location);
  }
  return scalarCall(ctx, fn, [left, right], location);
}

/** `||` takes text on one side and anything on the other. */
function concatenation(
  ctx: BindContext,
  left: Expr,
  right: Expr,
  location: number | undefined,
): Expr {
  const texts = [left, right].filter((s) => ['text', 'unknown'].includes(s.type.kind));
  if (texts.length === 0) throw noOverload(ctx, '||', [left, right], 'none', location);
  const sides = [left, right].map((s) => asText(ctx, s));
  return ctx.located(call('||', type.text, sides), location);
}

/** A value as text, as an argument of `||` and concat. */
export function asText(ctx: BindContext, expr: Expr): Expr {
  return castTo(ctx, expr, type.text, ctx.locationOf(expr));
}

/** -x; of a literal at once. */
export function negate(ctx: BindContext, arg: Expr, location: number | undefined): Expr {
  if (isLiteral(arg) && arg.value !== null) {
    if (typeof arg.value === 'bigint' && arg.type.kind !== 'bigint') {
      const plain = arg.type.kind === 'numeric' ? numericOf(arg.type.scale) : arg.type;
      return ctx.located(lit.of(plain, -arg.value), location);
    }
    if (typeof arg.value === 'number' && isNumber(arg.type)) {
      if (arg.value > -32768)
        return ctx.located(lit.of(arg.type, negated(arg.value, arg)), location);
    }
  }
  return scalarCall(ctx, 'negate', [arg], location);
}

const negated = (value: number, arg: Expr) => (isInteger(arg.type) && value === 0 ? 0 : -value);

/** Dates and timestamps plus or minus a constant are constants, so that they prune and match. @throws NUMERIC_OUT_OF_RANGE */
function foldCall(
  ctx: BindContext,
  expr: ReturnType<typeof call>,
  location: number | undefined,
): Expr {
  const [a, b] = expr.args;
  if ((expr.fn !== '+' && expr.fn !== '-') || a === undefined || b === undefined) return expr;
  if (!isLiteral(a) || !isLiteral(b) || a.value === null || b.value === null) return expr;
  const sign = expr.fn === '-' ? -1 : 1;
  if (a.type.kind === 'date' && b.type.kind === 'integer') {
    const days = addDays(a.value as number, sign * (b.value as number));
    if (days === undefined) throw datetimeOutOfRange('date', ctx.at(location));
    return lit.date(days);
  }
  if (b.type.kind !== 'interval') return expr;
  const start = a.type.kind === 'date' ? BigInt(a.value as number) * microsPerDay : a.value;
  if ((a.type.kind !== 'date' && a.type.kind !== 'timestamp') || typeof start !== 'bigint') {
    return expr;
  }
  const micros = addInterval(start, b.value as Interval, sign);
  if (micros === undefined) throw datetimeOutOfRange('timestamp', ctx.at(location));
  return lit.timestamp(micros);
}

/** The expression as a truth value. `clause` says where, for the message. */
export function condition(ctx: BindContext, expr: Expr, clause: string): Expr {
  return coerce(ctx, expr, type.boolean, `The argument of ${clause}`);
}

/** `test in (list)`; no list items that are NULL-typed change the type. */
export function membership(
  ctx: BindContext,
  test: Expr,
  list: readonly Expr[],
  negative: boolean,
  location: number | undefined,
): Expr {
  const args =
    list.length === 1 ? comparable(ctx, test, list[0]!, 'IN:') : unifyList(ctx, test, list);
  const expr = args.length === 2 ? call('=', type.boolean, args) : call('in', type.boolean, args);
  return ctx.located(negative ? not(expr) : expr, location);
}

function unifyList(ctx: BindContext, test: Expr, list: readonly Expr[]): Expr[] {
  if (test.type.kind !== 'smallint') return unify(ctx, [test, ...list], 'IN:');
  const pairs = list.map((item) => narrowLiteral([test, item])?.[1]);
  if (pairs.every((p) => p !== undefined)) return [test, ...pairs];
  return unify(ctx, [test, ...list], 'IN:');
}
