import {
  type Column,
  type ColumnBatch,
  columnFromValues,
  type DataType,
  heldScale,
  isNull,
  type Value,
  valueAt,
} from '@tessera/columnar';
import { CodeTest, type Condition, type Dictionary, truth } from '@tessera/columnar/tile';
import { layoutRelation, type ScanPlan, type SnapshotJoin } from '@tessera/cube';
import {
  childrenOf,
  type Evaluate,
  type Expr,
  expressionCompiler,
  exprKey,
  type Frame,
  NotCompiled,
} from '@tessera/sql';
import { badScanPlan } from '../errors.ts';
import type { CodeCache } from './code-cache.ts';
import type { EvaluateInDatabase } from './dictionary-sql.ts';
import type { LayoutTiles } from './layout-tiles.ts';
import { NotForTiles } from './not-for-tiles.ts';

/** The one column of a layout on which an expression depends; `none` for a constant. */
type Root = { readonly column: string } | 'none';

/** A lookup as seen from the column that it is joined through: values by code. */
interface CodedLookup {
  readonly root: string;
  readonly columns: ReadonlyMap<string, Column>;
  /** 1 for codes that have a partner. */
  readonly hasPartner: Uint8Array;
}

/**
 * Expressions of a scan plan, computed once per code of the column on which they depend instead of once per row.
 * Lookups that are joined through one column are columns of its codes, too. What depends on several columns is
 * computed from its parts where it is AND, OR and NOT; anything else is not for tiles (`NotForTiles`).
 */
export class CodeExpressions {
  readonly #layout: LayoutTiles;
  readonly #timeZone: string | undefined;
  readonly #evaluate: EvaluateInDatabase;
  readonly #cache: CodeCache;
  readonly #lookups = new Map<string, CodedLookup>();
  /** Tells apart what equal expressions mean in different plans. */
  #context: string;

  constructor(
    layout: LayoutTiles,
    plan: ScanPlan,
    parts: { readonly evaluate: EvaluateInDatabase; readonly cache: CodeCache },
  ) {
    this.#layout = layout;
    this.#timeZone = plan.timeZone;
    this.#evaluate = parts.evaluate;
    this.#cache = parts.cache;
    this.#context = plan.timeZone ?? '';
  }

  /** Lookups in the plan's order, each with its snapshot's key and columns. */
  async addLookup(join: SnapshotJoin, snapshot: () => Promise<ColumnBatch>): Promise<void> {
    const [on, ...more] = join.on;
    if (on === undefined || more.length > 0) throw new NotForTiles('a lookup by several columns');
    const root = this.#columnOf(on.expr);
    const names = join.columns.map(({ name }) => name);
    const key = JSON.stringify([join.alias, join.snapshot, on.column, exprKey(on.expr), names]);
    const lookup = this.#cache.remember(
      this.#dictionary(root),
      `lookup ${this.#context} ${key}`,
      async () => {
        const keys = await this.#values(on.expr, root);
        return codedLookup(root, keys, on.column, await snapshot());
      },
    );
    this.#lookups.set(join.alias, await lookup);
    this.#context += key;
  }

  /** Rows that have a partner in a lookup. */
  hasPartner(alias: string): Condition {
    const { root, hasPartner } = this.#lookups.get(alias)!;
    const truths = hasPartner.map((partner) => (partner === 1 ? truth.yes : truth.no));
    return { kind: 'codes', test: new CodeTest(this.#codedName(root), truths) };
  }

  /** A value that depends on one column: which, and the value of each of its codes. */
  async values(expr: Expr): Promise<{ readonly column: string; readonly values: Column }> {
    const column = this.#columnOf(expr);
    return { column: this.#codedName(column), values: await this.#values(expr, column) };
  }

  async condition(expr: Expr): Promise<Condition> {
    const root = this.#rootOf(expr);
    if (root === 'none') return { kind: 'constant', truth: await this.#constant(expr) };
    if (root !== undefined) {
      const truths = await this.#truths(expr, root.column);
      return { kind: 'codes', test: new CodeTest(this.#codedName(root.column), truths) };
    }
    if (expr.kind !== 'call') throw new NotForTiles(`${expr.kind} over several columns`);
    if (expr.fn === 'and' || expr.fn === 'or') {
      const args: Condition[] = [];
      for (const arg of expr.args) args.push(await this.condition(arg));
      return { kind: expr.fn, args };
    }
    if (expr.fn === 'not') return { kind: 'not', arg: await this.condition(expr.args[0]!) };
    throw new NotForTiles(`${expr.fn} over several columns`);
  }

  /** Undefined: several columns. */
  #rootOf(expr: Expr): Root | undefined {
    if (expr.kind === 'column') {
      if (expr.relation === layoutRelation) return { column: expr.name };
      const lookup = this.#lookups.get(expr.relation);
      if (lookup === undefined) throw new NotForTiles(`relation ${expr.relation}`);
      return { column: lookup.root };
    }
    if (expr.kind === 'subquery' || expr.kind === 'aggregate' || expr.kind === 'window') {
      throw new NotForTiles(expr.kind);
    }
    let root: Root = 'none';
    for (const child of childrenOf(expr)) {
      const other = this.#rootOf(child);
      if (other === undefined) return undefined;
      if (other === 'none') continue;
      if (root !== 'none' && root.column !== other.column) return undefined;
      root = other;
    }
    return root;
  }

  #columnOf(expr: Expr): string {
    const root = this.#rootOf(expr);
    if (root === undefined || root === 'none') throw new NotForTiles('no single column');
    return root.column;
  }

  #codedName(column: string): string {
    if (!this.#layout.types.has(column)) throw badScanPlan(`the layout has no column ${column}`);
    const name = this.#layout.codedName(column);
    if (name === undefined) throw new NotForTiles(`column ${column} without codes`, column);
    return name;
  }

  #dictionary(column: string): Dictionary {
    return this.#layout.dictionaries.get(this.#codedName(column))!;
  }

  async #constant(expr: Expr): Promise<number> {
    const compiled = compile(expr, () => undefined);
    if (compiled === undefined) throw new NotForTiles('a constant that is not compiled');
    return truthOf(compiled({ columns: [], parameters: [] }, 0));
  }

  async #truths(expr: Expr, column: string): Promise<Uint8Array> {
    const found = comparedTruths(expr, this.#dictionary(column));
    if (found !== undefined) return found;
    if (expr.kind === 'call' && (expr.fn === 'and' || expr.fn === 'or')) {
      return this.#combined(expr.fn, expr.args, column);
    }
    const values = await this.#values(expr, column);
    return Uint8Array.from({ length: values.values.length }, (_, code) =>
      truthOf(valueAt(values, code)),
    );
  }

  async #combined(fn: 'and' | 'or', args: readonly Expr[], column: string): Promise<Uint8Array> {
    const truths = new Uint8Array(this.#dictionary(column).size);
    truths.fill(fn === 'and' ? truth.yes : truth.no);
    for (const arg of args) {
      const isConstant = this.#rootOf(arg) === 'none';
      const other = isConstant
        ? new Uint8Array(truths.length).fill(await this.#constant(arg))
        : await this.#truths(arg, column);
      for (let code = 0; code < truths.length; code++) {
        const isTaken = fn === 'and' ? other[code]! < truths[code]! : other[code]! > truths[code]!;
        if (isTaken) truths[code] = other[code]!;
      }
    }
    return truths;
  }

  async #values(expr: Expr, column: string): Promise<Column> {
    const dictionary = this.#dictionary(column);
    if (isHeldAs(expr, dictionary.column.type)) return dictionary.column;
    return this.#cache.remember(dictionary, `values ${this.#context} ${exprKey(expr)}`, () =>
      this.#compute(expr, dictionary),
    );
  }

  async #compute(expr: Expr, dictionary: Dictionary): Promise<Column> {
    const columns: Column[] = [];
    const places = new Map<string, number>();
    const resolve = (relation: string, name: string) => {
      const key = `${relation}.${name}`;
      const place = places.get(key) ?? columns.length;
      if (place === columns.length) {
        const found =
          relation === layoutRelation
            ? dictionary.column
            : this.#lookups.get(relation)?.columns.get(name);
        if (found === undefined) throw new NotForTiles(`column ${key}`);
        places.set(key, place);
        columns.push(found);
      }
      return { index: place, type: columns[place]!.type };
    };
    const compiled = compile(expr, resolve);
    const { size } = dictionary;
    if (compiled === undefined)
      return this.#evaluate(expr, { columns, size, resolve, timeZone: this.#timeZone });
    const frame: Frame = { columns, parameters: [] };
    return columnFromValues(
      expr.type,
      Array.from({ length: size }, (_, code) => compiled(frame, code)),
    );
  }
}

/** True for a bare column of the layout that is wanted just as it is held. */
function isHeldAs(expr: Expr, held: DataType): boolean {
  if (expr.kind !== 'column' || expr.relation !== layoutRelation) return false;
  return expr.type.kind === held.kind && heldScale(expr.type) === heldScale(held);
}

function compile(
  expr: Expr,
  resolve: (
    relation: string,
    name: string,
  ) => { readonly index: number; readonly type: Column['type'] } | undefined,
): Evaluate | undefined {
  try {
    return expressionCompiler(({ relation, name }) => resolve(relation, name)).compile(expr);
  } catch (error) {
    if (error instanceof NotCompiled) return undefined;
    throw error;
  }
}

function truthOf(value: Value): number {
  if (value === null) return truth.unknown;
  return value === true ? truth.yes : truth.no;
}

function codedLookup(
  root: string,
  keys: Column,
  keyName: string,
  snapshot: ColumnBatch,
): CodedLookup {
  const index = snapshot.schema.findIndex(({ name }) => name === keyName);
  const rows = rowsByKey(snapshot.columns[index]!, snapshot.rowCount);
  const hasPartner = new Uint8Array(keys.values.length);
  const partners = Array.from({ length: keys.values.length }, (_, code) => {
    const row = isNull(keys, code) ? undefined : rows.get(valueAt(keys, code));
    if (row !== undefined) hasPartner[code] = 1;
    return row;
  });
  const columns = new Map(
    snapshot.schema.map(({ name, type }, i) => {
      const column = snapshot.columns[i]!;
      const values = partners.map((row) => (row === undefined ? null : valueAt(column, row)));
      return [name, columnFromValues(type, values)];
    }),
  );
  return { root, columns, hasPartner };
}

/** Row of each key of a snapshot; its keys are unique. */
function rowsByKey(keys: Column, rowCount: number): ReadonlyMap<Value, number> {
  const rows = new Map<Value, number>();
  for (let row = 0; row < rowCount; row++) {
    if (!isNull(keys, row)) rows.set(valueAt(keys, row), row);
  }
  return rows;
}

/** Comparisons of a bare column with constants of its own type, found in its dictionary by search; else undefined. */
function comparedTruths(expr: Expr, dictionary: Dictionary): Uint8Array | undefined {
  if (expr.kind !== 'call') return undefined;
  const [left, ...others] = expr.args;
  if (left === undefined) return undefined;
  const type = dictionary.column.type;
  const isColumn = (each: Expr) =>
    each.kind === 'column' && each.relation === layoutRelation && each.type.kind === type.kind;
  const isConstant = (each: Expr) => each.kind === 'literal' && sameValues(each, type);
  if (expr.fn === 'in' && isColumn(left) && others.every(isConstant)) {
    return membership(
      others.map((each) => (each as { readonly value: Value }).value),
      dictionary,
    );
  }
  const mirrored = mirrors[expr.fn];
  if (mirrored === undefined || others.length !== 1) return undefined;
  const [right] = others as [Expr];
  if (isColumn(left) && isConstant(right)) {
    return comparison(expr.fn, (right as { readonly value: Value }).value, dictionary);
  }
  if (isColumn(right) && isConstant(left)) {
    return comparison(mirrored, (left as { readonly value: Value }).value, dictionary);
  }
  return undefined;
}

const mirrors: Readonly<Record<string, string>> = {
  '=': '=',
  '<>': '<>',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** True when values of the constant are held like those of the column. */
function sameValues({ type, kind }: Expr, column: Column['type']): boolean {
  if (kind !== 'literal' || type.kind === 'numeric' || column.kind === 'numeric') return false;
  const isSmall = (each: Column['type']) => each.kind === 'smallint' || each.kind === 'integer';
  return type.kind === column.kind || (isSmall(type) && isSmall(column));
}

function membership(members: readonly Value[], dictionary: Dictionary): Uint8Array {
  const rest = members.includes(null) ? truth.unknown : truth.no;
  const truths = new Uint8Array(dictionary.size).fill(rest);
  truths[0] = truth.unknown;
  for (const member of members) {
    const code = member === null ? undefined : dictionary.codeOf(member);
    if (code !== undefined) truths[code] = truth.yes;
  }
  return truths;
}

function comparison(fn: string, value: Value, dictionary: Dictionary): Uint8Array {
  const { size } = dictionary;
  if (value === null) return new Uint8Array(size).fill(truth.unknown);
  const from = dictionary.lowerBound(value);
  const found = dictionary.codeOf(value) !== undefined;
  const after = found ? from + 1 : from;
  const [start, end, inside] = {
    '=': [from, after, truth.yes] as const,
    '<>': [from, after, truth.no] as const,
    '<': [1, from, truth.yes] as const,
    '<=': [1, after, truth.yes] as const,
    '>': [after, size, truth.yes] as const,
    '>=': [from, size, truth.yes] as const,
  }[fn]!;
  const truths = new Uint8Array(size).fill(inside === truth.yes ? truth.no : truth.yes);
  truths.fill(inside, start, end);
  truths[0] = truth.unknown;
  return truths;
}
