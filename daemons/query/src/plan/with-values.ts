import { type Expr, type ParameterValues, transformExpr } from '@tessera/sql';

/** The expression with each parameter replaced by its value; also inside subqueries. */
export function withValues(expr: Expr, parameters: ParameterValues): Expr {
  return transformExpr(
    expr,
    (part) =>
      part.kind === 'parameter'
        ? { kind: 'literal', type: part.type, value: parameters[part.index] ?? null }
        : undefined,
    { queries: true },
  );
}
