import {
  simulationSuite as judged,
  type Measures,
  type OraclePlan,
  oraclePlan,
  type Scenario,
  simulate,
} from '@tessera/flink-simulator';
import {
  type Course,
  CourseRecorder,
  type DrawnRun,
  drawnRun,
  over120,
  ratioToOracle,
  type TraceResult,
} from '@tessera/simulation-report';
import { type Contestant, defaults, ours, tunedSettings } from './contestants.ts';
import { type Excess, explainRun } from './excess.ts';

/** What everybody did on one trace and job, one run for each seed. */
export interface EntryFigures extends TraceResult {
  readonly trace: string;
  /** Of ours, where what is beyond the oracle's goes. */
  readonly excess: readonly Excess[];
  /** Slot-hours over the oracle's of the best tuned setting that keeps up as well as the defaults do. */
  readonly tunedRatio: number | undefined;
}

interface Run {
  readonly measures: Measures;
  readonly course: Course;
}

export interface MeasuredBy {
  readonly seeds: readonly number[];
  readonly contestants: readonly Contestant[];
  /** Of those, which are to be drawn. */
  readonly drawn: readonly string[];
}

export function measureEntry(
  entry: judged.SuiteEntry,
  { seeds, contestants, drawn }: MeasuredBy,
): EntryFigures {
  const scenarios = seeds.map((seed) => judged.scenarioOf(entry, seed));
  const plans = scenarios.map(({ job, trace, maxLagMs }) =>
    oraclePlan(job, trace, {
      rescaleCost: judged.rescaleCost,
      segmentSeconds: judged.oracleSegmentSeconds,
      maxLagSeconds: maxLagMs / 1000,
    }),
  );
  const explained = scenarios.map((scenario, i) => {
    const recorder = new CourseRecorder(scenario.job);
    const strategy = ours.create();
    const { oracleSegmentSeconds } = judged;
    const run = explainRun(scenario, plans[i]!, strategy, oracleSegmentSeconds, (moment) =>
      recorder.add(moment),
    );
    return { ...run, course: recorder.course() };
  });
  const runs: Record<string, readonly Run[]> = { [ours.name]: explained };
  for (const contestant of contestants) {
    if (contestant === ours) continue;
    runs[contestant.name] = scenarios.map((scenario, i) => runOf(contestant, scenario, plans[i]!));
  }
  const { name, trace } = entry;
  const measured = Object.entries(runs).map(([who, all]) => [who, all.map((run) => run.measures)]);
  const figures = {
    name,
    trace: trace.name,
    class: trace.class,
    oracle: plans.map(({ slotHours, rescales }) => ({ slotHours, rescales })),
    runs: Object.fromEntries(measured),
    excess: explained.map((run) => run.excess),
  };
  const worst = worstOf(ratioToOracle(figures, ours.name));
  const courses = drawn.map((who) => [who, runs[who]![worst]!.course]);
  const picture: DrawnRun | undefined =
    drawn.length === 0
      ? undefined
      : drawnRun(scenarios[worst]!, plans[worst]!, Object.fromEntries(courses));
  return { ...figures, tunedRatio: tunedRatio(figures), ...(picture && { drawn: picture }) };
}

function runOf({ create }: Contestant, scenario: Scenario, plan: OraclePlan): Run {
  const recorder = new CourseRecorder(scenario.job);
  const measures = simulate(scenario, create(scenario, plan), {
    onMoment: (moment) => recorder.add(moment),
  });
  return { measures, course: recorder.course() };
}

/** Where the largest stands. */
const worstOf = (ratios: readonly number[]): number => ratios.indexOf(Math.max(...ratios));

function tunedRatio(figures: Omit<EntryFigures, 'tunedRatio'>): number | undefined {
  const allowed = over120(figures, defaults.name);
  const ratios = tunedSettings
    .filter(({ name }) => name in figures.runs && over120(figures, name) <= allowed)
    .map(({ name }) => judged.mean(ratioToOracle(figures, name)));
  return ratios.length === 0 ? undefined : Math.min(...ratios);
}
