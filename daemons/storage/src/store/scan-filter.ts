import type { TypeKind } from '@tessera/columnar';
import { layoutRelation } from '@tessera/cube';
import { printExpr, quoteName } from '@tessera/duckdb';
import type { CallExpr, Expr, LiteralExpr, ParameterExpr } from '@tessera/sql';
import { mapChildren } from '@tessera/sql';
import { badScanPlan } from '../errors.ts';
import type { ParameterSource } from './scan-parameters.ts';
import type { StoredColumn } from './stored-column.ts';

type Constant = LiteralExpr | ParameterExpr;

/**
 * Expressions of a scan plan as DuckDB SQL over one way in which a layout is held.
 *
 * Constants that values are compared with become parameters, so that scans that differ only in them share a
 * prepared statement. Comparisons of texts that are held as codes are made on codes, so that zone maps apply.
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
    return printExpr(this.#parametrized(expr), (relation, name) => this.#column(relation, name));
  }

  /** A value as it is held: for grouping and aggregating, where only the result's type matters. */
  held(expr: Expr): string {
    const column = this.#heldColumn(expr);
    return column === undefined ? this.value(expr) : qualified(column.name);
  }

  /** A condition where NULL counts as false. */
  condition(expr: Expr): string {
    if (expr.kind !== 'call') return this.value(expr);
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
    const codes = (members as Constant[]).map((member) => this.#code(column, member));
    return `${qualified(column.name)} IN (${codes.join(', ')})`;
  }

  /** A word that the dictionary does not have is NULL: nothing equals it. */
  #code(column: StoredColumn, constant: Constant, nearest?: ParameterSource['nearest']): string {
    const { typeName } = column.held as Extract<StoredColumn['held'], { kind: 'enum' }>;
    const number = this.#add({
      type: { kind: 'text' },
      from:
        constant.kind === 'parameter'
          ? { kind: 'plan', index: constant.index }
          : { kind: 'constant', value: constant.value },
      ...(nearest === undefined ? {} : { nearest }),
    });
    return `TRY_CAST($${number} AS ${quoteName(typeName)})`;
  }

  #add(source: ParameterSource): number {
    return this.#sources.push(source);
  }

  #parametrized(expr: Expr): Expr {
    if (expr.kind === 'parameter') return this.#renumbered(expr);
    if (expr.kind !== 'call' || !comparisons.has(expr.fn)) {
      return mapChildren(expr, (child) => this.#parametrized(child));
    }
    const args = expr.args.map((arg) =>
      isLiftable(arg) ? this.#lifted(arg) : this.#parametrized(arg),
    );
    return { ...expr, args };
  }

  /** The plan's parameter under its number in the statement, where there are no gaps. */
  #renumbered(expr: ParameterExpr): ParameterExpr {
    const { type, index } = expr;
    let number = this.#planned.get(index);
    if (number === undefined) {
      number = this.#add({ type, from: { kind: 'plan', index } });
      this.#planned.set(index, number);
    }
    return { ...expr, index: number - 1 };
  }

  #lifted({ type, value }: LiteralExpr): ParameterExpr {
    const number = this.#add({ type, from: { kind: 'constant', value } });
    return { kind: 'parameter', type, index: number - 1 };
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

const qualified = (name: string) => `${quoteName(layoutRelation)}.${quoteName(name)}`;
const comparisons: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=', 'in']);
const mirrored: Readonly<Record<string, string>> = {
  '=': '=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** Types whose literals and parameters print alike, so that lifting changes nothing. */
const liftable: ReadonlySet<TypeKind> = new Set([
  'smallint',
  'integer',
  'bigint',
  'double',
  'text',
  'date',
  'timestamp',
  'timestamptz',
]);

function isLiftable(expr: Expr): expr is LiteralExpr {
  return expr.kind === 'literal' && expr.value !== null && liftable.has(expr.type.kind);
}

function isConstant(expr: Expr): expr is Constant {
  const text = expr.type.kind === 'text' || expr.type.kind === 'unknown';
  return text && (expr.kind === 'parameter' || expr.kind === 'literal');
}
