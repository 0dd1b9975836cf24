import type { DataType, Field, Value } from '@tessera/columnar';
import type { Expr } from './expression.ts';

/**
 * The bound form of a statement. Names, ordinals, `*`, USING and NATURAL are resolved, CTEs and views are
 * inlined at each reference (reads have no effects; the binder bounds how much that may grow a statement).
 */
export type Query = SelectBlock | SetOperation | ValuesList;

export interface Statement {
  readonly query: Query;
  /** Columns of the result, typed as PostgreSQL types them. */
  readonly schema: readonly Field[];
  readonly parameterTypes: readonly DataType[];
}

/** One SELECT. An empty `from` gives one row. Several items are a cross join. */
export interface SelectBlock {
  readonly kind: 'select';
  readonly from: readonly Relation[];
  readonly where?: Expr;
  readonly groupBy: readonly Expr[];
  /** Each set lists indexes into `groupBy`; absent: one set, all of them. */
  readonly groupingSets?: readonly (readonly number[])[];
  /** True when the block aggregates, also without GROUP BY. */
  readonly aggregated: boolean;
  readonly having?: Expr;
  readonly outputs: readonly Output[];
  /** True: DISTINCT; expressions: DISTINCT ON. */
  readonly distinct: boolean | readonly Expr[];
  readonly orderBy: readonly OrderItem[];
  readonly limit?: Expr;
  readonly offset?: Expr;
}

/** Columns of a set operation are named and typed by `schema`; its ORDER BY refers to relation `id`. */
export interface SetOperation {
  readonly kind: 'set';
  readonly id: string;
  readonly op: 'union' | 'intersect' | 'except';
  readonly all: boolean;
  readonly left: Query;
  readonly right: Query;
  readonly schema: readonly Field[];
  readonly orderBy: readonly OrderItem[];
  readonly limit?: Expr;
  readonly offset?: Expr;
}

export interface ValuesList {
  readonly kind: 'values';
  readonly schema: readonly Field[];
  readonly rows: readonly (readonly Expr[])[];
}

export interface Output {
  readonly name: string;
  readonly expr: Expr;
}

/** NULLs are placed explicitly: PostgreSQL's default is last for ascending, first for descending. */
export interface OrderItem {
  readonly expr: Expr;
  readonly descending: boolean;
  readonly nullsFirst: boolean;
}

export type Relation = TableRelation | QueryRelation | JoinRelation | MatchedRelation;

/** `id` is unique in the statement; column expressions refer to it. */
export interface TableRelation {
  readonly kind: 'table';
  readonly id: string;
  /** What the user called it, for messages. */
  readonly alias: string;
  readonly table: TableName;
  readonly columns: readonly Field[];
}
export interface QueryRelation {
  readonly kind: 'query';
  readonly id: string;
  readonly alias: string;
  readonly query: Query;
  readonly columns: readonly Field[];
}
export interface JoinRelation {
  readonly kind: 'join';
  readonly type: 'inner' | 'left' | 'right' | 'full' | 'cross';
  readonly left: Relation;
  readonly right: Relation;
  readonly on?: Expr;
}

/**
 * Stands where matching took a query block out of the statement: its rows come from a scan of cuboids.
 * Binding never makes one.
 */
export interface MatchedRelation {
  readonly kind: 'matched';
  readonly id: string;
  readonly columns: readonly Field[];
}

/** A table of the external catalog: `schema` is the source's name. */
export interface TableName {
  readonly source: string;
  readonly table: string;
}

export interface TableDefinition {
  readonly name: TableName;
  readonly columns: readonly Field[];
}

/** What a statement may refer to. What a user may not see is simply not in it. */
export interface BindCatalog {
  /** `source` is undefined for an unqualified name: found when exactly one source has it. */
  find(table: string, source?: string): TableDefinition | undefined;
  /** All names, for hints. */
  tables(): readonly TableName[];
}

export interface BindSettings {
  /** IANA name; used for timestamptz. Default UTC. */
  readonly timeZone: string;
  /** Values bound to $1, $2 … where the caller already knows their types. */
  readonly parameterTypes?: readonly (DataType | undefined)[];
  /** Midnight of current_date and the instant of now(), microseconds since 1970, so that binding is pure. */
  readonly now: bigint;
}

export type ParameterValues = readonly Value[];
