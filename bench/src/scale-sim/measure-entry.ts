import {
  simulationSuite as judged,
  type Measures,
  oraclePlan,
  simulate,
} from '@tessera/testkit/flink-simulator';
import { type Contestant, defaults, ours, tunedSettings } from './contestants.ts';
import { type Excess, explainRun } from './excess.ts';

/** What everybody did on one trace and job, one run for each seed. */
export interface EntryFigures {
  readonly name: string;
  readonly trace: string;
  readonly class: string;
  readonly oracle: readonly { readonly slotHours: number; readonly rescales: number }[];
  readonly runs: Readonly<Record<string, readonly Measures[]>>;
  /** Of ours, where what is beyond the oracle's goes. */
  readonly excess: readonly Excess[];
  /** Slot-hours over the oracle's of the best tuned setting that keeps up as well as the defaults do. */
  readonly tunedRatio: number | undefined;
}

export function measureEntry(
  entry: judged.SuiteEntry,
  seeds: readonly number[],
  contestants: readonly Contestant[],
): EntryFigures {
  const scenarios = seeds.map((seed) => judged.scenarioOf(entry, seed));
  const plans = scenarios.map(({ job, trace, maxLagMs }) =>
    oraclePlan(job, trace, {
      rescaleCost: judged.rescaleCost,
      segmentSeconds: judged.oracleSegmentSeconds,
      maxLagSeconds: maxLagMs / 1000,
    }),
  );
  const explained = scenarios.map((scenario, i) =>
    explainRun(scenario, plans[i]!, ours.create(), judged.oracleSegmentSeconds),
  );
  const others = contestants
    .filter((each) => each !== ours)
    .map(({ name, create }) => [
      name,
      scenarios.map((scenario, i) => simulate(scenario, create(scenario, plans[i]!))),
    ]);
  const runs: EntryFigures['runs'] = {
    [ours.name]: explained.map(({ measures }) => measures),
    ...Object.fromEntries(others),
  };
  const oracle = plans.map(({ slotHours, rescales }) => ({ slotHours, rescales }));
  const excess = explained.map((run) => run.excess);
  const { name, trace } = entry;
  const figures = { name, trace: trace.name, class: trace.class, oracle, runs, excess };
  return { ...figures, tunedRatio: tunedRatio(figures) };
}

export function ratioToOracle(
  { runs, oracle }: Pick<EntryFigures, 'runs' | 'oracle'>,
  name: string,
): readonly number[] {
  return runs[name]!.map((run, i) => run.slotHours / oracle[i]!.slotHours);
}

/** Percent of the time over 120 s of lag, the mean over seeds. */
export const over120 = ({ runs }: Pick<EntryFigures, 'runs'>, name: string): number =>
  judged.mean(runs[name]!.map((run) => run.over120));

function tunedRatio(figures: Omit<EntryFigures, 'tunedRatio'>): number | undefined {
  const allowed = over120(figures, defaults.name);
  const ratios = tunedSettings
    .filter(({ name }) => name in figures.runs && over120(figures, name) <= allowed)
    .map(({ name }) => judged.mean(ratioToOracle(figures, name)));
  return ratios.length === 0 ? undefined : Math.min(...ratios);
}
