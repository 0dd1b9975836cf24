import type { Node, SelectStmt, WithClause } from '@pgsql/types';
import type { DataType, Field } from '@tessera/columnar';
import {
  BindContext,
  type BoundColumn,
  type BoundQuery,
  type CteScope,
  type Env,
  type OuterEnv,
} from './bind-context.ts';
import { bindExpr } from './bind-expression.ts';
import { uniqueNames, withNames } from './bind-from.ts';
import { bindLimit, bindSelect } from './bind-select.ts';
import { bindOrderItems } from './bind-window.ts';
import { coerce, resolveUnknown } from './coerce.ts';
import { badName, brokenRule } from './errors.ts';
import type { Expr } from './expression.ts';
import { type ParsedStatement, parseExpression } from './parse.ts';
import { pruneOutputs } from './prune-outputs.ts';
import type { BindCatalog, BindSettings, Query, SelectBlock, Statement } from './query.ts';
import { findColumn, type Scope, unknownColumn } from './scope.ts';
import { commonType, sameType, type, typeName } from './types.ts';

/**
 * Resolves every name and type of a parsed statement. Pure: the clock and the zone come with `settings`.
 * @throws UNKNOWN_TABLE, UNKNOWN_COLUMN, AMBIGUOUS_COLUMN, UNKNOWN_FUNCTION, TYPE_MISMATCH, GROUPING_ERROR,
 *   INVALID_LITERAL, INVALID_REFERENCE, UNSUPPORTED_SQL, QUERY_TOO_COMPLEX
 */
export function bind(
  parsed: ParsedStatement,
  catalog: BindCatalog,
  settings: BindSettings,
): Statement {
  const ctx = new BindContext(parsed.source, catalog, settings, bindQuery);
  const { query, columns } = ctx.bindQuery(parsed.select, { ctes: undefined, parent: undefined });
  const schema: Field[] = columns.map(({ name, type: t, nullable }) => ({
    name,
    type: t,
    nullable,
  }));
  const parameterTypes = Array.from(ctx.parameterTypes, (t) => t ?? type.text);
  return { query: pruneOutputs(query), schema, parameterTypes };
}

/** A table as model expressions see it: columns may be named with the alias, or alone where that is unique. */
export interface ExpressionTable {
  readonly alias: string;
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
}

/**
 * Binds one expression of a model over the tables it joins; `ColumnExpr.relation` is the table's alias.
 * No aggregates, windows, parameters or subqueries.
 * @throws as `bind` does
 */
export function bindExpression(
  text: string,
  tables: readonly ExpressionTable[],
  settings: { readonly timeZone: string; readonly now?: bigint } = { timeZone: 'UTC' },
): Expr {
  const { node, source } = parseExpression(text);
  const catalog: BindCatalog = { find: () => undefined, tables: () => [] };
  const ctx = new BindContext(source, catalog, { now: 0n, ...settings }, () => {
    throw ctx.unsupported('A subquery in a model expression');
  });
  const scopeTables = tables.map(({ alias, columns }) => ({
    alias,
    columns: columns.map((c) => ({
      name: c.name,
      expr: { kind: 'column', type: c.type, relation: alias, name: c.name } as Expr,
      nullable: true,
    })),
  }));
  const scope: Scope = { tables: scopeTables, columns: scopeTables.flatMap((t) => t.columns) };
  const clause = 'a model expression';
  const env: Env = { scope, ctes: undefined, noAggregates: clause, noWindows: clause };
  const expr = resolveUnknown(ctx, bindExpr(ctx, env, node));
  if (ctx.parameterTypes.length > 0) throw ctx.unsupported('A parameter in a model expression');
  return expr;
}

function bindQuery(ctx: BindContext, stmt: SelectStmt, outer: OuterEnv): BoundQuery {
  if (stmt.lockingClause !== undefined) throw ctx.unsupported('FOR UPDATE and FOR SHARE');
  if (stmt.intoClause !== undefined) throw ctx.unsupported('SELECT INTO');
  const ctes =
    stmt.withClause === undefined ? outer.ctes : withQueries(ctx, stmt.withClause, outer);
  const inner: OuterEnv = { ctes, parent: outer.parent };
  if (stmt.op !== undefined && stmt.op !== 'SETOP_NONE') return bindSetOperation(ctx, stmt, inner);
  if (stmt.valuesLists !== undefined) return bindValues(ctx, stmt, inner);
  return bindSelect(ctx, stmt, inner);
}

/** Each WITH query sees those before it. One that nothing refers to is checked all the same. */
function withQueries(ctx: BindContext, clause: WithClause, outer: OuterEnv): CteScope | undefined {
  if (clause.recursive) throw ctx.unsupported('WITH RECURSIVE', clause.location ?? 0);
  let scope = outer.ctes;
  const names = new Set<string>();
  for (const node of clause.ctes ?? []) {
    if (!('CommonTableExpr' in node)) continue;
    const { ctename = '', aliascolnames = [], ctequery, location } = node.CommonTableExpr;
    if (ctequery === undefined || !('SelectStmt' in ctequery)) {
      throw ctx.unsupported('A WITH query that changes data', location);
    }
    if (names.has(ctename)) {
      throw badName(
        'DUPLICATE_ALIAS',
        `WITH query "${ctename}" is defined more than once`,
        ctx.at(location),
      );
    }
    names.add(ctename);
    ctx.bindQuery(ctequery.SelectStmt, { ctes: scope, parent: undefined });
    scope = {
      name: ctename,
      query: ctequery.SelectStmt,
      columnNames: aliascolnames.map((n) => ('String' in n ? (n.String.sval ?? '') : '')),
      visible: scope,
      next: scope,
    };
  }
  return scope;
}

function bindSetOperation(ctx: BindContext, stmt: SelectStmt, outer: OuterEnv): BoundQuery {
  const op =
    stmt.op === 'SETOP_UNION' ? 'union' : stmt.op === 'SETOP_EXCEPT' ? 'except' : 'intersect';
  const left = bindQuery(ctx, stmt.larg!, outer);
  const right = bindQuery(ctx, stmt.rarg!, outer);
  if (left.columns.length !== right.columns.length) {
    throw ctx.mismatch(
      `Each ${op.toUpperCase()} query must have the same number of columns, not ${left.columns.length} and ${right.columns.length}`,
    );
  }
  const columns = left.columns.map((l, i) => setColumn(ctx, op, l, right.columns[i]!));
  const id = ctx.relationId();
  const names = uniqueNames(columns.map((c) => c.name));
  const schema = columns.map((c, i) => ({ ...c, name: names[i]! }));
  const orderBy = bindOrderItems(ctx, stmt.sortClause ?? [], (node) =>
    setOrderKey(ctx, id, columns, names, node),
  );
  const query: Query = {
    kind: 'set',
    id,
    op,
    all: stmt.all === true,
    left: withNames(withTypes(ctx, left, columns), names),
    right: withNames(withTypes(ctx, right, columns), names),
    schema,
    orderBy,
    ...bindLimit(ctx, stmt, outer),
  };
  return { query, columns };
}

function setColumn(
  ctx: BindContext,
  op: string,
  left: BoundColumn,
  right: BoundColumn,
): BoundColumn {
  const common = commonType([left.type, right.type]);
  if (common === undefined) {
    throw ctx.mismatch(
      `${op.toUpperCase()} types ${typeName(left.type)} and ${typeName(right.type)} of column "${left.name}" cannot be matched`,
    );
  }
  return { name: left.name, type: common, nullable: left.nullable || right.nullable };
}

/** The branch of a set operation with its columns cast where they must be. */
function withTypes(ctx: BindContext, bound: BoundQuery, columns: readonly BoundColumn[]): Query {
  const fits = bound.columns.every((c, i) => sameType(c.type, columns[i]!.type));
  if (fits) return bound.query;
  const id = ctx.relationId();
  const fields = bound.columns.map((c, i) => ({ ...c, name: `c${i + 1}` }));
  const cast = (field: Field, i: number): Expr => {
    const column: Expr = { kind: 'column', type: field.type, relation: id, name: field.name };
    return coerce(ctx, column, columns[i]!.type);
  };
  const block: SelectBlock = {
    kind: 'select',
    from: [
      {
        kind: 'query',
        id,
        alias: id,
        query: withNames(
          bound.query,
          fields.map((f) => f.name),
        ),
        columns: fields,
      },
    ],
    groupBy: [],
    aggregated: false,
    outputs: fields.map((f, i) => ({ name: columns[i]!.name, expr: cast(f, i) })),
    distinct: false,
    orderBy: [],
  };
  return block;
}

/** ORDER BY of a set operation takes names and positions of its columns, nothing else. */
function setOrderKey(
  ctx: BindContext,
  id: string,
  columns: readonly BoundColumn[],
  names: readonly string[],
  node: Node,
): Expr {
  const key = (index: number): Expr => ({
    kind: 'column',
    type: columns[index]!.type,
    relation: id,
    name: names[index]!,
  });
  if ('A_Const' in node && node.A_Const.ival !== undefined) {
    const position = node.A_Const.ival.ival ?? 0;
    if (position >= 1 && position <= columns.length) return key(position - 1);
    throw brokenRule(
      'INVALID_REFERENCE',
      `ORDER BY position ${position} is not in the select list of ${columns.length}`,
      ctx.at(node.A_Const.location),
    );
  }
  if ('ColumnRef' in node && node.ColumnRef.fields?.length === 1) {
    const field = node.ColumnRef.fields[0]!;
    const name = 'String' in field ? (field.String.sval ?? '') : '*';
    const shown = columns.map((c, i) => ({ name: c.name, expr: key(i), nullable: c.nullable }));
    const scope: Scope = { columns: shown, tables: [] };
    const found = findColumn(ctx, scope, name, node.ColumnRef.location);
    if (found === undefined) throw unknownColumn(ctx, scope, name, node.ColumnRef.location);
    return found.expr;
  }
  throw ctx.unsupported('ORDER BY of a set operation by an expression');
}

function bindValues(ctx: BindContext, stmt: SelectStmt, outer: OuterEnv): BoundQuery {
  const clause = 'VALUES';
  const env: Env = {
    scope: { columns: [], tables: [], parent: outer.parent },
    ctes: outer.ctes,
    noAggregates: clause,
    noWindows: clause,
  };
  const rows = (stmt.valuesLists ?? []).map((node) =>
    'List' in node ? (node.List.items ?? []).map((item) => bindExpr(ctx, env, item)) : [],
  );
  const width = rows[0]?.length ?? 0;
  if (!rows.every((row) => row.length === width)) {
    throw ctx.mismatch('VALUES lists must all have the same length');
  }
  const columns = Array.from({ length: width }, (_, i) => valuesColumn(ctx, rows, i));
  const typed = rows.map((row) => row.map((expr, i) => coerce(ctx, expr, columns[i]!.type)));
  const query: Query = { kind: 'values', schema: columns, rows: typed };
  return valuesWithOrder(ctx, stmt, outer, { query, columns });
}

function valuesColumn(
  ctx: BindContext,
  rows: readonly (readonly Expr[])[],
  index: number,
): BoundColumn {
  const types = rows.map((row) => row[index]!.type);
  const common = commonType(types);
  if (common === undefined) {
    const names = [...new Set(types.map(typeName))].join(' and ');
    throw ctx.mismatch(`VALUES types ${names} cannot be matched`, ctx.locationOf(rows[0]![index]!));
  }
  const found = common.kind === 'unknown' ? type.text : common;
  const nullable = rows.some(
    (row) => row[index]!.kind !== 'literal' || (row[index] as { value?: unknown }).value === null,
  );
  return { name: `column${index + 1}`, type: found, nullable };
}

/** VALUES with ORDER BY or LIMIT is a select over it. */
function valuesWithOrder(
  ctx: BindContext,
  stmt: SelectStmt,
  outer: OuterEnv,
  bound: BoundQuery,
): BoundQuery {
  const limits = bindLimit(ctx, stmt, outer);
  if (stmt.sortClause === undefined && Object.keys(limits).length === 0) return bound;
  const id = ctx.relationId();
  const names = bound.columns.map((c) => c.name);
  const block: SelectBlock = {
    kind: 'select',
    from: [{ kind: 'query', id, alias: id, query: bound.query, columns: bound.columns }],
    groupBy: [],
    aggregated: false,
    outputs: bound.columns.map((c) => ({
      name: c.name,
      expr: { kind: 'column', type: c.type, relation: id, name: c.name },
    })),
    distinct: false,
    orderBy: bindOrderItems(ctx, stmt.sortClause ?? [], (node) =>
      setOrderKey(ctx, id, bound.columns, names, node),
    ),
    ...limits,
  };
  return { query: block, columns: bound.columns };
}
