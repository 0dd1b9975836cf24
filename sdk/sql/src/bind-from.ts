import type { JoinExpr, Node, RangeSubselect, RangeVar } from '@pgsql/types';
import { nearestName } from '@tessera/base';
import type { BindContext, BoundQuery, CteScope, Env, OuterEnv } from './bind-context.ts';
import { bindExpr } from './bind-expression.ts';
import { coerce, unify } from './coerce.ts';
import { badName, brokenRule } from './errors.ts';
import type { Expr } from './expression.ts';
import { comparison, condition } from './operators.ts';
import type { JoinRelation, Relation } from './query.ts';
import { findColumn, type Scope, type ScopeColumn, type ScopeTable } from './scope.ts';
import { and, call } from './walk.ts';

/** A relation of FROM and the names it brings. */
export interface BoundFrom {
  readonly relation: Relation;
  readonly columns: readonly ScopeColumn[];
  readonly tables: readonly ScopeTable[];
}

/** The whole FROM list: comma-separated items are a cross join. */
export function bindFromClause(
  ctx: BindContext,
  nodes: readonly Node[],
  outer: OuterEnv,
): { readonly relations: readonly Relation[]; readonly scope: Scope } {
  const items = nodes.map((node) => bindFromItem(ctx, node, outer));
  const tables = items.flatMap((item) => item.tables);
  checkAliases(ctx, tables);
  return {
    relations: items.map((item) => item.relation),
    scope: { columns: items.flatMap((i) => i.columns), tables, parent: outer.parent },
  };
}

function checkAliases(ctx: BindContext, tables: readonly ScopeTable[]): void {
  const seen = new Set<string>();
  for (const { alias } of tables) {
    if (alias !== '' && seen.has(alias)) {
      throw badName(
        'DUPLICATE_ALIAS',
        `Table name "${alias}" is used more than once in FROM`,
        ctx.at(undefined),
        'to give each its own alias',
      );
    }
    seen.add(alias);
  }
}

/** A relation costs more than a node of an expression: this bounds them at 10,000. */
const relationWeight = 20;

function bindFromItem(ctx: BindContext, node: Node, outer: OuterEnv): BoundFrom {
  ctx.countNode(relationWeight);
  if ('RangeVar' in node) return bindRangeVar(ctx, node.RangeVar, outer);
  if ('RangeSubselect' in node) return bindRangeSubselect(ctx, node.RangeSubselect, outer);
  if ('JoinExpr' in node) return bindJoin(ctx, node.JoinExpr, outer);
  if ('RangeFunction' in node) throw ctx.unsupported('A function in FROM');
  if ('RangeTableSample' in node)
    throw ctx.unsupported('TABLESAMPLE', node.RangeTableSample.location);
  throw ctx.unsupported(`${Object.keys(node)[0]} in FROM`);
}

function bindRangeVar(ctx: BindContext, range: RangeVar, outer: OuterEnv): BoundFrom {
  const { relname = '', schemaname, catalogname, location } = range;
  if (catalogname !== undefined) throw ctx.unsupported('A table name of three parts', location);
  const alias = range.alias?.aliasname ?? relname;
  const names = aliasColumns(range.alias);
  const cte = schemaname === undefined ? findCte(outer.ctes, relname) : undefined;
  if (cte !== undefined) return bindCte(ctx, cte, alias, names, location);
  const table = ctx.catalog.find(relname, schemaname);
  if (table === undefined) throw unknownTable(ctx, relname, schemaname, outer, location);
  const id = ctx.relationId();
  ctx.countNode(table.columns.length);
  const relation = { kind: 'table', id, alias, table: table.name, columns: table.columns } as const;
  const columns = scopeColumns(ctx, id, table.columns, names, alias, location);
  const schema = range.alias === undefined ? table.name.source : undefined;
  return { relation, columns, tables: [{ alias, schema, columns }] };
}

const aliasColumns = (alias: { readonly colnames?: Node[] } | undefined): readonly string[] =>
  (alias?.colnames ?? []).map((n) => ('String' in n ? (n.String.sval ?? '') : ''));

function findCte(scope: CteScope | undefined, name: string): CteScope | undefined {
  for (let cte = scope; cte !== undefined; cte = cte.next) if (cte.name === name) return cte;
  return undefined;
}

function bindCte(
  ctx: BindContext,
  cte: CteScope,
  alias: string,
  names: readonly string[],
  location: number | undefined,
): BoundFrom {
  const bound = ctx.bindQuery(cte.query, { ctes: cte.visible, parent: undefined });
  const named = renamed(ctx, bound, cte.columnNames, cte.name, location);
  return derived(ctx, named, alias, names, location);
}

/** A WITH query's own column names: `with q(a, b) as (…)`. */
function renamed(
  ctx: BindContext,
  bound: BoundQuery,
  names: readonly string[],
  what: string,
  location: number | undefined,
): {
  readonly query: BoundQuery['query'];
  readonly columns: BoundQuery['columns'];
  readonly names: readonly string[];
} {
  checkNameCount(ctx, names, bound.columns.length, what, location);
  return { ...bound, names: bound.columns.map((c, i) => names[i] ?? c.name) };
}

function checkNameCount(
  ctx: BindContext,
  names: readonly string[],
  count: number,
  what: string,
  location: number | undefined,
): void {
  if (names.length <= count) return;
  throw brokenRule(
    'INVALID_REFERENCE',
    `"${what}" has ${count} columns but ${names.length} column names`,
    ctx.at(location),
  );
}

function derived(
  ctx: BindContext,
  bound: {
    readonly query: BoundQuery['query'];
    readonly columns: BoundQuery['columns'];
    readonly names: readonly string[];
  },
  alias: string,
  names: readonly string[],
  location: number | undefined,
): BoundFrom {
  const id = ctx.relationId();
  // Names inside the relation are made unique: a query may return two columns of one name.
  const unique = uniqueNames(bound.columns.map((c) => c.name));
  const fields = bound.columns.map((c, i) => ({ ...c, name: unique[i]! }));
  const query = withNames(bound.query, unique);
  const shown = fields.map((f, i) => ({
    name: names[i] ?? bound.names[i]!,
    expr: { kind: 'column', type: f.type, relation: id, name: f.name } as Expr,
    nullable: f.nullable,
  }));
  checkNameCount(ctx, names, fields.length, alias, location);
  const relation = { kind: 'query', id, alias, query, columns: fields } as const;
  return { relation, columns: shown, tables: alias === '' ? [] : [{ alias, columns: shown }] };
}

/** The names, repeats with a number behind them. */
export function uniqueNames(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let i = 1; seen.has(unique); i++) unique = `${name}_${i}`;
    seen.add(unique);
    return unique;
  });
}

/** The query with its output columns named so. */
export function withNames(
  query: BoundQuery['query'],
  names: readonly string[],
): BoundQuery['query'] {
  if (query.kind === 'select') {
    return { ...query, outputs: query.outputs.map((o, i) => ({ ...o, name: names[i]! })) };
  }
  const schema = query.schema.map((f, i) => ({ ...f, name: names[i]! }));
  if (query.kind === 'values') return { ...query, schema };
  const renames = new Map(query.schema.map((f, i) => [f.name, names[i]!]));
  const orderBy = query.orderBy.map((o) => ({
    ...o,
    expr: renameColumns(o.expr, query.id, renames),
  }));
  return { ...query, schema, orderBy };
}

/** ORDER BY of a set operation holds plain output columns only. */
function renameColumns(expr: Expr, id: string, names: ReadonlyMap<string, string>): Expr {
  if (expr.kind !== 'column' || expr.relation !== id) return expr;
  return { ...expr, name: names.get(expr.name) ?? expr.name };
}

function bindRangeSubselect(ctx: BindContext, range: RangeSubselect, outer: OuterEnv): BoundFrom {
  if (range.lateral) throw ctx.unsupported('LATERAL');
  if (range.subquery === undefined || !('SelectStmt' in range.subquery)) {
    throw ctx.unsupported('This subquery in FROM');
  }
  const bound = ctx.bindQuery(range.subquery.SelectStmt, outer);
  const alias = range.alias?.aliasname ?? '';
  const named = { ...bound, names: bound.columns.map((c) => c.name) };
  return derived(ctx, named, alias, aliasColumns(range.alias), undefined);
}

function scopeColumns(
  ctx: BindContext,
  id: string,
  columns: readonly {
    readonly name: string;
    readonly type: Expr['type'];
    readonly nullable: boolean;
  }[],
  names: readonly string[],
  alias: string,
  location: number | undefined,
): ScopeColumn[] {
  checkNameCount(ctx, names, columns.length, alias, location);
  return columns.map((c, i) => ({
    name: names[i] ?? c.name,
    expr: { kind: 'column', type: c.type, relation: id, name: c.name },
    nullable: c.nullable,
  }));
}

function unknownTable(
  ctx: BindContext,
  name: string,
  schema: string | undefined,
  outer: OuterEnv,
  location: number | undefined,
): Error {
  const tables = ctx.catalog.tables();
  const owners = tables.filter((t) => t.table === name).map((t) => t.source);
  if (schema === undefined && owners.length > 1) {
    const choices = owners.map((s) => `${s}.${name}`).join(', ');
    return badName(
      'AMBIGUOUS_TABLE',
      `Table "${name}" is in several sources: ${choices}`,
      ctx.at(location),
    );
  }
  const ctes: string[] = [];
  for (let cte = outer.ctes; cte !== undefined; cte = cte.next) ctes.push(cte.name);
  const full = schema === undefined ? name : `${schema}.${name}`;
  const candidates =
    schema === undefined
      ? [...ctes, ...tables.map((t) => t.table)]
      : tables.map((t) => `${t.source}.${t.table}`);
  const nearest = nearestName(full, candidates) ?? tables.find((t) => t.table === name)?.source;
  const hint = nearest !== undefined && owners.includes(nearest) ? `${nearest}.${name}` : nearest;
  return badName('UNKNOWN_TABLE', `Table "${full}" does not exist`, ctx.at(location), hint);
}

const joinTypes: Readonly<Record<string, JoinRelation['type']>> = {
  JOIN_INNER: 'inner',
  JOIN_LEFT: 'left',
  JOIN_RIGHT: 'right',
  JOIN_FULL: 'full',
};

function bindJoin(ctx: BindContext, join: JoinExpr, outer: OuterEnv): BoundFrom {
  const joinType = joinTypes[join.jointype ?? 'JOIN_INNER'];
  if (joinType === undefined) throw ctx.unsupported('This kind of join');
  const left = nullExtended(bindFromItem(ctx, join.larg!, outer), joinType, 'left');
  const right = nullExtended(bindFromItem(ctx, join.rarg!, outer), joinType, 'right');
  const tables = [...left.tables, ...right.tables];
  checkAliases(ctx, tables);
  const shared = usingColumns(ctx, join, left, right);
  const scope: Scope = {
    columns: [...left.columns, ...right.columns],
    tables,
    parent: outer.parent,
  };
  const env: Env = {
    scope,
    ctes: outer.ctes,
    noAggregates: 'a join condition',
    noWindows: 'a join condition',
  };
  const on =
    join.quals === undefined
      ? and(...shared.map((s) => s.condition))
      : condition(ctx, bindExpr(ctx, env, join.quals), 'JOIN … ON');
  const relation: JoinRelation = {
    kind: 'join',
    type: joinType === 'inner' && on === undefined ? 'cross' : joinType,
    left: left.relation,
    right: right.relation,
    ...(on === undefined ? {} : { on }),
  };
  const columns = mergedColumns(ctx, joinType, shared, left, right);
  return aliased(relation, columns, tables, join);
}

/** Columns on the side that an outer join fills up with NULLs. */
function nullExtended(
  from: BoundFrom,
  join: JoinRelation['type'],
  side: 'left' | 'right',
): BoundFrom {
  const other = side === 'left' ? 'right' : 'left';
  if (join !== other && join !== 'full') return from;
  const nullable = (c: ScopeColumn): ScopeColumn => ({ ...c, nullable: true });
  return {
    ...from,
    columns: from.columns.map(nullable),
    tables: from.tables.map((t) => ({ ...t, columns: t.columns.map(nullable) })),
  };
}

interface SharedColumn {
  readonly name: string;
  readonly left: ScopeColumn;
  readonly right: ScopeColumn;
  readonly condition: Expr;
}

/** The columns of USING, or of NATURAL: all that both sides have. */
function usingColumns(
  ctx: BindContext,
  join: JoinExpr,
  left: BoundFrom,
  right: BoundFrom,
): SharedColumn[] {
  const names = join.isNatural
    ? left.columns.map((c) => c.name).filter((n) => right.columns.some((c) => c.name === n))
    : (join.usingClause ?? []).map((n) => ('String' in n ? (n.String.sval ?? '') : ''));
  return names.map((name) => {
    const find = (side: BoundFrom) => {
      const found = findColumn(
        ctx,
        { columns: side.columns, tables: side.tables },
        name,
        undefined,
      );
      if (found !== undefined) return found;
      const nearest = nearestName(
        name,
        side.columns.map((c) => c.name),
      );
      throw badName(
        'UNKNOWN_COLUMN',
        `Column "${name}" of USING is not on both sides of the join`,
        undefined,
        nearest,
      );
    };
    const sides = { name, left: find(left), right: find(right) };
    return {
      ...sides,
      condition: comparison(ctx, '=', sides.left.expr, sides.right.expr, undefined),
    };
  });
}

/** Shared columns first and once, then what is left of both sides. */
function mergedColumns(
  ctx: BindContext,
  join: JoinRelation['type'],
  shared: readonly SharedColumn[],
  left: BoundFrom,
  right: BoundFrom,
): ScopeColumn[] {
  const merged = shared.map((s): ScopeColumn => {
    const [l, r] = unify(ctx, [s.left.expr, s.right.expr], 'USING:') as [Expr, Expr];
    if (join === 'right') return { name: s.name, expr: r, nullable: s.right.nullable };
    if (join !== 'full') return { name: s.name, expr: l, nullable: s.left.nullable };
    const expr = call('coalesce', l.type, [l, coerce(ctx, r, l.type)]);
    return { name: s.name, expr, nullable: true };
  });
  const used = new Set(shared.flatMap((s) => [s.left, s.right]));
  return [...merged, ...[...left.columns, ...right.columns].filter((c) => !used.has(c))];
}

/** `(a join b) as j` hides the names inside. */
function aliased(
  relation: JoinRelation,
  columns: readonly ScopeColumn[],
  tables: readonly ScopeTable[],
  join: JoinExpr,
): BoundFrom {
  if (join.alias === undefined) return { relation, columns, tables };
  const names = aliasColumns(join.alias);
  const shown = columns.map((c, i) => ({ ...c, name: names[i] ?? c.name }));
  const table = { alias: join.alias.aliasname ?? '', columns: shown };
  return { relation, columns: shown, tables: [table] };
}
