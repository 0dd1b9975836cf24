import type { DataType, Interval, Value } from '@tessera/columnar';
import type { LiteralExpr } from './expression.ts';
import { numericOf, type } from './types.ts';

/** Literals of each type, by value. */
export const lit = {
  of: (t: DataType, value: Value): LiteralExpr => ({ kind: 'literal', type: t, value }),
  null: (t: DataType = type.unknown) => lit.of(t, null),
  boolean: (value: boolean) => lit.of(type.boolean, value),
  smallint: (value: number) => lit.of(type.smallint, value),
  int: (value: number) => lit.of(type.integer, value),
  bigint: (value: bigint) => lit.of(type.bigint, value),
  /** `numeric(12345n, 2)` is 123.45. */
  numeric: (unscaled: bigint, scale: number) => lit.of(numericOf(scale), unscaled),
  double: (value: number) => lit.of(type.double, value),
  text: (value: string) => lit.of(type.text, value),
  /** Days since 1970-01-01. */
  date: (days: number) => lit.of(type.date, days),
  /** Microseconds since 1970-01-01. */
  timestamp: (micros: bigint) => lit.of(type.timestamp, micros),
  timestamptz: (micros: bigint) => lit.of(type.timestamptz, micros),
  interval: (value: Interval) => lit.of(type.interval, value),
} as const;

export const isLiteral = (expr: { readonly kind: string }): expr is LiteralExpr =>
  expr.kind === 'literal';
