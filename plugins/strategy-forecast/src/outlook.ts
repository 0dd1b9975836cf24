import {
  assumedBands,
  assumedDeviation,
  type ForecastBand,
  fewestErrors,
  persistence,
} from '@tessera/scaling';
import { type ForecastLearned, loadStepMs } from './learned.ts';

/** A course that the load may take, in steps from now on, and how likely something like it is. */
export interface Course {
  readonly quantile: number;
  readonly weight: number;
  readonly load: Float64Array;
}

/** How much each quantile's course counts. */
const weights: Readonly<Record<number, number>> = { 0.5: 0.5, 0.8: 0.3, 0.95: 0.2 };
/** Standard deviation of the logarithm that is assumed for each usual difference. */
const deviationsOfWobble = 1.5;

/** Minutes in which the difference between the load now and its forecast for now fades. */
const fadeMinutes = 45;

/** A load that is more by less than this may be the same. */
const risingBy = 0.25;

export interface Reach {
  readonly stepMs: number;
  readonly horizonMs: number;
  /** How long a change must do without another. */
  readonly lastingMs: number;
}

/**
 * Courses of the load over a horizon: the forecast, shifted to where the load is now, and widened by how wrong
 * forecasts have been.
 */
export function coursesOf(
  learned: ForecastLearned,
  now: { readonly timeMs: number; readonly rate: number },
  { stepMs, horizonMs, lastingMs }: Reach,
): readonly Course[] {
  const steps = Math.ceil(horizonMs / stepMs);
  const middle = new Float64Array(steps);
  const expected = expectedAt(learned, now.timeMs) ?? now.rate;
  const seen = expected > 0 ? now.rate / expected - 1 : 0;
  const difference = believed(seen, learned.wobble) * persistence(learned.ensemble.errors);
  for (let step = 0; step < steps; step++) {
    const aheadMs = (step + 0.5) * stepMs;
    const forecast = expectedAt(learned, now.timeMs + aheadMs) ?? now.rate;
    middle[step] = forecast * (1 + difference * Math.exp(-aheadMs / (fadeMinutes * 60_000)));
  }
  const rise = riseOf(learned, now, lastingMs);
  const bands = bandsOf(learned);
  return bands.map(({ quantile, factors }) => {
    const load = new Float64Array(steps);
    for (let step = 0; step < steps; step++) {
      const ahead = Math.floor(((step + 1) * stepMs) / loadStepMs);
      const risen = quantile > 0.5 ? rise * Math.min(lastingMs, (step + 1) * stepMs) : 0;
      load[step] = middle[step]! * factors[Math.min(ahead, factors.length - 1)]! + risen;
    }
    return { quantile, weight: weights[quantile]!, load };
  });
}

/** How wrong the forecast has been; of one that is new, what the load of minutes shows: how far it usually is from it. */
function bandsOf({ bands, ensemble, wobble }: ForecastLearned): readonly ForecastBand[] {
  if (ensemble.errors[0]!.length >= fewestErrors) return bands;
  return assumedBands(Math.min(assumedDeviation, deviationsOfWobble * wobble));
}

/**
 * Records per second that come on top each millisecond: of a load for which the job has just grown, and which has grown
 * on since. Only where a change lasts for less than a step of the forecast, which tells of all that is slower.
 */
function riseOf(
  { grown }: ForecastLearned,
  now: { readonly timeMs: number; readonly rate: number },
  lastingMs: number,
): number {
  if (grown === undefined || lastingMs >= loadStepMs) return 0;
  const sinceMs = now.timeMs - grown.timeMs;
  const isOn = sinceMs > 0 && sinceMs <= lastingMs && now.rate > grown.rate * (1 + risingBy);
  return isOn ? (now.rate - grown.rate) / sinceMs : 0;
}

/** What of a difference is news: one that is no greater than usual will be gone soon. */
function believed(difference: number, wobble: number): number {
  const square = difference * difference;
  return square === 0 ? 0 : (difference * square) / (square + (2 * wobble) ** 2);
}

/** How far the load is from what was expected, as a share. */
export function surprise(
  learned: ForecastLearned,
  now: { readonly timeMs: number; readonly rate: number },
): number | undefined {
  const expected = expectedAt(learned, now.timeMs);
  return expected === undefined || expected <= 0 ? undefined : now.rate / expected - 1;
}

/** The forecast at a time, along lines between the middles of its steps. */
function expectedAt({ load, path }: ForecastLearned, timeMs: number): number | undefined {
  if (path.length === 0) return undefined;
  const endMs = load.startMs + load.values.length * loadStepMs;
  const position = (timeMs - endMs) / loadStepMs - 0.5;
  if (position <= -1) return load.values.at(-1);
  const at = Math.floor(position);
  const before = at < 0 ? load.values.at(-1)! : path[Math.min(at, path.length - 1)]!;
  const after = path[Math.min(at + 1, path.length - 1)]!;
  return before + (after - before) * (position - at);
}
