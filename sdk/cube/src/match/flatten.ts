import {
  and,
  type Expr,
  type JoinRelation,
  mapOrder,
  type QueryRelation,
  type Relation,
  type SelectBlock,
} from '@tessera/sql';
import { replaceColumns, someExpr } from './expressions.ts';

/**
 * The block with the subselects of its FROM that only project and filter merged into it. A subselect on the
 * nullable side of an outer join stays as it is: its filter and expressions are not the block's.
 */
export function flatten(block: SelectBlock): SelectBlock {
  const merged: { relation: QueryRelation; inner: SelectBlock }[] = [];
  const from = block.from.flatMap((relation) => flattenRelation(relation, merged));
  if (merged.length === 0) return block;
  const inlined = (expr: Expr): Expr => {
    const replaced = replaceColumns(expr, ({ relation: id, name }) => {
      const found = merged.find(({ relation }) => relation.id === id);
      return found?.inner.outputs[found.relation.columns.findIndex((c) => c.name === name)]?.expr;
    });
    return replaced === expr ? expr : replaced;
  };
  const flat = mapExpressions({ ...block, from: from.map((r) => mapOn(r, inlined)) }, inlined);
  const where = and(flat.where, ...merged.map(({ inner }) => inner.where));
  return flatten({ ...flat, ...(where === undefined ? {} : { where }) });
}

/** The FROM items that stand for one item: several when a merged subselect had several. */
function flattenRelation(
  relation: Relation,
  merged: { relation: QueryRelation; inner: SelectBlock }[],
): readonly Relation[] {
  if (relation.kind === 'query' && isProjection(relation)) {
    merged.push({ relation, inner: relation.query });
    return relation.query.from;
  }
  if (relation.kind !== 'join') return [relation];
  const preserved = preservedSides(relation);
  const side = (child: Relation, keep: boolean): Relation =>
    keep ? crossOf(flattenRelation(child, merged)) : child;
  return [
    {
      ...relation,
      left: side(relation.left, preserved.left),
      right: side(relation.right, preserved.right),
    },
  ];
}

/** Sides whose rows are not padded with NULLs. */
function preservedSides({ type }: JoinRelation): { left: boolean; right: boolean } {
  const inner = type === 'inner' || type === 'cross';
  return { left: inner || type === 'left', right: inner || type === 'right' };
}

function crossOf(relations: readonly Relation[]): Relation {
  return relations.reduce((left, right) => ({ kind: 'join', type: 'cross', left, right }));
}

function isProjection(
  relation: QueryRelation,
): relation is QueryRelation & { readonly query: SelectBlock } {
  const { query } = relation;
  return (
    query.kind === 'select' &&
    query.from.length > 0 &&
    !query.aggregated &&
    query.groupBy.length === 0 &&
    query.distinct === false &&
    query.limit === undefined &&
    query.offset === undefined &&
    query.having === undefined &&
    query.outputs.length === relation.columns.length &&
    !query.outputs.some(({ expr }) => someExpr(expr, keepsItsPlace))
  );
}

/** What may not be computed once more or in another block. */
function keepsItsPlace(expr: Expr): boolean {
  return expr.kind === 'window' || expr.kind === 'aggregate' || expr.kind === 'subquery';
}

function mapOn(relation: Relation, map: (expr: Expr) => Expr): Relation {
  if (relation.kind !== 'join') return relation;
  return {
    ...relation,
    left: mapOn(relation.left, map),
    right: mapOn(relation.right, map),
    ...(relation.on === undefined ? {} : { on: map(relation.on) }),
  };
}

/** Maps the expressions of a block itself; its FROM is left alone. */
export function mapExpressions(block: SelectBlock, map: (expr: Expr) => Expr): SelectBlock {
  return {
    ...block,
    ...(block.where === undefined ? {} : { where: map(block.where) }),
    groupBy: block.groupBy.map(map),
    ...(block.having === undefined ? {} : { having: map(block.having) }),
    outputs: block.outputs.map(({ name, expr }) => ({ name, expr: map(expr) })),
    distinct: typeof block.distinct === 'boolean' ? block.distinct : block.distinct.map(map),
    orderBy: mapOrder(block.orderBy, map),
    ...(block.limit === undefined ? {} : { limit: map(block.limit) }),
    ...(block.offset === undefined ? {} : { offset: map(block.offset) }),
  };
}
