import { isTesseraError } from '@tessera/base';
import {
  bindExpression,
  type ColumnExpr,
  type Expr,
  exprKey,
  transformExpr,
  walkExpr,
} from '@tessera/sql';
import type { ModelTable } from '../model.ts';
import type { Violations } from './violations.ts';

/** Two instants that no two uses of the clock could give the same value for. */
const someTime = 1_000_000_000_000_000n;
const otherTime = 2_123_456_789_123_456n;

/**
 * Binds the SQL expressions of one model: columns are named `alias.column` (or alone where only one table has
 * it), and the fact's computed columns are replaced by what they stand for. What is wrong becomes a violation.
 */
export class ExpressionBinder {
  readonly #tables: readonly ModelTable[];
  readonly #factAlias: string;
  readonly #timeZone: string;
  readonly #computed: Map<string, Expr>;
  readonly #violations: Violations;

  constructor(options: {
    /** The fact first. */
    readonly tables: readonly ModelTable[];
    readonly timeZone: string;
    readonly violations: Violations;
  }) {
    this.#tables = options.tables;
    this.#factAlias = options.tables[0]?.alias ?? '';
    this.#timeZone = options.timeZone;
    this.#violations = options.violations;
    this.#computed = new Map();
  }

  /** From now on `name` is a column of the fact that stands for `expr`. */
  define(name: string, expr: Expr): void {
    this.#computed.set(name, expr);
  }

  get computedColumns(): ReadonlyMap<string, Expr> {
    return this.#computed;
  }

  /** The bound expression; `undefined` after a violation of `field`. `aliases`: only these tables may be named. */
  bind(text: string, field: string, aliases?: ReadonlySet<string>): Expr | undefined {
    const bound = this.attempt(text, aliases);
    if (typeof bound !== 'string') return bound;
    this.#violations.add(field, bound);
    return undefined;
  }

  /** The bound expression, or what is wrong with the text. */
  attempt(text: string, aliases?: ReadonlySet<string>): Expr | string {
    try {
      const expr = this.#bound(text, someTime, aliases);
      return problemOf(expr) ?? this.#clockProblem(text, expr, aliases) ?? this.#inlined(expr);
    } catch (error) {
      if (!isTesseraError(error)) throw error;
      return error.message;
    }
  }

  #bound(text: string, now: bigint, aliases?: ReadonlySet<string>): Expr {
    const tables = this.#tables.filter(({ alias }) => aliases?.has(alias) ?? true);
    const scope = tables.map((table) => ({ alias: table.alias, columns: this.#columnsOf(table) }));
    return bindExpression(text, scope, { timeZone: this.#timeZone, now });
  }

  #columnsOf({ alias, columns }: ModelTable): ModelTable['columns'] {
    if (alias !== this.#factAlias) return columns;
    const computed = [...this.#computed].map(([name, { type }]) => ({ name, type }));
    return [...columns, ...computed];
  }

  #clockProblem(text: string, expr: Expr, aliases?: ReadonlySet<string>): string | undefined {
    const later = this.#bound(text, otherTime, aliases);
    return exprKey(later) === exprKey(expr)
      ? undefined
      : 'The expression depends on the current time, so what is stored would become wrong; use columns only.';
  }

  #inlined(expr: Expr): Expr {
    return transformExpr(expr, (node) =>
      node.kind === 'column' && node.relation === this.#factAlias
        ? this.#computed.get(node.name)
        : undefined,
    );
  }
}

function problemOf(expr: Expr): string | undefined {
  const kinds = new Set<Expr['kind']>();
  walkExpr(expr, ({ kind }) => {
    kinds.add(kind);
  });
  if (kinds.has('aggregate') || kinds.has('window')) {
    return 'An expression of a model is computed row by row: aggregates belong in measures[].aggregate.';
  }
  if (kinds.has('subquery')) return 'An expression of a model cannot have a subquery; add a join.';
  if (kinds.has('parameter')) return 'An expression of a model cannot have parameters.';
  if (!kinds.has('column')) return 'The expression names no column; write alias.column.';
  return undefined;
}

/** The columns that an expression reads, each once. */
export function columnsOf(expr: Expr): ColumnExpr[] {
  const found = new Map<string, ColumnExpr>();
  walkExpr(expr, (node) => {
    if (node.kind === 'column') found.set(exprKey(node), node);
  });
  return [...found.values()];
}
