import { type CuboidId, dimensionsOf } from '../cuboid.ts';
import type { Model } from '../model.ts';

/**
 * Estimates of how many rows a cuboid has. They decide which cuboids are worth their bytes and which relation is
 * the cheapest parent, never what an answer is.
 */

/**
 * How many of `cells` equally likely combinations occur among `rows` random rows (Cardenas, 1975):
 * `cells · (1 − (1 − 1/cells)^rows)`.
 */
export function cardenas(cells: number, rows: number): number {
  if (cells <= 0 || rows <= 0) return 0;
  if (cells === 1) return 1;
  if (!Number.isFinite(cells)) return rows;
  // log1p and expm1 keep the digits that 1 − 1/cells loses for many cells.
  const occurring = -cells * Math.expm1(rows * Math.log1p(-1 / cells));
  return Math.min(occurring, cells, rows);
}

/** How often combinations occur in a sample: pairs of (occurrences, how many combinations occur so often). */
export type Frequencies = readonly (readonly [occurrences: number, combinations: number])[];

/**
 * The number of distinct combinations in `rowCount` rows, from a random sample of them (the estimator of Haas and
 * Stokes that PostgreSQL's ANALYZE uses): `n·d / (n − f₁ + f₁·n/N)`, with d combinations in n sampled rows,
 * f₁ of them once. Exact when everything was sampled; never below what was seen nor above `rowCount`.
 */
export function distinctFromSample(
  frequencies: Frequencies,
  sampledRows: number,
  rowCount: number,
): number {
  const seen = frequencies.reduce((sum, [, combinations]) => sum + combinations, 0);
  if (sampledRows <= 0 || seen === 0) return 0;
  const once = frequencies.reduce(
    (sum, [n, combinations]) => (n === 1 ? sum + combinations : sum),
    0,
  );
  const share = sampledRows / Math.max(rowCount, sampledRows);
  const estimate = (sampledRows * seen) / (sampledRows - once + once * share);
  return Math.max(seen, Math.min(estimate, rowCount));
}

/** What is known of the data: rows, and distinct values per dimension (by position) and per sampled cuboid. */
export interface DataStatistics {
  readonly rowCount: number;
  /** By position of the dimension; absent: unknown. */
  readonly distinctValues: ReadonlyMap<number, number>;
  /** By cuboid, where combinations were sampled themselves. */
  readonly distinctCombinations?: ReadonlyMap<CuboidId, number>;
}

/** Distinct values that an unknown dimension is thought to have. */
const unknownDistinctValues = 1_000;

/**
 * Estimated rows of a cuboid: as sampled, else as if its dimensions were independent, but for hierarchies: a
 * coarser member adds no rows where a finer one is kept.
 */
export function cuboidRows(model: Model, cuboid: CuboidId, statistics: DataStatistics): number {
  const sampled = statistics.distinctCombinations?.get(cuboid);
  if (sampled !== undefined) return sampled;
  const implied = new Set(model.hierarchies.flatMap((chain) => impliedBy(chain, cuboid)));
  const cells = dimensionsOf(cuboid)
    .filter((dimension) => !implied.has(dimension))
    .map((dimension) =>
      Math.max(1, statistics.distinctValues.get(dimension) ?? unknownDistinctValues),
    )
    .reduce((product, values) => product * values, 1);
  return Math.ceil(cardenas(cells, statistics.rowCount));
}

/** Members of a hierarchy that are kept together with a finer one. */
function impliedBy(chain: readonly number[], cuboid: CuboidId): number[] {
  const kept = chain.filter((dimension) => ((cuboid >> BigInt(dimension)) & 1n) === 1n);
  return kept.slice(0, -1);
}
