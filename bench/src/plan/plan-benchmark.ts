import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import {
  instanceOf,
  objectiveOf,
  planCuboids,
  selectCuboids,
  weighCandidates,
} from '@tessera/cube';
import type { Benchmark } from '../benchmark.ts';
import { exactOptimum } from './exact-optimum.ts';
import { type InstanceOptions, randomProblem } from './instances.ts';

const large = { dimensions: 20, queries: 1_000, budget: 0.2, candidates: 4_096 } as const;
/** Twelve dimensions have 4,096 cuboids: the exact optimum is over all of them. */
const small = { dimensions: 12, queries: 40, candidates: 4_097 } as const;
const budgets = [0.02, 0.1, 0.3] as const;

/** How fast the planner is on a large workload, and how far from the optimum on small ones. */
export const planBenchmark: Benchmark = {
  name: 'plan',
  summary: 'the planner: time on 20 dimensions, gap to the optimum on 12: --seeds 3 --seed 1',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string', default: '3' },
        seed: { type: 'string', default: '1' },
      },
    });
    const first = Number(values.seed);
    const seconds = timeLarge(first);
    console.log(`20 dimensions, 1,000 queries: planned in ${seconds.toFixed(2)} s\n`);
    const gaps: GapFigures[] = [];
    for (let seed = first; seed < first + Number(values.seeds); seed++) {
      for (const budget of budgets) gaps.push(await measureGap({ ...small, seed, budget }));
    }
    printGaps(gaps);
    const most = (of: (figures: GapFigures) => number) => Math.max(...gaps.map(of));
    return {
      reach: [
        { id: 'plan-seconds', value: seconds, op: '<=', target: 10, unit: 's' },
        {
          id: 'plan-gap',
          value: most(({ gapPercent }) => gapPercent),
          op: '<=',
          target: 5,
          unit: '%',
          rival: 'integer programming',
          rivalValue: 0,
        },
        {
          id: 'plan-benefit-gap',
          value: most(({ benefitGapPercent }) => benefitGapPercent),
          op: '<=',
          target: 5,
          unit: '%',
          rival: 'integer programming',
          rivalValue: 0,
        },
      ],
      details: { large: { ...large, seed: first, seconds }, small, gaps },
    };
  },
};

/** From the queries to the finished plan, finding the candidates included. */
function timeLarge(seed: number): number {
  const startedMs = performance.now();
  planCuboids(randomProblem({ ...large, seed }));
  return (performance.now() - startedMs) / 1000;
}

interface GapFigures {
  readonly seed: number;
  readonly budget: number;
  readonly candidates: number;
  readonly planMicros: number;
  readonly optimumMicros: number;
  /** How much more the workload costs than it need; how much less is saved than could be. */
  readonly gapPercent: number;
  readonly benefitGapPercent: number;
  readonly planSeconds: number;
  readonly optimumSeconds: number;
}

async function measureGap(options: InstanceOptions): Promise<GapFigures> {
  const problem = randomProblem(options);
  const instance = instanceOf(problem, weighCandidates(problem));
  const startedMs = performance.now();
  const planMicros = objectiveOf(instance, selectCuboids(instance));
  const plannedMs = performance.now();
  const optimumMicros = await exactOptimum(instance);
  const sourceMicros = instance.sourceCosts.reduce((sum, cost) => sum + cost, 0);
  return {
    seed: options.seed,
    budget: options.budget,
    candidates: instance.candidates.length,
    planMicros,
    optimumMicros,
    gapPercent: 100 * Math.max(0, planMicros / optimumMicros - 1),
    benefitGapPercent:
      100 * Math.max(0, (planMicros - optimumMicros) / (sourceMicros - optimumMicros)),
    planSeconds: (plannedMs - startedMs) / 1000,
    optimumSeconds: (performance.now() - plannedMs) / 1000,
  };
}

function printGaps(gaps: readonly GapFigures[]): void {
  const headings = [
    'SEED',
    'BUDGET',
    'CANDIDATES',
    'PLAN s',
    'OPTIMUM s',
    'GAP %',
    'BENEFIT GAP %',
  ];
  const rows = gaps.map((each) => [
    String(each.seed),
    `${each.budget}x`,
    String(each.candidates),
    each.planSeconds.toFixed(2),
    each.optimumSeconds.toFixed(2),
    each.gapPercent.toFixed(3),
    each.benefitGapPercent.toFixed(3),
  ]);
  console.log(formatTable(headings, rows));
}
