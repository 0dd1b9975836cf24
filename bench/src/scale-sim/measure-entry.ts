import {
  simulationSuite as judged,
  type Measures,
  oraclePlan,
  simulate,
} from '@tessera/testkit/flink-simulator';
import { type Contestant, defaults, tunedSettings } from './contestants.ts';

/** What everybody did on one trace and job, one run for each seed. */
export interface EntryFigures {
  readonly name: string;
  readonly trace: string;
  readonly class: string;
  readonly oracle: readonly { readonly slotHours: number; readonly rescales: number }[];
  readonly runs: Readonly<Record<string, readonly Measures[]>>;
  /** Slot-hours over the oracle's of the best tuned setting that keeps up as well as the defaults do. */
  readonly tunedRatio: number | undefined;
}

export function measureEntry(
  entry: judged.SuiteEntry,
  seeds: readonly number[],
  contestants: readonly Contestant[],
): EntryFigures {
  const scenarios = seeds.map((seed) => judged.scenarioOf(entry, seed));
  const oracle = scenarios.map(({ job, trace, maxLagMs }) => {
    const { slotHours, rescales } = oraclePlan(job, trace, {
      rescaleCost: judged.rescaleCost,
      segmentSeconds: judged.oracleSegmentSeconds,
      maxLagSeconds: maxLagMs / 1000,
    });
    return { slotHours, rescales };
  });
  const runs = Object.fromEntries(
    contestants.map(({ name, create }) => [
      name,
      scenarios.map((scenario) => simulate(scenario, create())),
    ]),
  );
  const { name, trace } = entry;
  const figures = { name, trace: trace.name, class: trace.class, oracle, runs };
  return { ...figures, tunedRatio: tunedRatio(figures) };
}

export function ratioToOracle(
  { runs, oracle }: Pick<EntryFigures, 'runs' | 'oracle'>,
  name: string,
): readonly number[] {
  return runs[name]!.map((run, i) => run.slotHours / oracle[i]!.slotHours);
}

function tunedRatio(figures: Omit<EntryFigures, 'tunedRatio'>): number | undefined {
  const late = (name: string) => judged.mean(figures.runs[name]!.map(({ over120 }) => over120));
  const allowed = late(defaults.name);
  const ratios = tunedSettings
    .filter(({ name }) => name in figures.runs && late(name) <= allowed)
    .map(({ name }) => judged.mean(ratioToOracle(figures, name)));
  return ratios.length === 0 ? undefined : Math.min(...ratios);
}
