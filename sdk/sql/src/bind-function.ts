import type { FuncCall } from '@pgsql/types';
import type { BindContext, Env } from './bind-context.ts';
import { type Bind, bindOrderItems, bindWindow } from './bind-window.ts';
import { coerce, resolveUnknown, unify } from './coerce.ts';
import { bindDateFunction, bindToChar, unknownFunction } from './date-functions.ts';
import { brokenRule } from './errors.ts';
import type { Expr } from './expression.ts';
import {
  canonicalName,
  isAggregateFunction,
  isScalarFunction,
  isWindowFunction,
  type Resolved,
  resolveAggregate,
  resolveWindow,
} from './functions.ts';
import { lit } from './literal.ts';
import { asText, condition, scalarCall } from './operators.ts';
import { type, typeName } from './types.ts';
import { call } from './walk.ts';

const orderedSets: ReadonlySet<string> = new Set(['percentile_cont', 'percentile_disc']);
/** Window functions that return a value of their first argument's type. */
const valueWindows: Readonly<Record<string, { readonly least: number; readonly most: number }>> = {
  lag: { least: 1, most: 3 },
  lead: { least: 1, most: 3 },
  first_value: { least: 1, most: 1 },
  last_value: { least: 1, most: 1 },
  nth_value: { least: 2, most: 2 },
};

/** A function call of any kind. @throws UNKNOWN_FUNCTION, TYPE_MISMATCH, INVALID_REFERENCE, UNSUPPORTED_SQL */
export function bindFunction(ctx: BindContext, env: Env, fn: FuncCall, bind: Bind): Expr {
  const name = functionName(ctx, fn);
  if (fn.func_variadic) throw ctx.unsupported('VARIADIC', fn.location);
  if (fn.over !== undefined) return bindWindowCall(ctx, env, name, fn, bind);
  if (orderedSets.has(name)) return bindOrderedSet(ctx, env, name, fn, bind);
  if (isAggregateFunction(name) || name === 'any_value') {
    return bindAggregate(ctx, env, name, fn, bind);
  }
  if (isWindowFunction(name) || name in valueWindows) {
    throw brokenRule(
      'INVALID_REFERENCE',
      `Window function ${name} needs an OVER clause`,
      ctx.at(fn.location),
    );
  }
  if (fn.agg_star || fn.agg_distinct || fn.agg_filter || fn.agg_order) {
    throw isScalarFunction(name)
      ? ctx.mismatch(`${name} is not an aggregate function`, fn.location)
      : unknownFunction(ctx, name, [], fn.location);
  }
  return bindScalar(
    ctx,
    name,
    (fn.args ?? []).map((a) => bind(ctx, env, a)),
    fn.location,
  );
}

function functionName(ctx: BindContext, fn: FuncCall): string {
  const words = (fn.funcname ?? []).map((n) => ('String' in n ? (n.String.sval ?? '') : ''));
  if (words.length > 2 || (words.length === 2 && words[0] !== 'pg_catalog')) {
    throw ctx.unsupported(`Function ${words.join('.')}`, fn.location);
  }
  return words.at(-1) ?? '';
}

function bindScalar(
  ctx: BindContext,
  name: string,
  args: readonly Expr[],
  location: number | undefined,
): Expr {
  switch (name) {
    case 'now':
    case 'transaction_timestamp':
    case 'statement_timestamp':
      return ctx.located(lit.timestamptz(ctx.settings.now), location);
    case 'concat':
      return ctx.located(
        call(
          'concat',
          type.text,
          args.map((a) => asText(ctx, a)),
        ),
        location,
      );
    case 'concat_ws':
      if (args.length < 2) throw unknownFunction(ctx, name, args, location);
      return ctx.located(
        call(
          'concat_ws',
          type.text,
          args.map((a) => asText(ctx, a)),
        ),
        location,
      );
    case 'extract':
    case 'date_part':
    case 'date_trunc':
      return bindDateFunction(ctx, name, args, location);
    case 'to_char':
      return bindToChar(ctx, args, location);
    default:
      if (!isScalarFunction(name)) throw unknownFunction(ctx, name, args, location);
      return scalarCall(ctx, name, args, location);
  }
}

/** Arguments and FILTER of an aggregate; no aggregate or window may stand in them. */
function bindAggregateParts(ctx: BindContext, env: Env, name: string, fn: FuncCall, bind: Bind) {
  if (env.noAggregates !== undefined) {
    throw brokenRule(
      'INVALID_REFERENCE',
      `Aggregate ${name} is not allowed in ${env.noAggregates}`,
      ctx.at(fn.location),
    );
  }
  if (env.block !== undefined) env.block.aggregated = true;
  const inner: Env = {
    ...env,
    noAggregates: 'an aggregate function',
    noWindows: 'an aggregate function',
  };
  const parts = (fn.args ?? []).map((node) => bind(ctx, inner, node));
  const filter =
    fn.agg_filter === undefined
      ? undefined
      : condition(ctx, bind(ctx, inner, fn.agg_filter), 'FILTER');
  const orderBy = bindOrderItems(ctx, fn.agg_order ?? [], (node) => bind(ctx, inner, node));
  return { parts, filter, orderBy };
}

function bindAggregate(ctx: BindContext, env: Env, name: string, fn: FuncCall, bind: Bind): Expr {
  const { parts, filter, orderBy } = bindAggregateParts(ctx, env, name, fn, bind);
  const resolved = aggregateTypes(ctx, name, parts, fn);
  const args = parts.map((arg, i) => coerce(ctx, arg, resolved.args[i]!));
  const distinct = fn.agg_distinct === true;
  // The order of the input changes nothing but the text of string_agg.
  const ordered = name === 'string_agg' && orderBy.length > 0;
  return ctx.located(
    {
      kind: 'aggregate',
      type: resolved.result,
      fn: canonicalName(name),
      args,
      distinct: distinct && !['min', 'max', 'bool_and', 'bool_or', 'every'].includes(name),
      ...(filter === undefined ? {} : { filter }),
      ...(ordered ? { orderBy } : {}),
    },
    fn.location,
  );
}

function aggregateTypes(
  ctx: BindContext,
  name: string,
  args: readonly Expr[],
  fn: FuncCall,
): Exclude<Resolved, string> {
  const types = args.map((a) => a.type);
  if (name === 'count' && fn.agg_star) return { args: [], result: type.bigint };
  if ((name === 'count' || name === 'any_value') && args.length === 1) {
    const argument = types[0]!.kind === 'unknown' ? type.text : types[0]!;
    return { args: [argument], result: name === 'count' ? type.bigint : argument };
  }
  const found = name === 'count' ? 'none' : resolveAggregate(name, types);
  if (typeof found !== 'string') return found;
  const names = types.map(typeName).join(', ');
  throw ctx.mismatch(
    found === 'none'
      ? `Aggregate ${name}(${names}) does not exist`
      : `Aggregate ${name}(${names}) is not unique`,
    fn.location,
    'Cast the arguments to a type it takes.',
  );
}

/** percentile_cont and percentile_disc: `fn(fraction) within group (order by x)`. */
function bindOrderedSet(ctx: BindContext, env: Env, name: string, fn: FuncCall, bind: Bind): Expr {
  const { parts, filter, orderBy } = bindAggregateParts(ctx, env, name, fn, bind);
  const key = orderBy[0];
  if (!fn.agg_within_group || key === undefined || orderBy.length !== 1 || parts.length !== 1) {
    throw ctx.mismatch(
      `${name} takes one argument and WITHIN GROUP (ORDER BY one expression)`,
      fn.location,
    );
  }
  const args = parts.map((arg) => coerce(ctx, arg, type.double, `The fraction of ${name}`));
  const continuous = name === 'percentile_cont' && key.expr.type.kind !== 'interval';
  const expr = continuous ? coerce(ctx, key.expr, type.double, `The input of ${name}`) : key.expr;
  return ctx.located(
    {
      kind: 'aggregate',
      type: expr.type,
      fn: name,
      args,
      distinct: false,
      ...(filter === undefined ? {} : { filter }),
      orderBy: [{ ...key, expr }],
    },
    fn.location,
  );
}

function bindWindowCall(ctx: BindContext, env: Env, name: string, fn: FuncCall, bind: Bind): Expr {
  if (env.noWindows !== undefined) {
    throw brokenRule(
      'INVALID_REFERENCE',
      `Window function ${name} is not allowed in ${env.noWindows}`,
      ctx.at(fn.location),
    );
  }
  if (fn.agg_distinct) throw ctx.unsupported('DISTINCT in a window function', fn.location);
  if (fn.agg_order !== undefined || orderedSets.has(name)) {
    throw ctx.unsupported('An ordered aggregate as a window function', fn.location);
  }
  const inner: Env = { ...env, noWindows: 'the arguments of a window function' };
  const bound = (fn.args ?? []).map((node) => bind(ctx, inner, node));
  const filter =
    fn.agg_filter === undefined
      ? undefined
      : condition(ctx, bind(ctx, inner, fn.agg_filter), 'FILTER');
  const { args, result } = windowTypes(ctx, name, bound, fn);
  return ctx.located(
    {
      kind: 'window',
      type: result,
      fn: canonicalName(name),
      args: args.map((t, i) => coerce(ctx, bound[i]!, t)),
      ...(filter === undefined ? {} : { filter }),
      ...bindWindow(ctx, inner, fn.over!, bind),
    },
    fn.location,
  );
}

function windowTypes(
  ctx: BindContext,
  name: string,
  args: readonly Expr[],
  fn: FuncCall,
): Exclude<Resolved, string> {
  const value = Object.hasOwn(valueWindows, name) ? valueWindows[name] : undefined;
  if (value !== undefined) {
    if (args.length < value.least || args.length > value.most) {
      throw unknownFunction(ctx, name, args, fn.location);
    }
    const first = resolveUnknown(ctx, args[0]!);
    const result = args.length < 3 ? first.type : unify(ctx, [first, args[2]!], name)[0]!.type;
    return { args: [result, type.integer, result].slice(0, args.length), result };
  }
  if (isAggregateFunction(name) || name === 'any_value') {
    return aggregateTypes(ctx, name, args, fn);
  }
  const found = isWindowFunction(name)
    ? resolveWindow(
        name,
        args.map((a) => a.type),
      )
    : 'none';
  if (typeof found === 'string') throw unknownFunction(ctx, name, args, fn.location);
  return found;
}
