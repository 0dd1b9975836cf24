import type { Node, SelectStmt, WindowDef } from '@pgsql/types';
import type { DataType } from '@tessera/columnar';
import type {
  BindContext,
  BlockState,
  BoundColumn,
  BoundQuery,
  Env,
  OuterEnv,
} from './bind-context.ts';
import { bindExpr } from './bind-expression.ts';
import { bindFromClause } from './bind-from.ts';
import { bindOrderItems } from './bind-window.ts';
import { coerce, resolveUnknown } from './coerce.ts';
import { columnName } from './column-names.ts';
import { brokenRule } from './errors.ts';
import type { ColumnExpr, Expr } from './expression.ts';
import { bindGroupBy, checkGrouped } from './grouping.ts';
import { exprKey } from './key.ts';
import { condition } from './operators.ts';
import type { OrderItem, Output, SelectBlock } from './query.ts';
import { findColumn, findTable, type Scope, type ScopeColumn, unknownAlias } from './scope.ts';
import { type } from './types.ts';
import { leavesOf, walkExpr } from './walk.ts';

/** Binds one SELECT that is no set operation. */
export function bindSelect(ctx: BindContext, stmt: SelectStmt, outer: OuterEnv): BoundQuery {
  const { relations, scope } = bindFromClause(ctx, stmt.fromClause ?? [], outer);
  const state: BlockState = { aggregated: false, windows: windowsOf(stmt), groupBy: [] };
  const env: Env = { scope, ctes: outer.ctes, block: state };
  const where =
    stmt.whereClause === undefined
      ? undefined
      : condition(ctx, bindExpr(ctx, forbidding(env, 'WHERE'), stmt.whereClause), 'WHERE');

  const groups = stmt.groupClause ?? [];
  // GROUP BY may name outputs and grouping() needs GROUP BY: outputs that call it are bound after.
  const targets = new Targets(ctx, env, stmt.targetList ?? []);
  const grouping = bindGroupBy(ctx, groups, stmt.groupDistinct === true, (node) =>
    groupItem(ctx, env, targets, node),
  );
  state.groupBy = grouping.groupBy;
  const outputs = targets.all();
  const having =
    stmt.havingClause === undefined
      ? undefined
      : condition(ctx, bindExpr(ctx, { ...env, noWindows: 'HAVING' }, stmt.havingClause), 'HAVING');
  const orderBy = bindOrderBy(ctx, env, outputs, stmt.sortClause ?? []);
  const distinct = bindDistinct(ctx, env, outputs, stmt.distinctClause, orderBy);
  const aggregated = state.aggregated || groups.length > 0 || having !== undefined;
  const block: SelectBlock = {
    kind: 'select',
    from: relations,
    ...(where === undefined ? {} : { where }),
    ...grouping,
    aggregated,
    ...(having === undefined ? {} : { having }),
    outputs,
    distinct,
    orderBy,
    ...bindLimit(ctx, stmt, outer),
  };
  checkOuterAggregates(ctx, block, scope);
  if (aggregated) checkGrouped(ctx, block, new Set(idsOf(block)));
  return { query: block, columns: outputColumns(block, scope) };
}

const forbidding = (env: Env, clause: string): Env => ({
  ...env,
  noAggregates: clause,
  noWindows: clause,
});

function windowsOf(stmt: SelectStmt): ReadonlyMap<string, WindowDef> {
  const defs = (stmt.windowClause ?? []).flatMap((n) => ('WindowDef' in n ? [n.WindowDef] : []));
  return new Map(defs.map((def) => [def.name ?? '', def]));
}

function idsOf(block: SelectBlock): string[] {
  return leavesOf(block.from).flatMap((leaf) => ('id' in leaf ? [leaf.id] : []));
}

interface TargetItem {
  readonly name: string;
  readonly node?: Node;
  bound?: Expr;
}

/** The select list, stars written out; each output is bound when it is first needed. */
class Targets {
  readonly #ctx: BindContext;
  readonly #env: Env;
  readonly #items: TargetItem[];

  constructor(ctx: BindContext, env: Env, nodes: readonly Node[]) {
    this.#ctx = ctx;
    this.#env = env;
    this.#items = nodes.flatMap((node): TargetItem[] => {
      if (!('ResTarget' in node)) throw ctx.unsupported('This select list item');
      const { name, val, location } = node.ResTarget;
      const star = starColumns(ctx, env.scope, val!);
      if (star !== undefined) {
        return star.map((c) => ({ name: c.name, bound: ctx.located({ ...c.expr }, location) }));
      }
      return [{ name: name ?? columnName(val!), node: val! }];
    });
  }

  get count(): number {
    return this.#items.length;
  }

  at(index: number): Expr {
    const item = this.#items[index]!;
    item.bound ??= resolveUnknown(this.#ctx, bindExpr(this.#ctx, this.#env, item.node!));
    return item.bound;
  }

  all(): Output[] {
    return this.#items.map(({ name }, i) => ({ name, expr: this.at(i) }));
  }

  /** Indexes of the outputs of that name. */
  named(name: string): number[] {
    return this.#items.flatMap((item, i) => (item.name === name ? [i] : []));
  }
}

function starColumns(ctx: BindContext, scope: Scope, node: Node) {
  if (!('ColumnRef' in node)) return undefined;
  const { fields = [], location } = node.ColumnRef;
  if (!fields.some((f) => 'A_Star' in f)) return undefined;
  if (fields.length === 1) {
    if (scope.tables.length > 0 || scope.columns.length > 0) return scope.columns;
    throw brokenRule('INVALID_REFERENCE', 'SELECT * needs a FROM clause', ctx.at(location));
  }
  const words = fields.flatMap((f) => ('String' in f ? [f.String.sval ?? ''] : []));
  const [alias, schema] = words.toReversed() as [string, string | undefined];
  const table = findTable(scope, alias, schema);
  if (table === undefined) throw unknownAlias(ctx, scope, alias, location);
  return table.columns;
}

/** A GROUP BY item: an ordinal, an input column, else an output's name, else an expression. */
function groupItem(ctx: BindContext, env: Env, targets: Targets, node: Node): Expr {
  const clause = forbidding(env, 'GROUP BY');
  const index = ordinal(ctx, node, targets.count, 'GROUP BY');
  const name = bareName(node);
  const own = { ...env.scope, parent: undefined };
  if (index !== undefined) return plainGroup(ctx, targets.at(index));
  if (name !== undefined && findColumn(ctx, own, name, undefined) === undefined) {
    const found = targets.named(name);
    if (found.length > 0) return plainGroup(ctx, unique(ctx, found, targets, name, 'GROUP BY'));
  }
  return resolveUnknown(ctx, bindExpr(ctx, clause, node));
}

function plainGroup(ctx: BindContext, expr: Expr): Expr {
  walkExpr(expr, (e) => {
    if (e.kind === 'aggregate' || e.kind === 'window') {
      const what = e.kind === 'window' ? 'Window functions' : 'Aggregates';
      throw brokenRule(
        'INVALID_REFERENCE',
        `${what} are not allowed in GROUP BY`,
        ctx.positionOf(e),
      );
    }
  });
  return expr;
}

function unique(
  ctx: BindContext,
  indexes: readonly number[],
  targets: { at(index: number): Expr },
  name: string,
  clause: string,
): Expr {
  const exprs = indexes.map((i) => targets.at(i));
  if (new Set(exprs.map(exprKey)).size === 1) return exprs[0]!;
  throw brokenRule(
    'INVALID_REFERENCE',
    `${clause} "${name}" is ambiguous: several outputs have that name`,
    ctx.positionOf(exprs[0]!),
  );
}

/** The 0-based output that a whole number in GROUP BY or ORDER BY means. */
function ordinal(ctx: BindContext, node: Node, count: number, clause: string): number | undefined {
  if (!('A_Const' in node)) return undefined;
  const { ival, location } = node.A_Const;
  if (ival === undefined) {
    throw brokenRule(
      'INVALID_REFERENCE',
      `A constant in ${clause} must be the number of an output column`,
      ctx.at(location),
    );
  }
  const position = ival.ival ?? 0;
  if (position < 1 || position > count) {
    throw brokenRule(
      'INVALID_REFERENCE',
      `${clause} position ${position} is not in the select list of ${count}`,
      ctx.at(location),
    );
  }
  return position - 1;
}

function bareName(node: Node): string | undefined {
  if (!('ColumnRef' in node) || node.ColumnRef.fields?.length !== 1) return undefined;
  const field = node.ColumnRef.fields[0]!;
  return 'String' in field ? field.String.sval : undefined;
}

/** ORDER BY: ordinals, output names before input columns, else expressions. */
function bindOrderBy(
  ctx: BindContext,
  env: Env,
  outputs: readonly Output[],
  nodes: readonly Node[],
): OrderItem[] {
  const items = bindOrderItems(ctx, nodes, (node) => outputOr(ctx, env, outputs, node, 'ORDER BY'));
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = exprKey(item.expr);
    return !seen.has(key) && seen.add(key);
  });
}

function outputOr(
  ctx: BindContext,
  env: Env,
  outputs: readonly Output[],
  node: Node,
  clause: string,
): Expr {
  const index = ordinal(ctx, node, outputs.length, clause);
  if (index !== undefined) return outputs[index]!.expr;
  const name = bareName(node);
  const found = outputs.flatMap((o, i) => (o.name === name ? [i] : []));
  if (name !== undefined && found.length > 0) {
    return unique(ctx, found, { at: (i) => outputs[i]!.expr }, name, clause);
  }
  return bindExpr(ctx, env, node);
}

function bindDistinct(
  ctx: BindContext,
  env: Env,
  outputs: readonly Output[],
  clause: readonly Node[] | undefined,
  orderBy: readonly OrderItem[],
): boolean | readonly Expr[] {
  if (clause === undefined) return false;
  const on = clause.filter((n) => Object.keys(n).length > 0);
  if (on.length === 0) {
    const shown = new Set(outputs.map((o) => exprKey(o.expr)));
    const hidden = orderBy.find((o) => !shown.has(exprKey(o.expr)));
    if (hidden !== undefined) {
      throw brokenRule(
        'INVALID_REFERENCE',
        'With SELECT DISTINCT, ORDER BY expressions must be in the select list',
        ctx.positionOf(hidden.expr),
      );
    }
    return true;
  }
  const exprs = on.map((n) => resolveUnknown(ctx, outputOr(ctx, env, outputs, n, 'DISTINCT ON')));
  const keys = new Set(exprs.map(exprKey));
  const leading = orderBy.slice(0, keys.size);
  if (!leading.every((o) => keys.has(exprKey(o.expr)))) {
    throw brokenRule(
      'INVALID_REFERENCE',
      'DISTINCT ON expressions must match the first ORDER BY expressions',
      ctx.positionOf(exprs[0]!),
    );
  }
  return exprs;
}

/** LIMIT and OFFSET, which see no columns. `limit all` and NULL are no limit. */
export function bindLimit(ctx: BindContext, stmt: SelectStmt, outer: OuterEnv) {
  if (stmt.limitOption === 'LIMIT_OPTION_WITH_TIES')
    throw ctx.unsupported('FETCH FIRST … WITH TIES');
  const bound = (node: Node | undefined, clause: string): Expr | undefined => {
    if (node === undefined) return undefined;
    const env: Env = {
      scope: { columns: [], tables: [] },
      ctes: outer.ctes,
      noAggregates: clause,
      noWindows: clause,
    };
    const expr = coerce(ctx, bindExpr(ctx, env, node), type.bigint, `The argument of ${clause}`);
    if (expr.kind !== 'literal') return expr;
    if (expr.value === null) return undefined;
    if ((expr.value as bigint) >= 0n) return expr;
    throw brokenRule('INVALID_REFERENCE', `${clause} must not be negative`, ctx.positionOf(expr));
  };
  const limit = bound(stmt.limitCount, 'LIMIT');
  const offset = bound(stmt.limitOffset, 'OFFSET');
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(offset === undefined ? {} : { offset }),
  };
}

/** An aggregate over outer columns only would belong to the outer query. */
function checkOuterAggregates(ctx: BindContext, block: SelectBlock, scope: Scope): void {
  if (scope.parent === undefined || !block.aggregated) return;
  const own = new Set(idsOf(block));
  const check = (expr: Expr) =>
    walkExpr(expr, (e) => {
      if (e.kind !== 'aggregate') return true;
      const relations: string[] = [];
      walkExpr(e, (inner) => {
        if (inner.kind === 'column') relations.push(inner.relation);
      });
      if (relations.length > 0 && !relations.some((r) => own.has(r))) {
        throw ctx.unsupported(
          'An aggregate of an outer query inside a subquery',
          ctx.locationOf(e),
        );
      }
      return false;
    });
  for (const { expr } of block.outputs) check(expr);
  if (block.having !== undefined) check(block.having);
}

function outputColumns(block: SelectBlock, scope: Scope): BoundColumn[] {
  const perSet = block.groupingSets !== undefined;
  const inScope = () => [...scope.columns, ...scope.tables.flatMap((t) => t.columns)];
  let columns: readonly ScopeColumn[] | undefined;
  const isNullableColumn = ({ relation, name }: ColumnExpr): boolean => {
    columns ??= inScope();
    const found = columns.findLast(
      ({ expr }) => expr.kind === 'column' && expr.name === name && expr.relation === relation,
    );
    return found?.nullable ?? true;
  };
  return block.outputs.map(({ name, expr }) => ({
    name,
    type: expr.type as DataType,
    nullable: perSet || isNullable(expr, isNullableColumn),
  }));
}

/** False only where no NULL can be. */
function isNullable(expr: Expr, ofColumn: (column: ColumnExpr) => boolean): boolean {
  switch (expr.kind) {
    case 'literal':
      return expr.value === null;
    case 'column':
      return ofColumn(expr);
    case 'aggregate':
      return expr.fn !== 'count';
    case 'window':
      return !['count', 'row_number', 'rank', 'dense_rank', 'percent_rank', 'cume_dist'].includes(
        expr.fn,
      );
    case 'subquery':
      return expr.form !== 'exists';
    case 'call':
      return !['is_null', 'is_true', 'is_false', 'is_distinct', 'concat', 'grouping'].includes(
        expr.fn,
      );
    default:
      return true;
  }
}
