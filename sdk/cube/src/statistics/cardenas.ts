/**
 * How many of `cells` equally likely combinations occur among `rows` random rows (Cardenas, 1975):
 * `cells · (1 − (1 − 1/cells)^rows)`. An estimate: it decides which cuboids are worth their bytes, never what an answer is.
 */
export function cardenas(cells: number, rows: number): number {
  if (cells <= 0 || rows <= 0) return 0;
  if (cells === 1) return 1;
  if (!Number.isFinite(cells)) return rows;
  // log1p and expm1 keep the digits that 1 − 1/cells loses for many cells.
  const occurring = -cells * Math.expm1(rows * Math.log1p(-1 / cells));
  return Math.min(occurring, cells, rows);
}
