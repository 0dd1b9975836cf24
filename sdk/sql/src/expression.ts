import type { DataType, Value } from '@tessera/columnar';
import type { OrderItem, Query } from './query.ts';

/**
 * Bound expressions: every name is resolved, every node knows its PostgreSQL type. Plain data, the same
 * in process, in storage and on the wire. `relation` is an id that is unique in the whole statement, so a
 * correlated reference needs no scope.
 */
export type Expr =
  | LiteralExpr
  | ParameterExpr
  | ColumnExpr
  | CallExpr
  | CastExpr
  | CaseExpr
  | AggregateExpr
  | WindowExpr
  | SubqueryExpr;

export interface LiteralExpr {
  readonly kind: 'literal';
  readonly type: DataType;
  readonly value: Value;
}
/** $1 is index 0. */
export interface ParameterExpr {
  readonly kind: 'parameter';
  readonly type: DataType;
  readonly index: number;
}
export interface ColumnExpr {
  readonly kind: 'column';
  readonly type: DataType;
  readonly relation: string;
  readonly name: string;
}
/**
 * A function or operator of the catalogue in `functions.ts`, by canonical name: operators under their sign
 * (`+`, `=`, `<>`, `||`, `like`), logic as `and`, `or`, `not`, `is_null`, `is_true`, membership as
 * `in` (first argument, then the list), functions under PostgreSQL's name (`date_trunc`, `extract`, `coalesce`).
 * `and` and `or` take any number of arguments.
 */
export interface CallExpr {
  readonly kind: 'call';
  readonly type: DataType;
  readonly fn: string;
  readonly args: readonly Expr[];
}
export interface CastExpr {
  readonly kind: 'cast';
  readonly type: DataType;
  readonly arg: Expr;
}
/** Searched form: `case x when y` was turned into `case when x = y`. */
export interface CaseExpr {
  readonly kind: 'case';
  readonly type: DataType;
  readonly whens: readonly { readonly when: Expr; readonly then: Expr }[];
  readonly otherwise?: Expr;
}
/** `count` without arguments is count(*). */
export interface AggregateExpr {
  readonly kind: 'aggregate';
  readonly type: DataType;
  readonly fn: string;
  readonly args: readonly Expr[];
  readonly distinct: boolean;
  readonly filter?: Expr;
  readonly orderBy?: readonly OrderItem[];
}
export interface WindowExpr {
  readonly kind: 'window';
  readonly type: DataType;
  readonly fn: string;
  readonly args: readonly Expr[];
  readonly filter?: Expr;
  readonly partitionBy: readonly Expr[];
  readonly orderBy: readonly OrderItem[];
  readonly frame?: WindowFrame;
}
export interface WindowFrame {
  readonly mode: 'rows' | 'range' | 'groups';
  readonly start: FrameBound;
  readonly end: FrameBound;
  readonly exclude?: 'current row' | 'group' | 'ties';
}
export type FrameBound =
  | { readonly kind: 'unbounded preceding' | 'current row' | 'unbounded following' }
  | { readonly kind: 'preceding' | 'following'; readonly offset: Expr };
/** `scalar`, `exists`, or `test = ANY (query)` (`any`) / `test op ALL (query)` (`all`) with operator `fn`. */
export interface SubqueryExpr {
  readonly kind: 'subquery';
  readonly type: DataType;
  readonly form: 'scalar' | 'exists' | 'any' | 'all';
  readonly query: Query;
  readonly test?: Expr;
  readonly fn?: string;
}
