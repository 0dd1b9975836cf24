import { nativeScanSql, printExpr, quoteName } from '@tessera/duckdb';
import type { NativeLocation, TableScan } from '@tessera/plugin';
import type { Expr } from '@tessera/sql';

/** Predicates that need nothing but the row: no parameter, subquery, aggregate or window. */
export function isTakenOver(predicate: Expr): boolean {
  return kindsOf(predicate).every((kind) => rowKinds.has(kind));
}

const rowKinds = new Set(['literal', 'column', 'call', 'cast', 'case']);

function kindsOf(node: unknown): string[] {
  if (Array.isArray(node)) return node.flatMap(kindsOf);
  if (typeof node !== 'object' || node === null) return [];
  const { kind, type, ...rest } = node as { kind?: unknown; type?: unknown };
  const own = typeof kind === 'string' && type !== undefined ? [kind] : [];
  return kind === 'literal' ? own : [...own, ...Object.values(rest).flatMap(kindsOf)];
}

/** SELECT of the scan's columns where its predicates hold. */
export function filteredScanSql(location: NativeLocation, scan: TableScan): string {
  if (scan.predicates.length === 0) return nativeScanSql(location, scan.columns);
  const items = scan.columns.map(quoteName).join(', ') || '1 AS "one"';
  const conditions = scan.predicates.map((predicate) =>
    printExpr(predicate, (_, name) => quoteName(name)),
  );
  const where = conditions.map((condition) => `(${condition})`).join(' AND ');
  return `SELECT ${items} FROM (${nativeScanSql(location)}) WHERE ${where}`;
}
