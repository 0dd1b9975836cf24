import {
  appended,
  counterRate,
  endOf,
  isSource,
  type JobSample,
  type JobTopology,
  observe,
} from '@tessera/scaling';
import { type ForecastLearned, loadLimit, loadStepMs } from './learned.ts';

/** Records per second that arrived for all sources while these samples were taken, or nothing. */
export function arrivalRate(
  topology: JobTopology,
  samples: readonly JobSample[],
): number | undefined {
  let sum = 0;
  for (const { id } of topology.vertices) {
    if (!isSource(topology, id)) continue;
    const read = counterRate(samples, id, (vertex) => vertex.recordsIn);
    if (read === undefined) return undefined;
    sum += Math.max(0, read + (counterRate(samples, id, (vertex) => vertex.lagRecords) ?? 0));
  }
  return sum;
}

const dayLength = 86_400_000 / loadStepMs;
/** In paces. */
const usually = 2;
const suddenly = 2 / 3;
/** A load that is off by so much within the last samples is on its way to elsewhere. */
const sudden = 0.25;
/** While the two halves of these differ by so much of the larger, it has not come there. */
const unsteady = 0.3;

export interface ArrivalRate {
  /** Records per second: the mean of two paces, or of less when it is changing much. */
  readonly rate: number;
  /** It changes so much just now that what it will come to does not show yet. */
  readonly isMoving: boolean;
}

/** What arrives now. */
export function arrivalRateNow(
  topology: JobTopology,
  samples: readonly JobSample[],
  paceMs: number,
): ArrivalRate | undefined {
  const last = samples.at(-1)?.timeMs ?? 0;
  const since = (paces: number) => samples.filter(({ timeMs }) => timeMs >= last - paces * paceMs);
  const usual = arrivalRate(topology, since(usually));
  const newest = since(suddenly);
  const rate = arrivalRate(topology, newest);
  if (usual === undefined) return undefined;
  if (rate === undefined || Math.abs(rate - usual) <= sudden * usual) {
    return { rate: usual, isMoving: false };
  }
  const late = arrivalRate(topology, since(suddenly / 2));
  const early = arrivalRate(topology, newest.slice(0, Math.ceil(newest.length / 2)));
  const isMoving =
    late !== undefined &&
    early !== undefined &&
    Math.abs(late - early) > unsteady * Math.max(late, early);
  return { rate, isMoving };
}

/** Whether so much arrives that it says something about the job. */
export function isTelling(rate: number, { load }: ForecastLearned): boolean {
  const day = load.values.slice(-dayLength);
  const mean = day.reduce((sum, each) => sum + each, 0) / Math.max(1, day.length);
  return rate > 0.05 * mean;
}

/** Of a step, so much must have been seen: soon after a restart a little noise in a large backlog looks like load. */
const enoughSeenMs = 40_000;

/** Takes in each step of the load that is over, and forecasts from it. */
export function learnLoad(
  topology: JobTopology,
  samples: readonly JobSample[],
  learned: ForecastLearned,
): ForecastLearned {
  const last = samples.at(-1);
  if (last === undefined) return learned;
  const end = Math.floor(last.timeMs / loadStepMs) * loadStepMs;
  const start = end - loadStepMs;
  if (learned.load.values.length > 0 && endOf(learned.load, loadStepMs) >= end) return learned;
  const seen = samples.filter(({ timeMs }) => timeMs > start && timeMs <= end);
  const seenMs = (seen.at(-1)?.timeMs ?? 0) - (seen.at(0)?.timeMs ?? 0);
  const rate = arrivalRate(topology, seen);
  if (rate === undefined || seenMs < enoughSeenMs) return learned;
  const load = appended(learned.load, start, rate, { stepMs: loadStepMs, limit: loadLimit });
  const { state, forecast } = observe(learned.ensemble, load.values);
  return { ...learned, load, ensemble: state, ...forecast };
}
