import type { BoolExpr, CaseExpr, ColumnRef, Node } from '@pgsql/types';
import { bindConstant, bindNow } from './bind-constant.ts';
import type { BindContext, Env } from './bind-context.ts';
import { bindFunction } from './bind-function.ts';
import { bindOperator } from './bind-operator.ts';
import { bindSubquery } from './bind-subquery.ts';
import { castTo, coerce, resolveUnknown, unify } from './coerce.ts';
import { brokenRule } from './errors.ts';
import type { Expr } from './expression.ts';
import { foldEqualities } from './fold-equalities.ts';
import { exprKey } from './key.ts';
import { isLiteral, lit } from './literal.ts';
import { comparison, condition, scalarCall } from './operators.ts';
import { parseInterval } from './parse-interval.ts';
import { findColumn, findTable, unknownAlias, unknownColumn, unknownTableColumn } from './scope.ts';
import { bindTypeName } from './type-names.ts';
import { commonType, type } from './types.ts';
import { call, not } from './walk.ts';

/** Binds one expression of the parse tree where `env` says it stands. */
export function bindExpr(ctx: BindContext, env: Env, node: Node): Expr {
  ctx.countNode();
  if ('ColumnRef' in node) return bindColumn(ctx, env, node.ColumnRef);
  if ('A_Const' in node) return bindConstant(ctx, node.A_Const);
  if ('A_Expr' in node)
    return bindOperator(ctx, (operand) => bindExpr(ctx, env, operand), node.A_Expr);
  if ('BoolExpr' in node) return bindLogic(ctx, env, node.BoolExpr);
  if ('FuncCall' in node) return bindFunction(ctx, env, node.FuncCall, bindExpr);
  if ('TypeCast' in node) return bindCast(ctx, env, node);
  if ('CaseExpr' in node) return bindCase(ctx, env, node.CaseExpr);
  if ('SubLink' in node) return bindSubquery(ctx, env, node.SubLink, bindExpr);
  return bindRare(ctx, env, node);
}

function bindRare(ctx: BindContext, env: Env, node: Node): Expr {
  if ('ParamRef' in node) {
    const index = (node.ParamRef.number ?? 1) - 1;
    if (index < 0 || index > 65_534) throw ctx.unsupported(`Parameter $${index + 1}`);
    const known = ctx.parameterTypes[index] ?? type.unknown;
    return ctx.located({ kind: 'parameter', type: known, index }, node.ParamRef.location);
  }
  if ('NullTest' in node) {
    const { arg, nulltesttype, location } = node.NullTest;
    const test = call('is_null', type.boolean, [resolveUnknown(ctx, bindExpr(ctx, env, arg!))]);
    return ctx.located(nulltesttype === 'IS_NOT_NULL' ? not(test) : test, location);
  }
  if ('BooleanTest' in node) {
    const { arg, booltesttype = 'IS_TRUE', location } = node.BooleanTest;
    const words = booltesttype.replace('NOT_', '');
    const fn = { IS_TRUE: 'is_true', IS_FALSE: 'is_false', IS_UNKNOWN: 'is_null' }[words]!;
    const test = call(fn, type.boolean, [
      condition(ctx, bindExpr(ctx, env, arg!), words.replace('_', ' ')),
    ]);
    return ctx.located(booltesttype.includes('NOT_') ? not(test) : test, location);
  }
  if ('CoalesceExpr' in node) {
    const { args = [], location } = node.CoalesceExpr;
    return variadic(ctx, env, 'coalesce', args, location);
  }
  if ('MinMaxExpr' in node) {
    const { op, args = [], location } = node.MinMaxExpr;
    return variadic(ctx, env, op === 'IS_LEAST' ? 'least' : 'greatest', args, location);
  }
  if ('SQLValueFunction' in node)
    return bindNow(ctx, node.SQLValueFunction.op, node.SQLValueFunction.location);
  if ('GroupingFunc' in node)
    return bindGrouping(ctx, env, node.GroupingFunc.args ?? [], node.GroupingFunc.location);
  if ('CollateClause' in node) {
    const { arg, collname = [], location } = node.CollateClause;
    const last = collname.at(-1);
    const name = last !== undefined && 'String' in last ? last.String.sval : undefined;
    if (name !== 'C' && name !== 'POSIX' && name !== 'default' && name !== 'ucs_basic') {
      throw ctx.unsupported(`Collation ${name}`, location);
    }
    return coerce(ctx, bindExpr(ctx, env, arg!), type.text, 'The argument of COLLATE');
  }
  throw unsupportedNode(ctx, node);
}

const constructs: Readonly<Record<string, string>> = {
  A_ArrayExpr: 'ARRAY[…]',
  A_Indirection: 'A subscript or field of a composite value',
  RowExpr: 'A row value outside = and IN',
  XmlExpr: 'XML',
  SetToDefault: 'DEFAULT',
};

function unsupportedNode(ctx: BindContext, node: Node): Error {
  const [tag = 'This expression', value] = Object.entries(node)[0] ?? [];
  const location = (value as { location?: number } | undefined)?.location;
  return ctx.unsupported(constructs[tag] ?? `${tag} in an expression`, location);
}

function variadic(
  ctx: BindContext,
  env: Env,
  fn: string,
  nodes: readonly Node[],
  location: number | undefined,
): Expr {
  const args = unify(
    ctx,
    nodes.map((n) => bindExpr(ctx, env, n)),
    `${fn.toUpperCase()}:`,
  );
  return ctx.located(call(fn, agreed(args), args), location);
}

/** Type of expressions that were unified: numerics with the most digits after the point. */
const agreed = (exprs: readonly Expr[]): Expr['type'] =>
  commonType(exprs.map((e) => e.type)) ?? type.text;

function bindColumn(ctx: BindContext, env: Env, ref: ColumnRef): Expr {
  const { fields = [], location } = ref;
  const words = fields.map((f) => ('String' in f ? (f.String.sval ?? '') : '*'));
  if (words.includes('*')) {
    throw brokenRule(
      'INVALID_REFERENCE',
      '* may only stand alone in a select list or in count(*)',
      ctx.at(location),
    );
  }
  if (words.length === 1) {
    const column = findColumn(ctx, env.scope, words[0]!, location);
    if (column !== undefined) return at(ctx, column.expr, location);
    if (findTable(env.scope, words[0]!) !== undefined) {
      throw ctx.unsupported(`The whole row ${words[0]} as a value`, location);
    }
    throw unknownColumn(ctx, env.scope, words[0]!, location);
  }
  if (words.length > 3) throw ctx.unsupported('A name of four parts', location);
  const [name, alias, schema] = words.toReversed() as [string, string, string | undefined];
  const table = findTable(env.scope, alias, schema);
  if (table === undefined) throw unknownAlias(ctx, env.scope, alias, location);
  const found = table.columns.filter((c) => c.name === name);
  if (found.length === 0) throw unknownTableColumn(ctx, table, name, location);
  if (found.length > 1) {
    throw brokenRule(
      'INVALID_REFERENCE',
      `Column "${name}" is in ${alias} more than once`,
      ctx.at(location),
    );
  }
  return at(ctx, found[0]!.expr, location);
}

/** A copy, so that each use has its own place in the text. */
const at = (ctx: BindContext, expr: Expr, location: number | undefined): Expr =>
  ctx.located({ ...expr }, location);

function bindLogic(ctx: BindContext, env: Env, { boolop, args = [], location }: BoolExpr): Expr {
  const fn = boolop === 'AND_EXPR' ? 'and' : boolop === 'OR_EXPR' ? 'or' : 'not';
  const terms = args.map((node) => condition(ctx, bindExpr(ctx, env, node), fn.toUpperCase()));
  if (fn === 'not') return ctx.located(not(terms[0]!), location);
  const flat = terms.flatMap((t) => (t.kind === 'call' && t.fn === fn ? t.args : [t]));
  // What is grouped by stays recognizable inside larger expressions.
  const grouped = () => new Set((env.block?.groupBy ?? []).map(exprKey));
  const folded = foldEqualities(fn, flat, grouped);
  const logic = folded.length === 1 ? folded[0]! : call(fn, type.boolean, folded);
  return ctx.located(logic, location);
}

function bindCast(ctx: BindContext, env: Env, node: Extract<Node, { TypeCast: unknown }>): Expr {
  const { arg, typeName, location } = node.TypeCast;
  const written = bindTypeName(ctx, typeName);
  const bound = bindExpr(ctx, env, arg!);
  if (written.intervalUnit !== undefined) {
    const text = isLiteral(bound) ? String(bound.value) : undefined;
    const value = text === undefined ? undefined : parseInterval(text, written.intervalUnit);
    if (value === undefined || bound.type.kind !== 'unknown') {
      throw ctx.unsupported('A cast to an interval with fields', location);
    }
    return ctx.located(lit.interval(value), typeName?.location);
  }
  const position = location !== undefined && location >= 0 ? location : typeName?.location;
  const cast = castTo(ctx, bound, written.type, position);
  if (written.length === undefined) return ctx.located({ ...cast }, position);
  return scalarCall(ctx, 'left', [cast, lit.int(written.length)], position);
}

function bindCase(ctx: BindContext, env: Env, expr: CaseExpr): Expr {
  const test = expr.arg === undefined ? undefined : bindExpr(ctx, env, expr.arg);
  const branches = (expr.args ?? []).flatMap((node) => ('CaseWhen' in node ? [node.CaseWhen] : []));
  const whens = branches.map(({ expr: when, location }) => {
    const bound = bindExpr(ctx, env, when!);
    return test === undefined
      ? condition(ctx, bound, 'CASE WHEN')
      : comparison(ctx, '=', test, bound, location);
  });
  const results = branches.map(({ result }) => bindExpr(ctx, env, result!));
  const otherwise = expr.defresult === undefined ? [] : [bindExpr(ctx, env, expr.defresult)];
  const values = unify(ctx, [...results, ...otherwise], 'CASE:');
  const last = values[whens.length];
  return ctx.located(
    {
      kind: 'case',
      type: agreed(values),
      // biome-ignore lint/suspicious/noThenProperty: the word of SQL, and never a promise.
      whens: whens.map((when, i) => ({ when, then: values[i]! })),
      ...(last === undefined ? {} : { otherwise: last }),
    },
    expr.location,
  );
}

/** grouping(a, b): the arguments must be GROUP BY expressions. */
function bindGrouping(
  ctx: BindContext,
  env: Env,
  nodes: readonly Node[],
  location: number | undefined,
): Expr {
  if (env.noAggregates !== undefined || env.block === undefined) {
    throw brokenRule(
      'INVALID_REFERENCE',
      `grouping() is not allowed in ${env.noAggregates ?? 'this place'}`,
      ctx.at(location),
    );
  }
  env.block.aggregated = true;
  const args = nodes.map((node) => bindExpr(ctx, env, node));
  const known = new Set(env.block.groupBy.map(exprKey));
  if (!args.every((arg) => known.has(exprKey(arg)))) {
    throw brokenRule(
      'GROUPING_ERROR',
      'Arguments of grouping() must be GROUP BY expressions',
      ctx.at(location),
    );
  }
  return ctx.located(call('grouping', type.integer, args), location);
}
