import { compareText } from '@tessera/columnar';
import { layoutRelation } from '@tessera/cube';
import { printExpr, quoteName, quoteText } from '@tessera/duckdb';
import {
  type CallExpr,
  type Expr,
  exprKey,
  type LiteralExpr,
  lit,
  mapChildren,
  type ParameterExpr,
} from '@tessera/sql';
import { badScanPlan } from '../errors.ts';
import { nearestWord, type ParameterSource } from './scan-parameters.ts';
import type { StoredColumn } from './stored-column.ts';

type Constant = LiteralExpr | ParameterExpr;

/**
 * Expressions of a scan plan as DuckDB SQL over one way in which a layout is held.
 *
 * Constants stay in the statement: DuckDB plans half as long a scan for a constant that it knows as for a parameter.
 * Comparisons of texts that are held as codes are made on codes, so that zone maps apply.
 */
export class ScanPrinter {
  readonly #columns: ReadonlyMap<string, StoredColumn> | undefined;
  readonly #sources: ParameterSource[] = [];
  readonly #planned = new Map<number, number>();

  /** Without `columns` the layout has the types of its file. */
  constructor(columns: ReadonlyMap<string, StoredColumn> | undefined) {
    this.#columns = columns;
  }

  /** Of the statement's parameters, $1 first. */
  get sources(): readonly ParameterSource[] {
    return this.#sources;
  }

  /** A value in its declared type. */
  value(expr: Expr): string {
    return printExpr(this.#renumbered(expr), (relation, name) => this.#column(relation, name));
  }

  /** A value as it is held: for grouping and aggregating, where only the result's type matters. */
  held(expr: Expr): string {
    const column = this.#heldColumn(expr);
    return column === undefined ? this.value(expr) : qualified(column.name);
  }

  /** A condition where NULL counts as false. */
  condition(expr: Expr): string {
    if (expr.kind !== 'call') return this.value(expr);
    const membership = expr.fn === 'or' ? membershipOf(expr) : undefined;
    if (membership !== undefined) return this.condition(membership);
    if (expr.fn === 'and' || expr.fn === 'or') {
      return `(${expr.args.map((arg) => this.condition(arg)).join(` ${expr.fn.toUpperCase()} `)})`;
    }
    return this.#codeComparison(expr) ?? this.value(expr);
  }

  #codeComparison({ fn, args }: CallExpr): string | undefined {
    const [left, right] = args as [Expr, Expr];
    if (fn === 'in') return this.#codeMembership(left, args.slice(1));
    if (!Object.hasOwn(mirrored, fn) || args.length !== 2) return undefined;
    const comparison = this.#codesAgainst(left, fn, right);
    return comparison ?? this.#codesAgainst(right, mirrored[fn]!, left);
  }

  #codesAgainst(tested: Expr, operator: string, constant: Expr): string | undefined {
    const column = this.#heldColumn(tested);
    if (column?.held.kind !== 'enum' || !isConstant(constant)) return undefined;
    const { words } = column.held;
    if (operator === '=') return `${qualified(column.name)} = ${this.#code(column, constant)}`;
    const bound = this.#code(column, constant, { words, operator });
    return `${qualified(column.name)} ${operator.startsWith('>') ? '>=' : '<='} ${bound}`;
  }

  #codeMembership(tested: Expr, members: readonly Expr[]): string | undefined {
    const column = this.#heldColumn(tested);
    if (column?.held.kind !== 'enum' || !members.every(isConstant)) return undefined;
    const { words: dictionary } = column.held;
    const name = qualified(column.name);
    const codes = (members as Constant[]).map((member) => this.#code(column, member));
    const list = `${name} IN (${codes.join(', ')})`;
    const words = (members as Constant[]).flatMap((member) =>
      member.kind === 'literal' && typeof member.value === 'string' ? [member.value] : [],
    );
    if (words.length < members.length || words.length < 2) return list;
    // Zone maps are asked for ranges, not for members: the span of the members rules most row groups out.
    words.sort(compareText);
    const bound = (word: string, operator: string) =>
      this.#code(column, lit.text(word), { words: dictionary, operator });
    return `(${list} AND ${name} >= ${bound(words[0]!, '>=')} AND ${name} <= ${bound(words.at(-1)!, '<=')})`;
  }

  /** A word that the dictionary does not have is NULL: nothing equals it. */
  #code(
    { held }: StoredColumn,
    constant: Constant,
    nearest?: NonNullable<ParameterSource['nearest']>,
  ): string {
    const { typeName, words } = held as Extract<StoredColumn['held'], { kind: 'enum' }>;
    if (constant.kind === 'parameter') {
      const { index } = constant;
      const number = this.#sources.push({
        type: { kind: 'text' },
        index,
        ...(nearest === undefined ? {} : { nearest }),
      });
      return `TRY_CAST($${number} AS ${quoteName(typeName)})`;
    }
    const text = constant.value as string | null;
    const word =
      text === null || nearest === undefined ? text : nearestWord(words, nearest.operator, text);
    return word === null || !hasWord(words, word)
      ? `NULL::${quoteName(typeName)}`
      : `${quoteText(word)}::${quoteName(typeName)}`;
  }

  /** The plan's parameters under their numbers in the statement, where there are no gaps. */
  #renumbered(expr: Expr): Expr {
    if (expr.kind !== 'parameter') return mapChildren(expr, (child) => this.#renumbered(child));
    const { type, index } = expr;
    let number = this.#planned.get(index);
    if (number === undefined) {
      number = this.#sources.push({ type, index });
      this.#planned.set(index, number);
    }
    return { ...expr, index: number - 1 };
  }

  #column(relation: string, name: string): string {
    if (relation !== layoutRelation) return `${quoteName(relation)}.${quoteName(name)}`;
    const column = this.#columns?.get(name);
    if (column === undefined) {
      if (this.#columns !== undefined) throw badScanPlan(`the layout has no column ${name}`);
      return qualified(name);
    }
    return column.held.kind === 'plain'
      ? qualified(name)
      : `CAST(${qualified(name)} AS ${column.fileType})`;
  }

  /** The column behind a bare reference to one of the layout. */
  #heldColumn(expr: Expr): StoredColumn | undefined {
    if (expr.kind === 'cast' && expr.type.kind === 'text' && expr.arg.type.kind === 'text') {
      return this.#heldColumn(expr.arg);
    }
    if (expr.kind !== 'column' || expr.relation !== layoutRelation) return undefined;
    return this.#columns?.get(expr.name);
  }
}

/** `x = a OR x IN (b, c)` as `x IN (a, b, c)`; `undefined` for any other disjunction. */
function membershipOf({ args, type }: CallExpr): CallExpr | undefined {
  const [first] = args;
  if (first?.kind !== 'call') return undefined;
  const tested = first.args[0]!;
  const key = exprKey(tested);
  const members: Expr[] = [];
  for (const arg of args) {
    if (arg.kind !== 'call' || (arg.fn !== '=' && arg.fn !== 'in')) return undefined;
    if (exprKey(arg.args[0]!) !== key) return undefined;
    members.push(...arg.args.slice(1));
  }
  return { kind: 'call', fn: 'in', type, args: [tested, ...members] };
}

const qualified = (name: string) => `${quoteName(layoutRelation)}.${quoteName(name)}`;
const mirrored: Readonly<Record<string, string>> = {
  '=': '=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

function hasWord(words: readonly string[], word: string): boolean {
  return nearestWord(words, '>=', word) === word;
}

function isConstant(expr: Expr): expr is Constant {
  const text = expr.type.kind === 'text' || expr.type.kind === 'unknown';
  return text && (expr.kind === 'parameter' || expr.kind === 'literal');
}
