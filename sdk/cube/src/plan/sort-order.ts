import { type CuboidId, dimensionsOf } from '../cuboid.ts';

/** A query that a cuboid answers, as far as sorting goes: its weight and the share that passes, by dimension filtered. */
export interface SortedQuery {
  readonly weight: number;
  readonly shares: ReadonlyMap<number, number>;
}

/**
 * The order in which the rows of a cuboid are sorted. Each next dimension is the one that cuts the most for the queries that
 * filter by all dimensions before it, since only they still read rows that lie together; then come those with the
 * fewest values, which makes the longest runs.
 */
export function sortOrder(
  cuboid: CuboidId,
  queries: readonly SortedQuery[],
  cardinalities: readonly number[],
): number[] {
  const rest = dimensionsOf(cuboid).sort((a, b) => cardinalities[a]! - cardinalities[b]! || a - b);
  const order: number[] = [];
  let alive = queries.map(({ weight, shares }) => ({ weight, shares }));
  while (rest.length > 0 && alive.length > 0) {
    const saved = rest.map((dimension) => savedBy(dimension, alive));
    const best = saved.indexOf(Math.max(...saved));
    if (saved[best]! <= 0) break;
    const [dimension] = rest.splice(best, 1) as [number];
    order.push(dimension);
    alive = alive.flatMap(({ weight, shares }) => {
      const share = shares.get(dimension);
      return share === undefined ? [] : [{ weight: weight * share, shares }];
    });
  }
  return [...order, ...rest];
}

function savedBy(dimension: number, queries: readonly SortedQuery[]): number {
  let saved = 0;
  for (const { weight, shares } of queries) saved += weight * (1 - (shares.get(dimension) ?? 1));
  return saved;
}

/** The share of a cuboid's rows that a query visits: what its filters on the first dimensions of the order leave. */
export function visitedShare(
  order: readonly number[],
  shares: ReadonlyMap<number, number>,
): number {
  let visited = 1;
  for (const dimension of order) {
    const share = shares.get(dimension);
    if (share === undefined) return visited;
    visited *= share;
  }
  return visited;
}
