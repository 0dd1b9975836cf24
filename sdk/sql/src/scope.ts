import { nearestName } from '@tessera/base';
import type { BindContext } from './bind-context.ts';
import { badName } from './errors.ts';
import type { Expr } from './expression.ts';

/** The names that FROM brings into a SELECT, and those around it for correlated references. */
export interface Scope {
  /** Columns that may be named without a table: also what `*` means. Columns merged by USING stand once. */
  readonly columns: readonly ScopeColumn[];
  readonly tables: readonly ScopeTable[];
  readonly parent?: Scope | undefined;
}

export interface ScopeColumn {
  readonly name: string;
  readonly expr: Expr;
  readonly nullable: boolean;
}

export interface ScopeTable {
  readonly alias: string;
  /** Source name, for `schema.table.column`. */
  readonly schema?: string | undefined;
  readonly columns: readonly ScopeColumn[];
}

export const emptyScope: Scope = { columns: [], tables: [] };

/** The column `name`, innermost scope first; `undefined` when no scope has it. */
export function findColumn(
  ctx: BindContext,
  scope: Scope | undefined,
  name: string,
  location: number | undefined,
): ScopeColumn | undefined {
  for (let level = scope; level !== undefined; level = level.parent) {
    const found = level.columns.filter((c) => c.name === name);
    if (found.length > 1) throw ambiguousColumn(ctx, name, level, location);
    if (found.length === 1) return found[0];
  }
  return undefined;
}

function ambiguousColumn(
  ctx: BindContext,
  name: string,
  level: Scope,
  location: number | undefined,
): Error {
  const places = level.tables
    .filter((t) => t.columns.some((c) => c.name === name))
    .map((t) => `${t.alias}.${name}`);
  return badName(
    'AMBIGUOUS_COLUMN',
    `Column "${name}" is in more than one table: ${places.join(', ')}`,
    ctx.at(location),
  );
}

/** The table of that alias, innermost scope first. */
export function findTable(
  scope: Scope | undefined,
  alias: string,
  schema?: string,
): ScopeTable | undefined {
  for (let level = scope; level !== undefined; level = level.parent) {
    const found = level.tables.find(
      (t) => t.alias === alias && (schema === undefined || t.schema === schema),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

export function unknownColumn(
  ctx: BindContext,
  scope: Scope,
  name: string,
  location: number | undefined,
): Error {
  const known = new Set<string>();
  for (let level: Scope | undefined = scope; level !== undefined; level = level.parent) {
    for (const column of level.columns) known.add(column.name);
  }
  const nearest = nearestName(name, known);
  return badName(
    'UNKNOWN_COLUMN',
    `Column "${name}" does not exist`,
    ctx.at(location),
    nearest === undefined ? undefined : `"${nearest}"`,
  );
}

export function unknownTableColumn(
  ctx: BindContext,
  table: ScopeTable,
  name: string,
  location: number | undefined,
): Error {
  const nearest = nearestName(
    name,
    table.columns.map((c) => c.name),
  );
  return badName(
    'UNKNOWN_COLUMN',
    `Column ${table.alias}.${name} does not exist`,
    ctx.at(location),
    nearest === undefined ? undefined : `"${table.alias}"."${nearest}"`,
  );
}

export function unknownAlias(
  ctx: BindContext,
  scope: Scope,
  alias: string,
  location: number | undefined,
): Error {
  const known: string[] = [];
  for (let level: Scope | undefined = scope; level !== undefined; level = level.parent) {
    known.push(...level.tables.map((t) => t.alias));
  }
  const nearest = nearestName(alias, known);
  return badName(
    'UNKNOWN_TABLE',
    `There is no table or alias "${alias}" in FROM`,
    ctx.at(location),
    nearest === undefined ? undefined : `"${nearest}"`,
  );
}
