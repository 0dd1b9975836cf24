import type { CuboidId } from '../cuboid.ts';
import type { PlanQuery } from './plan-query.ts';
import type { CuboidSize, StoredSize } from './size-model.ts';

/** What the planner is asked: the queries, what cuboids would be like, and how many bytes there are. */
export interface PlanProblem {
  readonly queries: readonly PlanQuery[];
  readonly candidates: readonly CuboidId[];
  /** Kept whatever the plan says; their bytes count. */
  readonly pinned: readonly CuboidId[];
  /** Distinct values of each dimension, by its bit. */
  readonly cardinalities: readonly number[];
  readonly sizeOf: (cuboid: CuboidId) => CuboidSize;
  readonly source: StoredSize;
  readonly budgetBytes: number;
}
