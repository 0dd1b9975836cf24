import {
  type ColumnExpr,
  conjuncts,
  type Expr,
  exprKey,
  isInteger,
  type Relation,
  type TableName,
  type TableRelation,
} from '@tessera/sql';
import type { Lookup, Model } from '../model.ts';
import { columnsOf, replaceColumns } from './expressions.ts';
import type { ReasonCode } from './reasons.ts';

/**
 * The FROM of a block in one normal form: inner tables in a cross product, then tables left-joined to it, then
 * one conjunction over all. Every tree of inner, cross and left joins has it, when only single tables are padded.
 */
export interface NormalForm {
  readonly inner: readonly TableRelation[];
  readonly left: readonly { readonly table: TableRelation; readonly on: readonly Expr[] }[];
  readonly conditions: readonly Expr[];
}

/** How the tables of a block are the tables of a model. */
export interface StarMatch {
  readonly model: Model;
  /** Alias in the model by relation id of the block. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Relation by alias in the model. */
  readonly relations: ReadonlyMap<string, TableRelation>;
  /** Lookups that the block joins so that rows without a partner are dropped. */
  readonly inner: ReadonlySet<string>;
  /** Lookups that the block left-joins. */
  readonly left: ReadonlySet<string>;
  /** The conditions that are not join keys, over the model's aliases. */
  readonly conditions: readonly Expr[];
}

/** `undefined` for what is not tables in inner, cross and left joins. */
export function normalForm(
  from: readonly Relation[],
  where: Expr | undefined,
): NormalForm | undefined {
  const parts = from.map(normalRelation);
  if (parts.some((part) => part === undefined)) return undefined;
  return {
    inner: parts.flatMap((part) => part!.inner),
    left: parts.flatMap((part) => part!.left),
    conditions: [...parts.flatMap((part) => part!.conditions), ...conjuncts(where)],
  };
}

function normalRelation(relation: Relation): NormalForm | undefined {
  if (relation.kind === 'table') return { inner: [relation], left: [], conditions: [] };
  if (relation.kind !== 'join' || relation.type === 'full') return undefined;
  const swapped = relation.type === 'right';
  const outer = normalRelation(swapped ? relation.right : relation.left);
  const other = normalRelation(swapped ? relation.left : relation.right);
  if (outer === undefined || other === undefined) return undefined;
  const on = conjuncts(relation.on);
  if (relation.type === 'left' || swapped) {
    const table = other.inner[0];
    const single = other.inner.length === 1 && other.left.length + other.conditions.length === 0;
    if (table === undefined || !single) return undefined;
    return { ...outer, left: [...outer.left, { table, on }] };
  }
  return {
    inner: [...outer.inner, ...other.inner],
    left: [...outer.left, ...other.left],
    conditions: [...outer.conditions, ...other.conditions, ...on],
  };
}

export function sameTable(a: TableName, b: TableName): boolean {
  return a.source === b.source && a.table === b.table;
}

/** More assignments of role-playing lookups than this are not tried. */
const maxAssignments = 32;

/** All ways in which the block is a star of the model, or the reason why there is none. */
export function starMatches(form: NormalForm, model: Model): readonly StarMatch[] | ReasonCode {
  const tables = [...form.inner, ...form.left.map(({ table }) => table)];
  const facts = tables.filter(({ table }) => sameTable(table, model.fact.table));
  const known = tables.every(
    ({ table }) =>
      sameTable(table, model.fact.table) ||
      model.lookups.some((lookup) => sameTable(table, lookup.table)),
  );
  if (!known) return 'FACT_NOT_IN_MODEL';
  if (facts.length === 0) return 'LOOKUP_ONLY';
  const roots = form.inner.filter(({ table }) => sameTable(table, model.fact.table));
  const found = roots.flatMap((root) => assignments(form, model, root)).slice(0, maxAssignments);
  if (found.length > 0) return found;
  return facts.length > 1 ? 'SELF_JOIN' : 'JOIN_NOT_IN_MODEL';
}

interface State {
  readonly aliases: ReadonlyMap<string, string>;
  readonly relations: ReadonlyMap<string, TableRelation>;
  readonly consumed: ReadonlySet<Expr>;
}

/** Depth first over the model's lookups: each takes a table of the block that is joined on its keys, or none. */
function assignments(form: NormalForm, model: Model, root: TableRelation): StarMatch[] {
  const left = new Map(form.left.map(({ table, on }) => [table.id, on]));
  const others = [...form.inner, ...form.left.map(({ table }) => table)].filter((t) => t !== root);
  const found: StarMatch[] = [];
  const visit = (position: number, state: State): void => {
    if (found.length >= maxAssignments) return;
    // Each table needs a lookup of its own.
    if (others.length + 1 - state.aliases.size > model.lookups.length - position) return;
    const lookup = model.lookups[position];
    if (lookup === undefined) {
      if (state.aliases.size === others.length + 1) {
        found.push(matchOf(form, model, state, new Set(left.keys())));
      }
      return;
    }
    const parent = state.relations.get(lookup.parent);
    for (const table of parent === undefined ? [] : others) {
      if (state.aliases.has(table.id) || !sameTable(table.table, lookup.table)) continue;
      const on = left.get(table.id);
      const keys = joinKeys(lookup, parent!, table, on ?? form.conditions);
      if (keys === undefined || (on !== undefined && keys.size !== on.length)) continue;
      visit(position + 1, {
        aliases: new Map([...state.aliases, [table.id, lookup.alias]]),
        relations: new Map([...state.relations, [lookup.alias, table]]),
        consumed: state.consumed.union(keys),
      });
    }
    visit(position + 1, state);
  };
  visit(0, {
    aliases: new Map([[root.id, model.fact.alias]]),
    relations: new Map([[model.fact.alias, root]]),
    consumed: new Set(),
  });
  return found;
}

/** The conditions that are the lookup's join, or `undefined` when a key is not compared. */
function joinKeys(
  lookup: Lookup,
  parent: TableRelation,
  table: TableRelation,
  conditions: readonly Expr[],
): Set<Expr> | undefined {
  const found = new Set<Expr>();
  for (const key of lookup.keys) {
    const equal = conditions.filter((condition) => {
      if (condition.kind !== 'call' || condition.fn !== '=') return false;
      const [a, b] = condition.args.map(plainColumn);
      const is = (c: ColumnExpr | undefined, id: string, name: string): boolean =>
        c?.relation === id && c.name === name;
      return (
        (is(a, parent.id, key.parentColumn) && is(b, table.id, key.column)) ||
        (is(b, parent.id, key.parentColumn) && is(a, table.id, key.column))
      );
    });
    if (equal.length === 0) return undefined;
    for (const condition of equal) found.add(condition);
  }
  return found;
}

/** A column, also below a cast to a wider integer, which changes no comparison. */
function plainColumn(expr: Expr): ColumnExpr | undefined {
  if (expr.kind === 'column') return expr;
  const widened = expr.kind === 'cast' && isInteger(expr.type) && isInteger(expr.arg.type);
  if (!widened || expr.arg.kind !== 'column') return undefined;
  const rank = (kind: string): number => ['smallint', 'integer', 'bigint'].indexOf(kind);
  return rank(expr.arg.type.kind) <= rank(expr.type.kind) ? expr.arg : undefined;
}

function matchOf(
  form: NormalForm,
  model: Model,
  state: State,
  leftIds: ReadonlySet<string>,
): StarMatch {
  const aliasOf = (id: string): string | undefined => state.aliases.get(id);
  const inner = new Set<string>();
  const left = new Set<string>();
  for (const [id, alias] of state.aliases) {
    if (alias === model.fact.alias) continue;
    (leftIds.has(id) ? left : inner).add(alias);
  }
  const conditions = form.conditions
    .filter((condition) => !state.consumed.has(condition))
    .map((condition) => toModel(condition, aliasOf));
  return {
    model,
    aliases: state.aliases,
    relations: state.relations,
    inner,
    left,
    conditions,
  };
}

/** The expression with relation ids of the block replaced by aliases of the model. */
export function toModel(expr: Expr, aliasOf: (id: string) => string | undefined): Expr {
  return replaceColumns(expr, (column) => {
    const alias = aliasOf(column.relation);
    return alias === undefined ? undefined : { ...column, relation: alias };
  });
}

/** And back: over the relations of the block. */
export function toBlock(expr: Expr, match: StarMatch): Expr {
  return replaceColumns(expr, (column) => {
    const relation = match.relations.get(column.relation);
    return relation === undefined ? undefined : { ...column, relation: relation.id };
  });
}

/**
 * Puts each key column of an inner-joined lookup under the name of the parent's column it equals, so that
 * `f.origin` and `origin.iata` are one. Only for equal types; rows without a partner are no longer there.
 */
export function canonicalizer(names: CanonicalNames): (expr: Expr) => Expr {
  if (names.size === 0) return (expr) => expr;
  const before = new WeakMap<Expr, Expr>();
  return (expr) => {
    const known = before.get(expr) ?? replaceColumns(expr, (column) => names.get(exprKey(column)));
    before.set(expr, known);
    return known;
  };
}

/** By key of a column: the column that stands for it. */
export type CanonicalNames = ReadonlyMap<string, ColumnExpr>;

const namesByJoins = new WeakMap<Model, Map<string, CanonicalNames>>();
/** Of one model; more ways to join its lookups than this are hardly asked. */
const maxNames = 64;

/** The same value for all matches that join the same lookups inner. */
export function canonicalNames({ model, inner }: StarMatch): CanonicalNames {
  const ofModel = namesByJoins.get(model) ?? new Map<string, CanonicalNames>();
  namesByJoins.set(model, ofModel);
  const key = [...inner].sort().join(' ');
  const known = ofModel.get(key);
  if (known !== undefined) return known;
  const names = namesOf(model, inner);
  if (ofModel.size >= maxNames) ofModel.clear();
  ofModel.set(key, names);
  return names;
}

function namesOf(model: Model, inner: ReadonlySet<string>): CanonicalNames {
  const equal = new Map<string, ColumnExpr>();
  for (const lookup of model.lookups) {
    if (!inner.has(lookup.alias)) continue;
    for (const key of lookup.keys) {
      const own = lookup.columns.find(({ name }) => name === key.column);
      const parent = columnsOfAlias(model, lookup.parent).find(
        ({ name }) => name === key.parentColumn,
      );
      if (own === undefined || own.type.kind !== parent?.type.kind) continue;
      const target: ColumnExpr = {
        kind: 'column',
        type: parent.type,
        relation: lookup.parent,
        name: key.parentColumn,
      };
      equal.set(keyOfColumn(lookup.alias, key.column), equal.get(exprKey(target)) ?? target);
    }
  }
  return equal;
}

function keyOfColumn(relation: string, name: string): string {
  return exprKey({ kind: 'column', type: { kind: 'unknown' }, relation, name });
}

function columnsOfAlias(model: Model, alias: string): Model['fact']['columns'] {
  if (alias === model.fact.alias) return model.fact.columns;
  return model.lookups.find((lookup) => lookup.alias === alias)?.columns ?? [];
}

/** Functions that give NULL as soon as one operand is NULL. */
const strict = new Set([
  ...['=', '<>', '<', '<=', '>', '>=', '+', '-', '*', '/', '%', '||', 'like', 'ilike', 'negate'],
  ...['lower', 'upper', 'length', 'substring', 'left', 'right', 'btrim', 'abs', 'extract'],
  ...['date_trunc', 'round', 'floor', 'ceil', 'starts_with', 'strpos', 'replace'],
]);

/** True when the condition cannot be true where all columns of `alias` are NULL. */
export function rejectsMissing(condition: Expr, alias: string): boolean {
  if (condition.kind === 'literal') return condition.value !== true;
  if (condition.kind !== 'call') return nullWhenMissing(condition, alias);
  const { fn, args } = condition;
  const rejects = (expr: Expr): boolean => rejectsMissing(expr, alias);
  if (fn === 'and') return args.some(rejects);
  if (fn === 'or') return args.every(rejects);
  if (fn === 'is_not_null') return nullWhenMissing(args[0]!, alias);
  if (fn === 'is_true') return rejects(args[0]!);
  if (fn === 'not') {
    const inner = args[0]!;
    if (inner.kind === 'call' && inner.fn === 'is_null')
      return nullWhenMissing(inner.args[0]!, alias);
    return nullWhenMissing(inner, alias);
  }
  if (fn === 'between') return args.some((arg) => nullWhenMissing(arg, alias));
  return nullWhenMissing(condition, alias);
}

/** True when the expression is NULL where all columns of `alias` are. */
function nullWhenMissing(expr: Expr, alias: string): boolean {
  if (expr.kind === 'column') return expr.relation === alias;
  if (expr.kind === 'cast') return nullWhenMissing(expr.arg, alias);
  if (expr.kind !== 'call') return false;
  if (expr.fn === 'not') return nullWhenMissing(expr.args[0]!, alias);
  if (expr.fn === 'in') return nullWhenMissing(expr.args[0]!, alias);
  return strict.has(expr.fn) && expr.args.some((arg) => nullWhenMissing(arg, alias));
}

/** Aliases whose columns occur in the expressions. */
export function aliasesIn(exprs: readonly Expr[]): ReadonlySet<string> {
  return new Set(exprs.flatMap((expr) => columnsOf(expr).map(({ relation }) => relation)));
}
