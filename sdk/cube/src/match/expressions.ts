import type { DataType } from '@tessera/columnar';
import {
  type ColumnExpr,
  call,
  childrenOf,
  type Expr,
  exprKey,
  leavesOf,
  not,
  type Query,
  sameType,
  transformExpr,
  type,
  walkExpr,
  walkQuery,
} from '@tessera/sql';

/** Small things that matching asks of bound expressions, beside what `@tessera/sql` has. */
export function column(relation: string, name: string, dataType: DataType): ColumnExpr {
  return { kind: 'column', type: dataType, relation, name };
}

export function castTo(expr: Expr, to: DataType): Expr {
  return sameType(expr.type, to) ? expr : { kind: 'cast', type: to, arg: expr };
}

export function isNull(expr: Expr): Expr {
  return call('is_null', type.boolean, [expr]);
}

export function isNotNull(expr: Expr): Expr {
  return not(isNull(expr));
}

/** The operand of `x is not null` in either spelling. */
export function notNullOperand(expr: Expr): Expr | undefined {
  if (expr.kind !== 'call') return undefined;
  if (expr.fn === 'is_not_null') return expr.args[0];
  const inner = expr.args[0];
  if (expr.fn !== 'not' || inner?.kind !== 'call' || inner.fn !== 'is_null') return undefined;
  return inner.args[0];
}

export function someExpr(expr: Expr, test: (expr: Expr) => boolean): boolean {
  return test(expr) || childrenOf(expr).some((child) => someExpr(child, test));
}

export function hasSubquery(expr: Expr): boolean {
  return someExpr(expr, ({ kind }) => kind === 'subquery');
}

/** Replaces columns everywhere, also where a subquery refers to them from inside. */
export function replaceColumns(
  expr: Expr,
  replace: (column: ColumnExpr) => Expr | undefined,
): Expr {
  return transformExpr(expr, (e) => (e.kind === 'column' ? replace(e) : undefined), {
    queries: true,
  });
}

/** The columns of an expression in order, also those that its subqueries refer to. */
export function columnsOf(expr: Expr): ColumnExpr[] {
  const found: ColumnExpr[] = [];
  walkExpr(
    expr,
    (e) => {
      if (e.kind === 'column') found.push(e);
    },
    { queries: true },
  );
  return found;
}

/** Relations that a query refers to and does not define: when there are any, it is correlated. */
export function outerReferences(query: Query): ReadonlySet<string> {
  const defined = new Set<string>();
  const used = new Set<string>();
  const visit = (inner: Query): void => {
    define(inner, defined);
    walkQuery(inner, (top) =>
      walkExpr(top, (e) => {
        if (e.kind === 'column') used.add(e.relation);
        if (e.kind === 'subquery') visit(e.query);
      }),
    );
  };
  visit(query);
  return used.difference(defined);
}

/** Adds the ids of the relations of a query and of the queries in its FROM. */
function define(query: Query, into: Set<string>): void {
  if (query.kind === 'set') {
    into.add(query.id);
    define(query.left, into);
    define(query.right, into);
  }
  if (query.kind !== 'select') return;
  for (const relation of leavesOf(query.from)) {
    into.add(relation.id);
    if (relation.kind === 'query') define(relation.query, into);
  }
}

/** `a + b` where a NULL counts as nothing, NULL when both are. */
export function addOrEither(a: Expr, b: Expr): Expr {
  return call('coalesce', a.type, [call('+', a.type, [a, b]), a, b]);
}

export function withoutRepeats(conditions: readonly Expr[]): readonly Expr[] {
  return [...new Map(conditions.map((condition) => [exprKey(condition), condition])).values()];
}
