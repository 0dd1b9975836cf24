import { answers, type CuboidId } from '../cuboid.ts';
import { scanMicros, sourceMicros, upkeepMicros } from './cost-model.ts';
import type { PlanProblem } from './plan-problem.ts';
import { filterShares } from './plan-query.ts';
import type { SelectionCandidate, SelectionInstance } from './selection-instance.ts';
import type { CuboidSize } from './size-model.ts';
import { sortOrder, visitedShare } from './sort-order.ts';

/** A cuboid with what it would take and give. */
export interface WeighedCuboid {
  readonly cuboid: CuboidId;
  readonly pinned: boolean;
  /** Its dimensions in the order in which its rows are sorted. */
  readonly order: readonly number[];
  readonly size: CuboidSize;
  /** Positions of the queries that it can answer, and the predicted micros of one of each. */
  readonly queries: readonly number[];
  readonly micros: readonly number[];
}

/** Every candidate once, and the pinned cuboids among them. */
export function weighCandidates(problem: PlanProblem): WeighedCuboid[] {
  const { queries, cardinalities, sizeOf } = problem;
  const shares = queries.map((query) => filterShares(query, cardinalities));
  const pinned = new Set(problem.pinned);
  return [...new Set([...problem.pinned, ...problem.candidates])].map((cuboid) => {
    const own = queries.flatMap((query, i) => (answers(cuboid, query.cuboid) ? [i] : []));
    const sorted = own.map((i) => ({ weight: queries[i]!.weight, shares: shares[i]! }));
    const order = sortOrder(cuboid, sorted, cardinalities);
    const size = sizeOf(cuboid);
    const micros = own.map((i) => {
      const { companion } = queries[i]!;
      const layout = companion === undefined ? undefined : size.companions.get(companion);
      return scanMicros(layout ?? size.rowsLayout, visitedShare(order, shares[i]!));
    });
    return { cuboid, pinned: pinned.has(cuboid), order, size, queries: own, micros };
  });
}

/** The numbers that choosing works on; queries and candidates keep their positions. */
export function instanceOf(
  { queries, source, budgetBytes }: PlanProblem,
  weighed: readonly WeighedCuboid[],
): SelectionInstance {
  const onSource = sourceMicros(source);
  const weight = queries.reduce((sum, query) => sum + query.weight, 0);
  const weights = queries.map((query) => query.weight);
  return {
    budgetBytes,
    sourceCosts: Float64Array.from(weights, (each) => each * onSource),
    candidates: weighed.map((each) => candidateOf(each, weights, onSource, weight)),
  };
}

function candidateOf(
  { size, pinned, queries, micros }: WeighedCuboid,
  weights: readonly number[],
  onSource: number,
  totalWeight: number,
): SelectionCandidate {
  const cheaper = micros.flatMap((each, i) => (each < onSource ? [i] : []));
  return {
    bytes: size.bytes,
    upkeep: upkeepMicros(size, totalWeight),
    pinned,
    queries: Int32Array.from(cheaper, (i) => queries[i]!),
    costs: Float64Array.from(cheaper, (i) => weights[queries[i]!]! * micros[i]!),
  };
}
