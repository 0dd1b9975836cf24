import { cubeSpecToProto } from '@tessera/client';
import {
  type CuboidPlan,
  candidateCuboids,
  dimensionsOf,
  mergeQueries,
  type PlannedCuboid,
  parseBudget,
  planCuboids,
  planReasons,
  type Segment,
  segmentRanges,
  wantedLayouts,
} from '@tessera/cube';
import { scheduler } from '@tessera/proto';
import type { BuildDependencies } from '../build/build-operation.ts';
import type { ObservedCube } from '../build/observe.ts';
import { readExtent } from '../build/source-extent.ts';
import type { Progress } from '../operations/progress.ts';
import { readWorkload, type Workload } from './read-workload.ts';
import { type SampledSizes, sampleSizes } from './sample-sizes.ts';

/** What a plan is made from besides the cube. */
export type PlanWish = Pick<scheduler.PlanCubeRequest, 'budget' | 'queries' | 'ignoreQueryLog'>;

/** Taken when neither the request nor the cube names one. */
const defaultBudget = '0.2x';
/** All are in the response. */
const maxCandidates = 1_024;

/** Chooses cuboids for a cube and says what each costs and gives. Writes nothing. */
export async function planCube(
  deps: BuildDependencies,
  cube: ObservedCube,
  wish: PlanWish,
  progress: Progress,
  signal: AbortSignal,
): Promise<scheduler.PlanCubeResponse> {
  const { clients, config, clock } = deps;
  const { model, spec, sources } = cube;
  const engine = await deps.engine();
  progress.update({ phase: 'PLAN', step: 'reading the workload', stepsTotal: 3 });
  const { every } = spec.segments;
  const task = { model, sources, every, memoryLimitBytes: config.buildMemoryBytes };
  const extent = await readExtent(engine, task, signal);
  const ranges = segmentRanges(every, extent, model.timeZone);
  const unmatchedRows = unmatchedOf(cube.segments);
  const context = { model, ranges, extent, unmatchedRows };
  const { queries: asked, ignoreQueryLog } = wish;
  const now = clock.now();
  const workload = await readWorkload({
    clients,
    cube,
    context,
    queries: asked,
    ignoreQueryLog,
    now,
  });
  const queries = mergeQueries(workload.queries);
  const { hierarchies } = model;
  const candidates = candidateCuboids(queries, { hierarchies, limit: maxCandidates });
  progress.advance({ step: `sampling ${model.fact.table.table}` });
  const { buildMemoryBytes: memoryLimitBytes } = config;
  const sampled = await sampleSizes(
    { engine, cube, ranges, candidates, queries, memoryLimitBytes },
    signal,
  );
  progress.advance({ step: 'choosing cuboids' });
  const { sizes, cardinalities, source } = sampled;
  const budget = wish.budget || spec.planner?.budget || defaultBudget;
  const budgetBytes = parseBudget(budget, source.bytes);
  const plan = planCuboids({
    queries,
    candidates,
    pinned: [...new Set(wantedLayouts(model, spec).map(({ cuboid }) => cuboid))],
    cardinalities,
    sizeOf: (cuboid) => sizes.sizeOf(cuboid),
    source,
    budgetBytes,
  });
  progress.advance();
  return responseOf(cube, plan, workload, sampled, budgetBytes);
}

/** The dimensions of the cuboids that a plan chose, beside those that the cube keeps anyway. */
export function cuboidsOf(response: scheduler.PlanCubeResponse): string[][] {
  return response.candidates
    .filter(({ reasonCode }) => reasonCode === 'TAKEN')
    .map(({ dimensions }) => [...dimensions]);
}

/** A lookup of which some segment found rows without a partner has such rows. */
function unmatchedOf(segments: readonly Segment[]): Record<string, bigint> {
  const unmatched: Record<string, bigint> = {};
  for (const [alias, rows] of segments.flatMap((segment) =>
    Object.entries(segment.unmatchedRows),
  )) {
    unmatched[alias] = (unmatched[alias] ?? 0n) + rows;
  }
  return unmatched;
}

function responseOf(
  { model, spec }: ObservedCube,
  plan: CuboidPlan,
  workload: Workload,
  { source, sampledRows }: SampledSizes,
  budgetBytes: number,
): scheduler.PlanCubeResponse {
  const nameOf = (dimension: number) => model.dimensions[dimension]!.name;
  const candidates = plan.candidates.map((candidate) => candidateOf(candidate, nameOf));
  const tooLarge = plan.unanswered.map(({ text, weight, cuboid }) => ({
    query: text,
    weight,
    reasonCode: 'OVER_BUDGET',
    reason: `Every cuboid of ${dimensionsOf(cuboid).map(nameOf).join(', ')} is more than the budget; give more bytes or fewer dimensions.`,
  }));
  const response = scheduler.PlanCubeResponse.fromPartial({
    candidates,
    budgetBytes: BigInt(budgetBytes),
    plannedBytes: wholeNumber(plan.plannedBytes),
    sourceBytes: wholeNumber(source.bytes),
    sourceRows: wholeNumber(source.rows),
    sampledRows: wholeNumber(sampledRows),
    workloadMicrosBefore: plan.workloadMicrosBefore,
    workloadMicrosAfter: plan.workloadMicrosAfter,
    refusals: [...workload.refusals, ...tooLarge],
  });
  const { planner: _, ...byHand } = spec;
  const cuboids = [...spec.cuboids, ...cuboidsOf(response)];
  return { ...response, pinned: cubeSpecToProto({ ...byHand, cuboids }) };
}

function candidateOf(
  { order, taken, reason, size, benefitMicros, queryMicros, answeredWeight }: PlannedCuboid,
  nameOf: (dimension: number) => string,
): scheduler.PlanCandidate {
  return {
    dimensions: order.map(nameOf),
    taken,
    reasonCode: reason,
    reason: planReasons[reason],
    rowCount: wholeNumber(size.rows),
    sizeBytes: wholeNumber(size.bytes),
    benefitMicros,
    queryMicros,
    answeredWeight,
  };
}

function wholeNumber(value: number): bigint {
  return BigInt(Math.round(value));
}
