import { seededRandom } from '@tessera/base';
import {
  type CuboidId,
  candidateCuboids,
  cuboidOf,
  mergeQueries,
  type PlanProblem,
  type PlanQuery,
  SizeModel,
} from '@tessera/cube';

export interface InstanceOptions {
  readonly seed: number;
  readonly dimensions: number;
  readonly queries: number;
  /** Part of the source's bytes. */
  readonly budget: number;
  /** At most so many candidates; 2 ** dimensions + 1 is all of them. */
  readonly candidates: number;
}

const sourceRows = 10_000_000;
const sourceBytes = 600_000_000;

/**
 * A seeded planning problem: dimensions of 2 to 2,000 values, queries that group or filter by one to five of them (some
 * dimensions much more often than others), and weights that are mostly small.
 */
export function randomProblem(options: InstanceOptions): PlanProblem {
  const { next, integer } = seededRandom(options.seed);
  const cardinalities = Array.from({ length: options.dimensions }, () =>
    Math.ceil(10 ** (0.3 + 3 * next())),
  );
  const asked = Array.from({ length: options.queries }, (_, i): PlanQuery => {
    const used = new Set<number>();
    for (let count = integer(1, 5); used.size < count; ) {
      used.add(Math.floor(next() ** 1.5 * options.dimensions));
    }
    const filters = [...used]
      .filter(() => next() < 0.4)
      .map((dimension) => ({ dimension, ...(next() < 0.7 ? { values: 1 } : {}) }));
    return {
      text: `query ${i}`,
      cuboid: cuboidOf(used),
      filters,
      weight: 1 + Math.floor(10 * next() ** 4),
    };
  });
  const queries = mergeQueries(asked);
  const sizes = new SizeModel({
    sourceRows,
    segmentCount: 12,
    cardinalities,
    measured: new Map(),
    measureBytes: 12,
    counted: new Map(),
  });
  return {
    queries,
    candidates: candidateCuboids(queries, { hierarchies: [], limit: options.candidates }),
    pinned: [],
    cardinalities,
    sizeOf: (cuboid: CuboidId) => sizes.sizeOf(cuboid),
    source: { rows: sourceRows, bytes: sourceBytes },
    budgetBytes: options.budget * sourceBytes,
  };
}
