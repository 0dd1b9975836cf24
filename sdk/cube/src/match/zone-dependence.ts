import { childrenOf, type Expr } from '@tessera/sql';
import { someExpr } from './expressions.ts';

/** Functions that take a timestamptz as the instant that it is. */
const ofInstants: ReadonlySet<string> = new Set([
  ...['=', '<>', '<', '<=', '>', '>=', 'between', 'in', 'is_distinct'],
  ...['is_null', 'is_not_null', 'coalesce', 'nullif', 'greatest', 'least'],
]);

/** Whether the value may be another in a session with another time zone. Errs on the side of yes. */
export function dependsOnZone(expr: Expr): boolean {
  return someExpr(expr, (inner) => {
    if (inner.kind === 'subquery') return true;
    if (inner.kind !== 'call' && inner.kind !== 'cast') return false;
    const operands = childrenOf(inner).filter((e) => e.kind !== 'literal' || e.value !== null);
    const zoned = operands.filter(({ type }) => type.kind === 'timestamptz').length;
    if (inner.kind === 'cast') return zoned > 0 !== (inner.type.kind === 'timestamptz');
    if (zoned === 0) return inner.type.kind === 'timestamptz' && inner.fn !== 'timezone';
    return inner.fn === 'timezone' ? false : !ofInstants.has(inner.fn) || zoned < operands.length;
  });
}
