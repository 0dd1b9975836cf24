/**
 * What is simulated and how it is judged: which traces on which jobs, which seeds to tune on and which to
 * be judged by, what a rescale costs the oracle, and how figures are brought together. All of it is here,
 * so that a change of the yardstick shows.
 */
import { drawImperfections, drawJob } from './draw-job.ts';
import type { SimulatedJob } from './job.ts';
import * as jobs from './jobs.ts';
import type { Scenario } from './simulate.ts';
import { fewestSubtasks } from './sizing.ts';
import * as traces from './traces.ts';

export interface SuiteEntry {
  readonly name: string;
  readonly trace: traces.TraceKind;
  readonly job: SimulatedJob;
  readonly crashesPerDay?: number;
}

const entry = (trace: traces.TraceKind, job: SimulatedJob = jobs.pipeline): SuiteEntry => ({
  name: job === jobs.pipeline ? trace.name : `${trace.name} ${job.name}`,
  trace,
  job,
});

export const suite: readonly SuiteEntry[] = [
  entry(traces.diurnal),
  entry(traces.weekly),
  entry(traces.diurnalSpikes),
  entry(traces.steps),
  entry(traces.ramp),
  entry(traces.flatNoisy),
  entry(traces.randomWalk),
  entry(traces.cosineHour),
  entry(traces.randomLevels),
  entry(traces.rounds),
  entry(traces.twoRates),
  entry(traces.doublePeak),
  entry(traces.backlog),
  entry(traces.idleBurst),
  entry(traces.diurnal, jobs.pipelineInPlace),
  entry(traces.steps, jobs.pipelineInPlace),
  entry(traces.diurnal, jobs.q3),
  entry(traces.randomWalk, jobs.q5),
  entry(traces.ramp, jobs.wordcount),
  entry(traces.diurnal, jobs.diamond),
  entry(traces.diurnal, jobs.largeState),
  entry(traces.diurnal, jobs.hotKey),
  entry(traces.flatNoisy, jobs.ioBound),
  { ...entry(traces.diurnal), name: 'diurnal crashes', crashesPerDay: 1 },
];

export const trainingSeeds: readonly number[] = [1, 2, 3, 4, 5];
export const testSeeds: readonly number[] = Array.from({ length: 20 }, (_, i) => 101 + i);

export type SeedKind = 'training' | 'test' | 'other';

export function kindOfSeed(seed: number): SeedKind {
  if (trainingSeeds.includes(seed)) return 'training';
  return testSeeds.includes(seed) ? 'test' : 'other';
}

export const days = 3;
export const maxLagMs = 120_000;
/** Of the oracle, in slot-hours. */
export const rescaleCost = 1;
export const oracleSegmentSeconds = 300;
/** Slot-hours over the oracle's that may be needed at most. */
export const oracleReach: Readonly<Record<traces.TraceClass, number>> = {
  predictable: 1.1,
  unpredictable: 1.2,
};

/** From wrong sizes to right ones, at a constant load. */
export const convergenceJobs: readonly SimulatedJob[] = [
  jobs.q1,
  jobs.q3,
  jobs.q5,
  jobs.q11,
  jobs.wordcount,
];

export function scenarioOf(
  { trace, job, crashesPerDay = 0 }: Omit<SuiteEntry, 'name'>,
  seed: number,
  length = days,
): Scenario {
  const drawn = drawJob(job, seed);
  const load = trace.draw(seed, length);
  const atStart = load.load.subarray(load.startTick, load.startTick + 60);
  const level = atStart.reduce((sum, each) => sum + each, 0) / atStart.length;
  return {
    seed,
    trace: load,
    job: drawn,
    imperfections: drawImperfections(seed),
    initial: fewestSubtasks(drawn, level * 1.3),
    maxLagMs,
    crashes: { perDay: crashesPerDay, downSeconds: 30 },
  };
}

/** Geometric mean over entries of the mean over seeds of what was measured against what it is held to. */
export function suiteRatio(entries: readonly (readonly number[])[]): number {
  const logs = entries.map((seeds) => Math.log(mean(seeds)));
  return Math.exp(mean(logs));
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;
