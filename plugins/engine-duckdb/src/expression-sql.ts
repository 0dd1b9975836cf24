import { duckdbType, quoteName, quoteText } from '@tessera/duckdb';
import type { ColumnExpr, Expr } from '@tessera/sql';

/** The expression as DuckDB SQL over tables named by the aliases of the model. */
export function expressionSql(expr: Expr): string {
  switch (expr.kind) {
    case 'column':
      return `${quoteName(expr.relation)}.${quoteName(expr.name)}`;
    case 'literal': {
      const v = expr.value;
      if (v === null) return `NULL::${duckdbType(expr.type)}`;
      if (expr.type.kind === 'date') return `(DATE '1970-01-01' + ${v})`;
      if (expr.type.kind === 'timestamp') return `make_timestamp(${v})`;
      return typeof v === 'string' ? quoteText(v) : String(v);
    }
    case 'call':
      if (expr.fn === 'is_null') return `(${expressionSql(expr.args[0]!)} IS NULL)`;
      if (expr.fn === 'not') return `(NOT ${expressionSql(expr.args[0]!)})`;
      return `(${expr.args.map(expressionSql).join(` ${expr.fn} `)})`;
    case 'cast':
      return `CAST(${expressionSql(expr.arg)} AS ${duckdbType(expr.type)})`;
    default:
      throw new Error(`cannot print ${expr.kind}`);
  }
}

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
