import type { AggregateExpr, CallExpr, Expr, FrameBound, WindowFrame } from './expression.ts';
import { lit } from './literal.ts';
import type { OrderItem, Query, Relation, SelectBlock } from './query.ts';
import { type } from './types.ts';

/** Direct subexpressions, in order; the query of a subquery is not among them, its `test` is. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'parameter':
    case 'column':
      return [];
    case 'call':
      return expr.args;
    case 'cast':
      return [expr.arg];
    case 'case':
      return [...expr.whens.flatMap(({ when, then }) => [when, then]), ...present(expr.otherwise)];
    case 'aggregate':
      return [...expr.args, ...present(expr.filter), ...(expr.orderBy ?? []).map((o) => o.expr)];
    case 'window':
      return [
        ...expr.args,
        ...present(expr.filter),
        ...expr.partitionBy,
        ...expr.orderBy.map((o) => o.expr),
        ...frameOffsets(expr.frame),
      ];
    case 'subquery':
      return present(expr.test);
  }
}

const present = (expr: Expr | undefined): readonly Expr[] => (expr === undefined ? [] : [expr]);

function frameOffsets(frame: WindowFrame | undefined): readonly Expr[] {
  return [frame?.start, frame?.end].flatMap((bound) =>
    bound !== undefined && 'offset' in bound ? [bound.offset] : [],
  );
}

/** The same expression with each direct subexpression replaced; itself when nothing changed. */
export function mapChildren(expr: Expr, map: (child: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'literal':
    case 'parameter':
    case 'column':
      return expr;
    case 'call': {
      const args = expr.args.map(map);
      return args.every((arg, i) => arg === expr.args[i]) ? expr : { ...expr, args };
    }
    case 'cast': {
      const arg = map(expr.arg);
      return arg === expr.arg ? expr : { ...expr, arg };
    }
    case 'case':
      return {
        ...expr,
        // biome-ignore lint/suspicious/noThenProperty: the word of SQL, and never a promise.
        whens: expr.whens.map(({ when, then }) => ({ when: map(when), then: map(then) })),
        ...optional('otherwise', expr.otherwise, map),
      };
    case 'aggregate':
      return {
        ...expr,
        args: expr.args.map(map),
        ...optional('filter', expr.filter, map),
        ...(expr.orderBy === undefined ? {} : { orderBy: mapOrder(expr.orderBy, map) }),
      };
    case 'window':
      return {
        ...expr,
        args: expr.args.map(map),
        ...optional('filter', expr.filter, map),
        partitionBy: expr.partitionBy.map(map),
        orderBy: mapOrder(expr.orderBy, map),
        ...(expr.frame === undefined ? {} : { frame: mapFrame(expr.frame, map) }),
      };
    case 'subquery':
      return { ...expr, ...optional('test', expr.test, map) };
  }
}

function optional<K extends string>(key: K, expr: Expr | undefined, map: (e: Expr) => Expr) {
  return (expr === undefined ? {} : { [key]: map(expr) }) as { readonly [_ in K]?: Expr };
}

function mapFrame(frame: WindowFrame, map: (e: Expr) => Expr): WindowFrame {
  const bound = (b: FrameBound): FrameBound =>
    'offset' in b ? { ...b, offset: map(b.offset) } : b;
  return { ...frame, start: bound(frame.start), end: bound(frame.end) };
}

export function mapOrder(items: readonly OrderItem[], map: (e: Expr) => Expr): OrderItem[] {
  return items.map((item) => ({ ...item, expr: map(item.expr) }));
}

/**
 * Rewrites from the top: where `rewrite` gives an expression, that stands there and is not entered;
 * where it gives `undefined`, the children are rewritten. Queries of subqueries are left alone unless
 * `queries` is set, then correlated references inside them are rewritten too.
 */
export function transformExpr(
  expr: Expr,
  rewrite: (expr: Expr) => Expr | undefined,
  options: { readonly queries?: boolean } = {},
): Expr {
  const replaced = rewrite(expr);
  if (replaced !== undefined) return replaced;
  const map = (child: Expr) => transformExpr(child, rewrite, options);
  const result = mapChildren(expr, map);
  if (result.kind !== 'subquery' || options.queries !== true) return result;
  return { ...result, query: mapQuery(result.query, map) };
}

/** Visits every node, parents first; `visit` gives false to skip what is below. `queries`: also inside subqueries. */
export function walkExpr(
  expr: Expr,
  visit: (expr: Expr) => boolean | undefined | void,
  options: { readonly queries?: boolean } = {},
): void {
  if (visit(expr) === false) return;
  for (const child of childrenOf(expr)) walkExpr(child, visit, options);
  if (expr.kind === 'subquery' && options.queries === true) {
    walkQuery(expr.query, (e) => walkExpr(e, visit, options));
  }
}

/** Calls `visit` with each top expression of the query and of the queries in its FROM (not those inside expressions). */
export function walkQuery(query: Query, visit: (expr: Expr) => void): void {
  mapQuery(query, (expr) => {
    visit(expr);
    return expr;
  });
}

/** The same query with each of its top expressions replaced, also in FROM. */
export function mapQuery(query: Query, map: (expr: Expr) => Expr): Query {
  switch (query.kind) {
    case 'values':
      return { ...query, rows: query.rows.map((row) => row.map(map)) };
    case 'set':
      return {
        ...query,
        left: mapQuery(query.left, map),
        right: mapQuery(query.right, map),
        orderBy: mapOrder(query.orderBy, map),
        ...optional('limit', query.limit, map),
        ...optional('offset', query.offset, map),
      };
    case 'select':
      return mapBlock(query, map);
  }
}

function mapBlock(block: SelectBlock, map: (expr: Expr) => Expr): SelectBlock {
  return {
    ...block,
    from: block.from.map((relation) => mapRelation(relation, map)),
    ...optional('where', block.where, map),
    groupBy: block.groupBy.map(map),
    ...optional('having', block.having, map),
    outputs: block.outputs.map(({ name, expr }) => ({ name, expr: map(expr) })),
    distinct: typeof block.distinct === 'boolean' ? block.distinct : block.distinct.map(map),
    orderBy: mapOrder(block.orderBy, map),
    ...optional('limit', block.limit, map),
    ...optional('offset', block.offset, map),
  };
}

function mapRelation(relation: Relation, map: (expr: Expr) => Expr): Relation {
  if (relation.kind === 'query') return { ...relation, query: mapQuery(relation.query, map) };
  if (relation.kind !== 'join') return relation;
  return {
    ...relation,
    left: mapRelation(relation.left, map),
    right: mapRelation(relation.right, map),
    ...optional('on', relation.on, map),
  };
}

/** The relations of a FROM list without the joins between them. */
export function leavesOf(relations: readonly Relation[]): Exclude<Relation, { kind: 'join' }>[] {
  return relations.flatMap((relation) =>
    relation.kind === 'join' ? leavesOf([relation.left, relation.right]) : [relation],
  );
}

/** The terms of a conjunction, nested ANDs taken apart; none for `undefined`. */
export function conjuncts(expr: Expr | undefined): Expr[] {
  if (expr === undefined) return [];
  return expr.kind === 'call' && expr.fn === 'and' ? expr.args.flatMap(conjuncts) : [expr];
}

/** Conjunction of what is given: `undefined` for none, the term itself for one. */
export function and(...terms: readonly (Expr | undefined)[]): Expr | undefined {
  const flat = terms.flatMap(conjuncts);
  return flat.length < 2 ? flat[0] : call('and', type.boolean, flat);
}

export function call(fn: string, t: CallExpr['type'], args: readonly Expr[]): CallExpr {
  return { kind: 'call', type: t, fn, args };
}

export function not(expr: Expr): Expr {
  return expr.kind === 'literal' && typeof expr.value === 'boolean'
    ? lit.boolean(!expr.value)
    : call('not', type.boolean, [expr]);
}

/** Every aggregate in the expressions, each once per place; not those inside subqueries. */
export function collectAggregates(exprs: Iterable<Expr>): AggregateExpr[] {
  const found: AggregateExpr[] = [];
  for (const expr of exprs) {
    walkExpr(expr, (e) => {
      if (e.kind === 'aggregate') found.push(e);
      return e.kind !== 'aggregate';
    });
  }
  return found;
}
