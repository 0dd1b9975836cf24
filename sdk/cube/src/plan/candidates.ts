import { type CuboidId, dimensionsOf } from '../cuboid.ts';
import type { PlanQuery } from './plan-query.ts';

export interface CandidateOptions {
  /** Each from coarse to fine, by dimension bit. */
  readonly hierarchies: readonly (readonly number[])[];
  /** At most so many cuboids are weighed. */
  readonly limit: number;
}

/**
 * The cuboids worth weighing: what the queries need, and unions of that. Nothing else can be best, since any cuboid
 * might be cut down to the union of what it answers. Coarser levels of a hierarchy come along, because they follow from
 * the finer ones and add no row. Where there are too many unions, those of heavy and small sets are kept, and the
 * union of all always is. Sorted; the same for the same workload.
 */
export function candidateCuboids(
  queries: readonly PlanQuery[],
  { hierarchies, limit }: CandidateOptions,
): CuboidId[] {
  const wanted = heaviest(weightsOf(queries), limit - 1);
  const found = new Map<CuboidId, number>(wanted);
  const all = queries.reduce((union, { cuboid }) => union | cuboid, 0n) as CuboidId;
  if (!found.has(all)) found.set(all, 0);
  for (let newest = wanted; newest.length > 0 && found.size < limit; ) {
    newest = heaviest(unions(newest, wanted, found), limit - found.size);
    for (const [cuboid, weight] of newest) found.set(cuboid, weight);
  }
  for (const [cuboid] of wanted) {
    const closed = withCoarser(cuboid, hierarchies);
    if (found.size < limit && !found.has(closed)) found.set(closed, 0);
  }
  return [...found.keys()].sort((a, b) => (a < b ? -1 : 1));
}

type Weighted = readonly [CuboidId, number];

function weightsOf(queries: readonly PlanQuery[]): Weighted[] {
  const weights = new Map<CuboidId, number>();
  for (const { cuboid, weight } of queries) {
    weights.set(cuboid, (weights.get(cuboid) ?? 0) + weight);
  }
  return [...weights];
}

/** Unions of two sets that are new, with the weight of both. */
function unions(
  some: readonly Weighted[],
  others: readonly Weighted[],
  known: ReadonlyMap<CuboidId, number>,
): Weighted[] {
  const found = new Map<CuboidId, number>();
  for (const [a, weightOfA] of some) {
    for (const [b, weightOfB] of others) {
      const union = (a | b) as CuboidId;
      if (known.has(union)) continue;
      found.set(union, Math.max(found.get(union) ?? 0, weightOfA + weightOfB));
    }
  }
  return [...found];
}

/** Each dimension more is taken to halve what a cuboid is worth. */
function heaviest(sets: readonly Weighted[], count: number): Weighted[] {
  if (sets.length <= count) return [...sets];
  const scored = sets.map((set) => ({
    set,
    score: set[1] * 2 ** -dimensionsOf(set[0]).length,
  }));
  scored.sort((a, b) => b.score - a.score || (a.set[0] < b.set[0] ? -1 : 1));
  return scored.slice(0, Math.max(0, count)).map(({ set }) => set);
}

function withCoarser(cuboid: CuboidId, hierarchies: readonly (readonly number[])[]): CuboidId {
  let closed: bigint = cuboid;
  for (const chain of hierarchies) {
    const finest = chain.findLastIndex((dimension) => (cuboid >> BigInt(dimension)) & 1n);
    for (const dimension of chain.slice(0, finest + 1)) closed |= 1n << BigInt(dimension);
  }
  return closed as CuboidId;
}
