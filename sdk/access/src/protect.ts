import {
  type Expr,
  mapQuery,
  type Query,
  type Relation,
  type TableRelation,
  transformExpr,
  usedColumns,
} from '@tessera/sql';
import type { AccessView } from './view.ts';

/**
 * The statement with a subselect in place of each table that its reader does not see as it is: it keeps the rows that
 * he may see and computes his masks. Whatever comes later (matching, push-down, residuals, keys of caches) works on
 * that, and cannot tell it from what he might have written himself.
 * @throws POLICY_INVALID
 */
export function protect(query: Query, view: AccessView): Query {
  return protectQuery(query, view, usedColumns(query));
}

type Used = ReadonlyMap<string, ReadonlySet<string>>;

function protectQuery(query: Query, view: AccessView, used: Used): Query {
  const inner = (part: Query) => protectQuery(part, view, used);
  return mapQuery(protectTables(query, view, used), (top) =>
    transformExpr(top, (expr) => protectSubquery(expr, inner)),
  );
}

/** A subquery of an expression, at any depth, and those inside what it is compared with. */
function protectSubquery(expr: Expr, inner: (query: Query) => Query): Expr | undefined {
  if (expr.kind !== 'subquery') return undefined;
  const { test } = expr;
  return {
    ...expr,
    query: inner(expr.query),
    ...(test === undefined
      ? {}
      : { test: transformExpr(test, (part) => protectSubquery(part, inner)) }),
  };
}

function protectTables(query: Query, view: AccessView, used: Used): Query {
  switch (query.kind) {
    case 'values':
      return query;
    case 'set':
      return {
        ...query,
        left: protectTables(query.left, view, used),
        right: protectTables(query.right, view, used),
      };
    case 'select':
      return { ...query, from: query.from.map((one) => protectRelation(one, view, used)) };
  }
}

function protectRelation(relation: Relation, view: AccessView, used: Used): Relation {
  switch (relation.kind) {
    case 'table':
      return view.seesAll(relation.table) ? relation : subselect(relation, view, used);
    case 'query':
      return { ...relation, query: protectTables(relation.query, view, used) };
    case 'join':
      return {
        ...relation,
        left: protectRelation(relation.left, view, used),
        right: protectRelation(relation.right, view, used),
      };
    case 'matched':
      return relation;
  }
}

/** Keeps the relation's id, so that all that refers to it now refers to the subselect. */
function subselect(relation: TableRelation, view: AccessView, used: Used): Relation {
  const { definition, columns, where } = view.view(relation.table);
  const names = used.get(relation.id);
  const needed = columns.filter(({ field }) => names?.has(field.name));
  const outputs = needed.length > 0 ? needed : columns.slice(0, 1); // A SELECT list is never empty.
  const table: TableRelation = {
    ...relation,
    id: `${relation.id}_seen`,
    columns: definition.columns,
  };
  const onTable = (expr: Expr) =>
    transformExpr(expr, (part) =>
      part.kind === 'column' ? { ...part, relation: table.id } : undefined,
    );
  return {
    kind: 'query',
    id: relation.id,
    alias: relation.alias,
    columns: outputs.map(({ field }) => field),
    query: {
      kind: 'select',
      from: [table],
      ...(where === undefined ? {} : { where: onTable(where) }),
      groupBy: [],
      aggregated: false,
      outputs: outputs.map(({ field, expr }) => ({ name: field.name, expr: onTable(expr) })),
      distinct: false,
      orderBy: [],
    },
  };
}
