/** Planning: which cuboids are worth their bytes for a workload. */
export { parseBudget } from './budget.ts';
export { type CandidateOptions, candidateCuboids } from './candidates.ts';
export { sourceMicros } from './cost-model.ts';
export { partsOfModel } from './parts.ts';
export {
  type CuboidPlan,
  type PlannedCuboid,
  type PlanReason,
  planCuboids,
  planReasons,
} from './plan-cuboids.ts';
export type { PlanProblem } from './plan-problem.ts';
export { mergeQueries, type PlanFilter, type PlanQuery } from './plan-query.ts';
export { selectCuboids } from './select-cuboids.ts';
export {
  bytesOf,
  type Chosen,
  objectiveOf,
  type SelectionCandidate,
  type SelectionInstance,
} from './selection-instance.ts';
export {
  type CuboidSize,
  measureBytesOf,
  type SizeInputs,
  SizeModel,
  type StoredSize,
} from './size-model.ts';
export { sortOrder } from './sort-order.ts';
export { instanceOf, type WeighedCuboid, weighCandidates } from './weigh.ts';
export {
  questionsOfModel,
  storedDimensions,
  type WorkloadContext,
  type WorkloadOfStatement,
  WorkloadReader,
} from './workload.ts';
