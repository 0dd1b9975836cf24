import type { CuboidId } from '../cuboid.ts';
import type { PlanProblem } from './plan-problem.ts';
import type { PlanQuery } from './plan-query.ts';
import { selectCuboids } from './select-cuboids.ts';
import {
  assign,
  bytesOf,
  type Chosen,
  gainOf,
  objectiveOf,
  type SelectionInstance,
  savedBy,
} from './selection-instance.ts';
import type { CuboidSize } from './size-model.ts';
import { instanceOf, type WeighedCuboid, weighCandidates } from './weigh.ts';

/** Why a cuboid was taken or not, with what that means. Codes are never renamed. */
export const planReasons = {
  PINNED: 'The cube keeps it whatever the plan says.',
  TAKEN: 'It saves more than any other use of its bytes that was found.',
  OVER_BUDGET: 'It would save time, but is more than the budget has beside what saves more.',
  DOMINATED: 'What is kept answers all of its queries as fast.',
  NO_BENEFIT: 'It saves less than its builds cost.',
} as const;

export type PlanReason = keyof typeof planReasons;

export interface PlannedCuboid {
  readonly cuboid: CuboidId;
  /** Its dimensions in the order in which its rows are sorted. */
  readonly order: readonly number[];
  readonly taken: boolean;
  readonly reason: PlanReason;
  readonly size: CuboidSize;
  /** Weighted micros saved beyond what was chosen before it, or beyond all that is kept when it is not; never negative. */
  readonly benefitMicros: number;
  /** Predicted mean of the queries that it can answer; 0 when there are none. */
  readonly queryMicros: number;
  readonly answeredWeight: number;
}

export interface CuboidPlan {
  /** Those that are kept in the order of their worth, then the others by what they would have saved. */
  readonly candidates: readonly PlannedCuboid[];
  readonly plannedBytes: number;
  /** Weighted micros of the workload on the source alone, and with what is kept. */
  readonly workloadMicrosBefore: number;
  readonly workloadMicrosAfter: number;
  /** What was made least: `workloadMicrosAfter` and the upkeep of what is kept. */
  readonly objectiveMicros: number;
  /** Queries that no cuboid within the budget can answer. */
  readonly unanswered: readonly PlanQuery[];
}

/** Chooses cuboids. Pure and deterministic: the same problem has the same plan everywhere. */
export function planCuboids(problem: PlanProblem): CuboidPlan {
  const weighed = weighCandidates(problem);
  const instance = instanceOf(problem, weighed);
  const chosen = selectCuboids(instance);
  const { first } = assign(instance, chosen);
  return {
    candidates: [
      ...keptInOrder(problem, instance, weighed, chosen),
      ...leftOut(problem, instance, weighed, chosen),
    ],
    plannedBytes: bytesOf(instance, chosen),
    workloadMicrosBefore: total(instance.sourceCosts),
    workloadMicrosAfter: total(first),
    objectiveMicros: objectiveOf(instance, chosen),
    unanswered: unansweredOf(problem, instance, weighed),
  };
}

/** What is pinned comes first; then always the one that saves the most beyond those before it. */
function keptInOrder(
  problem: PlanProblem,
  instance: SelectionInstance,
  weighed: readonly WeighedCuboid[],
  chosen: Chosen,
): PlannedCuboid[] {
  const ordered: PlannedCuboid[] = [];
  const before: number[] = [];
  const rest = new Set(chosen);
  while (rest.size > 0) {
    const { first } = assign(instance, before);
    const worth = (position: number) => savedBy(instance.candidates[position]!, first);
    const isPinned = (position: number) => Number(weighed[position]!.pinned);
    const next = [...rest].reduce((a, b) =>
      (isPinned(b) - isPinned(a) || worth(b) - worth(a)) > 0 ? b : a,
    );
    const { pinned } = weighed[next]!;
    const benefitMicros = worth(next);
    const reason = pinned ? 'PINNED' : 'TAKEN';
    ordered.push(planned(problem, weighed[next]!, { taken: true, reason, benefitMicros }));
    before.push(next);
    rest.delete(next);
  }
  return ordered;
}

function leftOut(
  problem: PlanProblem,
  instance: SelectionInstance,
  weighed: readonly WeighedCuboid[],
  chosen: Chosen,
): PlannedCuboid[] {
  const { first } = assign(instance, chosen);
  const kept = new Set(chosen);
  return weighed
    .flatMap((each, position) => {
      if (kept.has(position)) return [];
      const benefitMicros = savedBy(instance.candidates[position]!, first);
      const gain = gainOf(instance.candidates[position]!, first);
      const reason = benefitMicros <= 0 ? 'DOMINATED' : gain <= 0 ? 'NO_BENEFIT' : 'OVER_BUDGET';
      return [planned(problem, each, { taken: false, reason, benefitMicros })];
    })
    .sort((a, b) => b.benefitMicros - a.benefitMicros || (a.cuboid < b.cuboid ? -1 : 1));
}

function planned(
  { queries }: PlanProblem,
  weighed: WeighedCuboid,
  outcome: Pick<PlannedCuboid, 'taken' | 'reason' | 'benefitMicros'>,
): PlannedCuboid {
  const weights = weighed.queries.map((query) => queries[query]!.weight);
  const answeredWeight = weights.reduce((sum, weight) => sum + weight, 0);
  const micros = weighed.micros.reduce((sum, each, i) => sum + each * weights[i]!, 0);
  return {
    cuboid: weighed.cuboid,
    order: weighed.order,
    size: weighed.size,
    answeredWeight,
    queryMicros: answeredWeight === 0 ? 0 : micros / answeredWeight,
    ...outcome,
  };
}

function unansweredOf(
  { queries, budgetBytes }: PlanProblem,
  instance: SelectionInstance,
  weighed: readonly WeighedCuboid[],
): PlanQuery[] {
  const answered = new Set(
    weighed.flatMap((each, position) => {
      const { bytes, pinned } = instance.candidates[position]!;
      return pinned || bytes <= budgetBytes ? each.queries : [];
    }),
  );
  return queries.filter((_, i) => !answered.has(i));
}

function total(costs: Float64Array): number {
  return costs.reduce((sum, cost) => sum + cost, 0);
}
