import type { DataType } from '@tessera/columnar';
import type { BindContext } from './bind-context.ts';
import { microsPerDay } from './calendar.ts';
import { brokenRule, unsupportedSql } from './errors.ts';
import type { Expr, LiteralExpr, ParameterExpr } from './expression.ts';
import { isLiteral, lit } from './literal.ts';
import { parseLiteral, rescale } from './parse-literal.ts';
import {
  commonType,
  explicitlyCasts,
  implicitlyCasts,
  isInteger,
  numericOf,
  sameType,
  type,
  typeName,
} from './types.ts';

/** The expression in a type that PostgreSQL reaches by itself. `what` begins the message when it does not. */
export function coerce(ctx: BindContext, expr: Expr, to: DataType, what = 'The expression'): Expr {
  const from = expr.type;
  if (from.kind !== 'unknown' && !implicitlyCasts(from.kind, to.kind)) {
    throw ctx.mismatch(
      `${what} must be of type ${typeName(to)}, not ${typeName(from)}`,
      ctx.locationOf(expr),
    );
  }
  return convert(ctx, expr, to, false);
}

/** `cast(expr as to)`. */
export function castTo(ctx: BindContext, expr: Expr, to: DataType, location?: number): Expr {
  const from = expr.type;
  if (from.kind !== 'unknown' && !explicitlyCasts(from.kind, to.kind)) {
    throw ctx.mismatch(`Cannot cast type ${typeName(from)} to ${typeName(to)}`, location);
  }
  const spelled = from.kind === 'interval' || (from.kind === 'numeric' && from.scale === undefined);
  if (to.kind === 'text' && spelled) {
    throw unsupportedSql(
      `A cast of ${typeName(from)} of no fixed form to text`,
      ctx.at(location),
      from.kind === 'numeric' ? 'Round it first, for example round(x, 2)::text.' : undefined,
    );
  }
  return convert(ctx, expr, to, true);
}

function convert(ctx: BindContext, expr: Expr, to: DataType, explicit: boolean): Expr {
  const from = expr.type;
  if (from.kind === 'unknown') return typed(ctx, expr, to);
  if (sameType(from, to)) return expr;
  if (to.kind === 'numeric' && from.kind === 'numeric') {
    const keeps = to.precision === undefined && (!explicit || to.scale === undefined);
    if (keeps) return expr;
  }
  const target = to.kind === 'numeric' ? castNumeric(from, to) : to;
  const folded = isLiteral(expr) ? foldCast(expr, target) : undefined;
  return ctx.located(folded ?? { kind: 'cast', type: target, arg: expr }, ctx.locationOf(expr));
}

/** The type of a cast to numeric: integers have no digits after the point. */
function castNumeric(from: DataType, to: DataType & { readonly kind: 'numeric' }): DataType {
  if (to.precision !== undefined || !isInteger(from)) return to;
  return numericOf(0);
}

/** Gives an untyped literal or parameter its type. */
function typed(ctx: BindContext, expr: Expr, to: DataType): Expr {
  const location = ctx.locationOf(expr);
  if (expr.kind === 'parameter') return typedParameter(ctx, expr, to);
  if (expr.kind !== 'literal') return { kind: 'cast', type: to, arg: expr };
  if (expr.value === null) return ctx.located(lit.null(to), location);
  const text = String(expr.value);
  const value = parseLiteral(text, to, ctx.settings.timeZone);
  if (value === undefined) {
    throw brokenRule(
      'INVALID_LITERAL',
      `${JSON.stringify(text)} is not a valid ${typeName(to)}`,
      ctx.at(location),
      literalHints[to.kind],
    );
  }
  return ctx.located(lit.of(to, value), location);
}

const literalHints: Readonly<Partial<Record<DataType['kind'], string>>> = {
  date: "Write dates as '2024-01-31'.",
  timestamp: "Write timestamps as '2024-01-31 12:34:56'.",
  timestamptz: "Write timestamps as '2024-01-31 12:34:56+00'.",
  interval: "Write intervals as '1 year 2 days 03:04:05'.",
};

function typedParameter(ctx: BindContext, expr: ParameterExpr, to: DataType): Expr {
  const location = ctx.locationOf(expr);
  const known = ctx.parameterTypes[expr.index];
  if (known !== undefined && known.kind !== 'unknown' && known.kind !== to.kind) {
    throw ctx.mismatch(
      `Parameter $${expr.index + 1} is used as ${typeName(known)} and as ${typeName(to)}`,
      location,
      'Cast it where it is used, for example $1::integer.',
    );
  }
  ctx.parameterTypes[expr.index] = to;
  return ctx.located({ ...expr, type: to }, location);
}

/** Casts of literals that are exact and need no setting are done at once. */
function foldCast(expr: LiteralExpr, to: DataType): LiteralExpr | undefined {
  const { value, type: from } = expr;
  if (value === null) return lit.null(to);
  if (isInteger(from)) return foldInteger(BigInt(value as number | bigint), to);
  if (from.kind === 'numeric') return foldNumeric(value as bigint, from.scale, to);
  if (from.kind === 'date' && to.kind === 'timestamp') {
    return lit.timestamp(BigInt(value as number) * microsPerDay);
  }
  return undefined;
}

function foldInteger(value: bigint, to: DataType): LiteralExpr | undefined {
  switch (to.kind) {
    case 'smallint':
      return value >= -32768n && value < 32768n ? lit.smallint(Number(value)) : undefined;
    case 'integer':
      return value >= -2147483648n && value < 2147483648n ? lit.int(Number(value)) : undefined;
    case 'bigint':
      return lit.bigint(value);
    case 'numeric':
      return foldNumeric(value, 0, to);
    case 'double':
      return lit.double(Number(value));
    default:
      return undefined;
  }
}

function foldNumeric(
  unscaled: bigint,
  scale: number | undefined,
  to: DataType,
): LiteralExpr | undefined {
  if (scale === undefined) return undefined;
  if (to.kind === 'double') return lit.double(Number(decimalText(unscaled, scale)));
  if (to.kind !== 'numeric') return undefined;
  const wanted = to.scale ?? scale;
  const value = rescale(unscaled, scale, wanted);
  const limit = 10n ** BigInt(to.precision ?? 38);
  return value < limit && value > -limit
    ? lit.of(numericOf(wanted, to.precision), value)
    : undefined;
}

/** `12345n, 2` as `123.45`. */
export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? '-' : '';
  const digits = `${unscaled < 0n ? -unscaled : unscaled}`.padStart(scale + 1, '0');
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** All in the type that they agree on; text when all are untyped. `what` begins the message when they do not agree. */
export function unify(ctx: BindContext, exprs: readonly Expr[], what: string): Expr[] {
  const to = agreedType(ctx, exprs, what);
  return exprs.map((expr) => coerce(ctx, expr, to));
}

function agreedType(ctx: BindContext, exprs: readonly Expr[], what: string): DataType {
  const found = commonType(exprs.map((e) => e.type));
  if (found === undefined) {
    const names = [...new Set(exprs.map((e) => typeName(e.type)))];
    const odd = exprs.find((e) => e.type.kind !== 'unknown' && e.type.kind !== exprs[0]!.type.kind);
    throw ctx.mismatch(
      `${what} types ${names.join(' and ')} cannot be matched`,
      odd === undefined ? undefined : ctx.locationOf(odd),
      'Cast one side.',
    );
  }
  return found.kind === 'unknown' ? type.text : found;
}

/** An output column that is still untyped is text. */
export function resolveUnknown(ctx: BindContext, expr: Expr): Expr {
  return expr.type.kind === 'unknown' ? coerce(ctx, expr, type.text) : expr;
}
