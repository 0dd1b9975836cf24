import {
  type Column,
  compareValues,
  type DataType,
  heldScale,
  type TypeKind,
  type Value,
} from '@tessera/columnar';
import type { Expr } from '../expression.ts';
import { rescale } from './decimal.ts';
import { notCompiled } from './not-compiled.ts';

/**
 * Bound expressions as closures over columns, with PostgreSQL's semantics. Values are those of `Value` in
 * `@tessera/columnar`, exact for the expression's type. Whatever is not known here makes the whole compilation
 * give `undefined`, and then DuckDB executes: nothing is ever approximated.
 */
export type Evaluate = (frame: Frame, row: number) => Value;

export interface Frame {
  readonly columns: readonly Column[];
  readonly parameters: readonly Value[];
}

export interface Compiler {
  compile(expr: Expr): Evaluate;
}

/** Gives `expr` in exactly `type`: branches of CASE, COALESCE and so on may hold a numeric in another scale. */
export function compileAs(expr: Expr, type: DataType, compiler: Compiler): Evaluate {
  if (expr.kind === 'literal' && expr.value === null) return () => null;
  const evaluate = compiler.compile(expr);
  if (expr.type.kind !== type.kind) return notCompiled(`${expr.type.kind} where ${type.kind} is`);
  const from = heldScale(expr.type);
  const to = heldScale(type);
  if (from === to) return evaluate;
  return (frame, row) => {
    const value = evaluate(frame, row);
    return value === null ? null : rescale(value as bigint, from, to);
  };
}

export type Compare = (a: Value, b: Value) => number;

/** Both sides in one form, and the order of that form. */
export function comparable(
  left: Expr,
  right: Expr,
  compiler: Compiler,
): readonly [Evaluate, Evaluate, Compare] {
  if (isNullLiteral(left) && isNullLiteral(right)) return [() => null, () => null, () => 0];
  if (isNullLiteral(left)) return [() => null, compiler.compile(right), () => 0];
  if (isNullLiteral(right)) return [compiler.compile(left), () => null, () => 0];
  if (isExact(left.type) && isExact(right.type)) {
    if (isSmall(left.type) && isSmall(right.type)) {
      return [compiler.compile(left), compiler.compile(right), compareOf('integer')];
    }
    const scale = Math.max(heldScale(left.type), heldScale(right.type));
    return [
      compileExact(left, scale, compiler),
      compileExact(right, scale, compiler),
      compareOf('numeric'),
    ];
  }
  if (isFloat(left.type) && isFloat(right.type)) {
    return [compiler.compile(left), compiler.compile(right), compareOf('double')];
  }
  if (left.type.kind !== right.type.kind) notCompiled('comparison of different types');
  return [compiler.compile(left), compiler.compile(right), compareOf(left.type.kind)];
}

/** The order of two non-NULL values of a type. */
export function compareOf(kind: TypeKind): Compare {
  if (kind === 'unknown') notCompiled('order of unknown');
  return compareValues as Compare;
}

/** An exact number as unscaled bigint with `scale` digits; `scale` must not be less than the type's. */
export function compileExact(expr: Expr, scale: number, compiler: Compiler): Evaluate {
  if (isNullLiteral(expr)) return () => null;
  if (!isExact(expr.type)) notCompiled(`${expr.type.kind} as exact number`);
  const evaluate = compiler.compile(expr);
  const from = heldScale(expr.type);
  return (frame, row) => {
    const value = evaluate(frame, row);
    return value === null ? null : rescale(BigInt(value as number | bigint), from, scale);
  };
}

function isNullLiteral(expr: Expr): boolean {
  return expr.kind === 'literal' && expr.value === null;
}

export function isExact(type: DataType): boolean {
  return isInteger(type) || type.kind === 'numeric';
}

export function isInteger(type: DataType): boolean {
  return isSmall(type) || type.kind === 'bigint';
}

function isSmall(type: DataType): boolean {
  return type.kind === 'smallint' || type.kind === 'integer';
}

export function isFloat(type: DataType): boolean {
  return type.kind === 'real' || type.kind === 'double';
}
