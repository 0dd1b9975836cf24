/** What a report is made of: plain figures of simulated runs. */
import {
  simulationSuite as judged,
  type Measures,
  type OraclePlan,
  type TraceClass,
} from '@tessera/flink-simulator';
import type { DrawnRun } from './course.ts';

/** What everybody did on one trace and job; runs and the oracle's figures stand in the order of the seeds. */
export interface TraceResult {
  readonly name: string;
  readonly class: TraceClass;
  readonly oracle: readonly Pick<OraclePlan, 'slotHours' | 'rescales'>[];
  readonly runs: Readonly<Record<string, readonly Measures[]>>;
  /** One of the runs over time. */
  readonly drawn?: DrawnRun;
}

export interface SimulationResults {
  readonly seeds: readonly number[];
  /** In the order in which they are shown. The first is the one that is judged. */
  readonly strategies: readonly string[];
  /** Whose lag the judged one may not exceed on any trace. */
  readonly baseline?: string;
  readonly traces: readonly TraceResult[];
}

/** Slot-hours over those of the oracle, for each seed. */
export function ratioToOracle(
  { runs, oracle }: Pick<TraceResult, 'runs' | 'oracle'>,
  strategy: string,
): readonly number[] {
  return runs[strategy]!.map((run, i) => run.slotHours / oracle[i]!.slotHours);
}

/** Percent of the time over 120 s of lag, the mean over seeds. */
export const over120 = (result: Pick<TraceResult, 'runs'>, strategy: string): number =>
  meanOf(result, strategy, (run) => run.over120);

export const meanOf = (
  { runs }: Pick<TraceResult, 'runs'>,
  strategy: string,
  of: (run: Measures) => number,
): number => judged.mean(runs[strategy]!.map(of));

/** Of one trace and strategy, the means over seeds; for all traces, see `judged.suiteRatio`. */
export interface Figures {
  readonly slotHours: number;
  readonly ratio: number;
  readonly over120: number;
  readonly rescalesPerDay: number;
  /** Changes of direction of a vertex within an hour. */
  readonly reversalsPerDay: number;
  /** The worst of all seeds. */
  readonly maxLagSeconds: number;
}

export function figuresOf(result: TraceResult, strategy: string): Figures {
  return {
    slotHours: meanOf(result, strategy, (run) => run.slotHours),
    ratio: judged.mean(ratioToOracle(result, strategy)),
    over120: over120(result, strategy),
    rescalesPerDay: meanOf(result, strategy, (run) => run.rescales / run.days),
    reversalsPerDay: meanOf(result, strategy, (run) => run.thrash / run.days),
    maxLagSeconds: Math.max(...result.runs[strategy]!.map((run) => run.maxLagSeconds)),
  };
}
