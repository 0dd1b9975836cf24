import { printExpr } from '@tessera/duckdb';
import type { ColumnExpr, Expr } from '@tessera/sql';

/** The expression as DuckDB SQL over tables named by the aliases of the model. */
export const expressionSql = (expr: Expr): string => printExpr(expr);

/** Columns an expression reads, each once. */
export function columnsOf(expr: Expr): ColumnExpr[] {
  const found = new Map<string, ColumnExpr>();
  const visit = (node: unknown) => {
    if (typeof node !== 'object' || node === null) return;
    const column = node as ColumnExpr;
    if (column.kind === 'column') found.set(`${column.relation}.${column.name}`, column);
    else for (const part of Object.values(node)) visit(part);
  };
  visit(expr);
  return [...found.values()];
}

/** Aliases whose columns an expression reads. */
export function aliasesOf(expr: Expr): string[] {
  return [...new Set(columnsOf(expr).map((column) => column.relation))];
}
