import type { DataType } from '@tessera/columnar';
import { childrenOf, type Expr } from '@tessera/sql';
import { layoutRelation } from '../scan-plan.ts';
import { someExpr } from './expressions.ts';

/**
 * 0 and -0 are equal, so rows of both are one group of a cuboid, and which of the two it keeps is chance. Few things can
 * tell them apart: their text, and an angle.
 */
export function tellsZeroSign(expr: Expr): boolean {
  if (expr.kind !== 'call' && expr.kind !== 'cast') return false;
  if (expr.type.kind !== 'text' && !(expr.kind === 'call' && expr.fn === 'atan2')) return false;
  return childrenOf(expr).some(({ type }) => isFloat(type));
}

/** Whether the expression, over a layout's columns, is computed from one that keeps either zero for both. */
export function readsEitherZero(expr: Expr): boolean {
  return someExpr(
    expr,
    (inner) => inner.kind === 'column' && inner.relation === layoutRelation && isFloat(inner.type),
  );
}

const isFloat = ({ kind }: DataType): boolean => kind === 'double' || kind === 'real';
