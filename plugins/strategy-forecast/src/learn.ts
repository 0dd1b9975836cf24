import {
  type JobSample,
  observedFlow,
  ofAttempt,
  type ScalingInput,
  usableSamples,
} from '@tessera/scaling';
import { arrivalRate, isTelling, learnLoad } from './learn-load.ts';
import { learnVertices } from './learn-vertices.ts';
import {
  densePaces,
  type ForecastLearned,
  nothingLearned,
  samplesMs,
  sparseMs,
} from './learned.ts';
import { surprise } from './outlook.ts';
import { paceOf } from './pace.ts';

/** Samples of an attempt before anything is decided by them. */
export const fewestSamples = 6;
/** What the load is now is the mean of so many paces. */
export const ratePaces = 2;
/** Observations that what is usual is a mean of. */
const wobbleMemory = 60;
/** What is assumed of it counts as so many. */
const assumedWobbles = 4;

/** What an earlier version has learned, with what it did not know of yet. */
function completed(known: ForecastLearned): ForecastLearned {
  const { errors, forecasts } = nothingLearned.ensemble;
  const { ensemble } = known;
  // Errors say nothing without what they are errors of.
  const isOlder = (ensemble.forecasts as unknown) === undefined;
  return {
    ...nothingLearned,
    ...known,
    ensemble: isOlder ? { ...ensemble, errors, forecasts } : ensemble,
  };
}

/** What is known after the samples of an input, once each pace about vertices. */
export function learn(input: ScalingInput, known: ForecastLearned): ForecastLearned {
  const before = completed(known);
  const { topology, parallelism, runningSinceMs, rescales } = input;
  const fresh = usableSamples(before.samples.at(-1), input.samples);
  if (fresh.length === 0 && before.samples.at(-1)?.runningSinceMs === runningSinceMs) return before;
  const all = [...before.samples, ...fresh];
  const window = thinned(all, before.paceMs);
  const since = all.at(-1)?.runningSinceMs ?? 0;
  const withLoad = learnLoad(topology, ofAttempt(window, since), before);
  const samples = ofAttempt(window, runningSinceMs);
  const paceMs = paceOf(samples, rescales, before.paceMs);
  const firstSinceMs = before.firstSinceMs ?? runningSinceMs;
  const learned = { ...withLoad, samples, paceMs, firstSinceMs };
  const nowMs = samples.at(-1)?.timeMs ?? 0;
  if (nowMs < before.observedMs + paceMs || samples.length < fewestSamples) return learned;
  const latest = (paces: number) =>
    samples.filter(({ timeMs }) => timeMs >= nowMs - paces * paceMs);
  const recent = latest(1);
  const flow = observedFlow(topology, samples);
  const rate = arrivalRate(topology, latest(ratePaces));
  if ('missing' in flow || recent.length < 3 || rate === undefined) return learned;
  if (!isTelling(rate, learned)) return { ...learned, observedMs: nowMs };
  const seen = { topology, parallelism, samples: recent, flow, nowMs, paceMs };
  const off = Math.min(0.5, Math.abs(surprise(learned, { timeMs: nowMs, rate }) ?? 0));
  const memory = Math.min(wobbleMemory, before.wobbleCount + assumedWobbles);
  return {
    ...learned,
    vertices: learnVertices(seen, before.vertices),
    wobble: Math.max(0.02, before.wobble + (off - before.wobble) / memory),
    wobbleCount: before.wobbleCount + 1,
    observedMs: nowMs,
  };
}

/** All of the last paces, of the minutes before them some. */
function thinned(samples: readonly JobSample[], paceMs: number): readonly JobSample[] {
  const nowMs = samples.at(-1)?.timeMs ?? 0;
  let keptMs = Number.NEGATIVE_INFINITY;
  return samples.filter(({ timeMs }) => {
    if (timeMs < nowMs - samplesMs) return false;
    const isNeeded = timeMs >= nowMs - densePaces * paceMs || timeMs >= keptMs + sparseMs;
    if (isNeeded) keptMs = timeMs;
    return isNeeded;
  });
}
