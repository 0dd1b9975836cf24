import type { SelectStmt, WindowDef } from '@pgsql/types';
import type { DataType } from '@tessera/columnar';
import { brokenRule, queryTooComplex, type SqlPosition, unsupportedSql } from './errors.ts';
import type { Expr } from './expression.ts';
import type { BindCatalog, BindSettings, Query } from './query.ts';
import type { Scope } from './scope.ts';
import type { SourceText } from './source-text.ts';

/** How many nodes a bound statement may have, CTEs inlined, and how deep queries may nest. */
export const bindLimits = { nodes: 200_000, queryDepth: 48, groupingSets: 256 } as const;

export interface BoundQuery {
  readonly query: Query;
  readonly columns: readonly BoundColumn[];
}
export interface BoundColumn {
  readonly name: string;
  readonly type: DataType;
  readonly nullable: boolean;
}

/** WITH queries in reach, innermost first. Each is bound anew wherever it is used. */
export interface CteScope {
  readonly name: string;
  readonly query: SelectStmt;
  readonly columnNames: readonly string[];
  readonly visible: CteScope | undefined;
  readonly next: CteScope | undefined;
}

/** What an expression may use where it stands. */
export interface Env {
  readonly scope: Scope;
  readonly ctes: CteScope | undefined;
  /** Name of the clause when aggregates (windows) may not stand here. */
  readonly noAggregates?: string;
  readonly noWindows?: string;
  /** Of the block whose clause this is. */
  readonly block?: BlockState;
}

/** What binding the expressions of one SELECT finds out. */
export interface BlockState {
  aggregated: boolean;
  readonly windows: ReadonlyMap<string, WindowDef>;
  /** For grouping(): the bound GROUP BY expressions, once they are known. */
  groupBy: readonly Expr[];
}

type BindQuery = (ctx: BindContext, stmt: SelectStmt, outer: OuterEnv) => BoundQuery;
export interface OuterEnv {
  readonly ctes: CteScope | undefined;
  readonly parent: Scope | undefined;
}

/** State of binding one statement. */
export class BindContext {
  readonly source: SourceText;
  readonly catalog: BindCatalog;
  readonly settings: BindSettings;
  readonly parameterTypes: (DataType | undefined)[];
  readonly #bindQuery: BindQuery;
  /** Not weak: it goes with the context, and collecting thousands of weak entries costs more than binding them. */
  readonly #locations = new Map<Expr, number>();
  #nodes = 0;
  #relations = 0;
  #depth = 0;

  constructor(
    source: SourceText,
    catalog: BindCatalog,
    settings: BindSettings,
    bindQuery: BindQuery,
  ) {
    this.source = source;
    this.catalog = catalog;
    this.settings = settings;
    this.parameterTypes = [...(settings.parameterTypes ?? [])];
    this.#bindQuery = bindQuery;
  }

  at(location: number | undefined): SqlPosition | undefined {
    return this.source.position(location);
  }

  /** Remembers where an expression was written, for messages about it later. */
  located<E extends Expr>(expr: E, location: number | undefined): E {
    if (location !== undefined && location >= 0) this.#locations.set(expr, location);
    return expr;
  }

  positionOf(expr: Expr): SqlPosition | undefined {
    return this.at(this.#locations.get(expr));
  }

  locationOf(expr: Expr): number | undefined {
    return this.#locations.get(expr);
  }

  /** An id for a relation, unique in the statement. */
  relationId(): string {
    this.#relations += 1;
    return `r${this.#relations}`;
  }

  /** @throws QUERY_TOO_COMPLEX beyond `bindLimits`. */
  countNode(weight = 1): void {
    this.#nodes += weight;
    if (this.#nodes > bindLimits.nodes) throw queryTooComplex(bindLimits.nodes);
  }

  bindQuery(stmt: SelectStmt, outer: OuterEnv): BoundQuery {
    this.#depth += 1;
    if (this.#depth > bindLimits.queryDepth) throw queryTooComplex(bindLimits.nodes);
    const bound = this.#bindQuery(this, stmt, outer);
    this.#depth -= 1;
    return bound;
  }

  unsupported(construct: string, location?: number): Error {
    return unsupportedSql(construct, this.at(location));
  }

  mismatch(message: string, location?: number, hint?: string): Error {
    return brokenRule('TYPE_MISMATCH', message, this.at(location), hint);
  }
}
