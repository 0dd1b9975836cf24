import type { Node } from '@pgsql/types';
import { type BindContext, bindLimits } from './bind-context.ts';
import { brokenRule, tooManyGroupingSets } from './errors.ts';
import type { Expr } from './expression.ts';
import { exprKey } from './key.ts';
import type { SelectBlock } from './query.ts';
import { walkExpr, walkQuery } from './walk.ts';

export interface Grouping {
  readonly groupBy: readonly Expr[];
  readonly groupingSets?: readonly (readonly number[])[];
}

/** GROUP BY with ROLLUP, CUBE and GROUPING SETS multiplied out. `bind` binds one plain item. */
export function bindGroupBy(
  ctx: BindContext,
  nodes: readonly Node[],
  distinct: boolean,
  bind: (node: Node) => Expr,
): Grouping {
  const groupBy: Expr[] = [];
  const indexes = new Map<string, number>();
  const indexOf = (node: Node): number => {
    const expr = bind(node);
    const key = exprKey(expr);
    const known = indexes.get(key);
    if (known !== undefined) return known;
    indexes.set(key, groupBy.length);
    return groupBy.push(expr) - 1;
  };
  let sets: number[][] = [[]];
  for (const node of nodes) sets = product(ctx, node, sets, setsOf(ctx, node, indexOf));
  if (!nodes.some((n) => 'GroupingSet' in n)) return { groupBy };
  const unique = sets.map((set) => [...new Set(set)]);
  return { groupBy, groupingSets: distinct ? withoutRepeats(unique) : unique };
}

function withoutRepeats(sets: readonly number[][]): number[][] {
  const byKey = new Map(sets.map((set) => [set.toSorted().join(), set]));
  return [...byKey.values()];
}

function product(
  ctx: BindContext,
  node: Node,
  left: readonly number[][],
  right: readonly number[][],
): number[][] {
  if (left.length * right.length > bindLimits.groupingSets) throw tooMany(ctx, node);
  return left.flatMap((l) => right.map((r) => [...l, ...r]));
}

function setsOf(ctx: BindContext, node: Node, indexOf: (node: Node) => number): number[][] {
  if (!('GroupingSet' in node)) return [elements(node).map(indexOf)];
  const { kind, content = [] } = node.GroupingSet;
  if (kind === 'GROUPING_SET_EMPTY') return [[]];
  if (kind === 'GROUPING_SET_SETS') return content.flatMap((c) => setsOf(ctx, c, indexOf));
  const parts = content.map((c) => elements(c).map(indexOf));
  if (kind === 'GROUPING_SET_ROLLUP') {
    return [...parts, []].map((_, i) => parts.slice(0, parts.length - i).flat());
  }
  if (2 ** parts.length > bindLimits.groupingSets) throw tooMany(ctx, node);
  return Array.from({ length: 2 ** parts.length }, (_, mask) =>
    parts.flatMap((part, i) => ((mask >> (parts.length - 1 - i)) & 1 ? [] : part)),
  );
}

function tooMany(ctx: BindContext, node: Node): Error {
  const location = 'GroupingSet' in node ? node.GroupingSet.location : undefined;
  return tooManyGroupingSets(bindLimits.groupingSets, ctx.at(location));
}

/** `(a, b)` stands for both. */
const elements = (node: Node): readonly Node[] =>
  'RowExpr' in node ? (node.RowExpr.args ?? []) : [node];

/**
 * Every column that an aggregated block returns, orders or filters groups by must be grouped or inside an aggregate.
 * @throws GROUPING_ERROR at the first that is not
 */
export function checkGrouped(
  ctx: BindContext,
  block: SelectBlock,
  ownIds: ReadonlySet<string>,
): void {
  const grouped = new Set(block.groupBy.map(exprKey));
  const check = (expr: Expr): void =>
    walkExpr(expr, (e) => {
      if (e.kind === 'aggregate' || (e.kind === 'call' && e.fn === 'grouping')) return false;
      if (grouped.has(exprKey(e))) return false;
      if (e.kind === 'column' && ownIds.has(e.relation)) throw ungrouped(ctx, e.name, e);
      if (e.kind === 'subquery') walkQuery(e.query, (inner) => checkInner(inner));
      return true;
    });
  const checkInner = (expr: Expr): void =>
    walkExpr(
      expr,
      (e) => {
        if (grouped.has(exprKey(e))) return false;
        if (e.kind === 'column' && ownIds.has(e.relation)) throw ungrouped(ctx, e.name, e);
        return true;
      },
      { queries: true },
    );
  for (const { expr } of block.outputs) check(expr);
  for (const { expr } of block.orderBy) check(expr);
  if (block.having !== undefined) check(block.having);
  if (typeof block.distinct !== 'boolean') block.distinct.forEach(check);
}

function ungrouped(ctx: BindContext, name: string, expr: Expr): Error {
  return brokenRule(
    'GROUPING_ERROR',
    `Column "${name}" must appear in GROUP BY or be used in an aggregate function`,
    ctx.positionOf(expr),
  );
}
