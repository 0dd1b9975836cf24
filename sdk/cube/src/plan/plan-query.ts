import type { CuboidId } from '../cuboid.ts';

/** What one query block of the workload reads from a cuboid. */
export interface PlanQuery {
  /** The statement, for people. */
  readonly text: string;
  /** The stored dimensions that it groups or filters by. */
  readonly cuboid: CuboidId;
  readonly filters: readonly PlanFilter[];
  /** Set when it reads the companion of an exact distinct count: the count's column. */
  readonly companion?: string;
  /** How often it is asked. */
  readonly weight: number;
}

export interface PlanFilter {
  readonly dimension: number;
  /** Number of values that pass, for `=` and IN; absent: a range or something else. */
  readonly values?: number;
}

/** The part of the rows that is taken to pass a filter which is not a list of values. */
const openShare = 0.3;

/** By dimension: the share of the rows that passes. */
export function filterShares(
  query: PlanQuery,
  cardinalities: readonly number[],
): ReadonlyMap<number, number> {
  const shares = new Map<number, number>();
  for (const { dimension, values } of query.filters) {
    const all = Math.max(1, cardinalities[dimension]!);
    const share = values === undefined ? openShare : Math.min(1, values / all);
    shares.set(dimension, Math.min(share, shares.get(dimension) ?? 1));
  }
  return shares;
}

/** Queries that read the same are one, with the weights added up; in the order in which they first came. */
export function mergeQueries(queries: readonly PlanQuery[]): PlanQuery[] {
  const merged = new Map<string, PlanQuery>();
  for (const query of queries) {
    const filters = query.filters.map(({ dimension, values }) => `${dimension}=${values}`).sort();
    const key = [query.cuboid, query.companion, ...filters].join(' ');
    const known = merged.get(key);
    merged.set(key, known ? { ...known, weight: known.weight + query.weight } : query);
  }
  return [...merged.values()];
}
