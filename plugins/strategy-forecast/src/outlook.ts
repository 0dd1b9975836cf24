import { persistence, rolloutStepSeconds } from '@tessera/scaling';
import { type ForecastLearned, loadStepMs } from './learned.ts';

/** A course that the load may take, in steps of the roll-out from now on, and how likely something like it is. */
export interface Course {
  readonly quantile: number;
  readonly weight: number;
  readonly load: Float64Array;
}

/** How much each quantile's course counts. */
const weights: Readonly<Record<number, number>> = { 0.5: 0.5, 0.8: 0.3, 0.95: 0.2 };
/** Until there is a forecast: as it is, give or take. */
const unknownBands = [
  { quantile: 0.5, factor: 1 },
  { quantile: 0.8, factor: 1.07 },
  { quantile: 0.95, factor: 1.15 },
].map(({ quantile, factor }) => ({ quantile, factors: [factor] }));

/** Minutes in which the difference between the load now and its forecast for now fades. */
const fadeMinutes = 45;

/**
 * Courses of the load over a horizon: the forecast, shifted to where the load is now, and widened by how wrong
 * forecasts have been.
 */
export function coursesOf(
  learned: ForecastLearned,
  now: { readonly timeMs: number; readonly rate: number },
  horizonMs: number,
): readonly Course[] {
  const steps = Math.ceil(horizonMs / (rolloutStepSeconds * 1000));
  const middle = new Float64Array(steps);
  const expected = expectedAt(learned, now.timeMs) ?? now.rate;
  const seen = expected > 0 ? now.rate / expected - 1 : 0;
  const difference = believed(seen, learned.wobble) * persistence(learned.ensemble.errors);
  for (let step = 0; step < steps; step++) {
    const aheadMs = (step + 0.5) * rolloutStepSeconds * 1000;
    const forecast = expectedAt(learned, now.timeMs + aheadMs) ?? now.rate;
    middle[step] = forecast * (1 + difference * Math.exp(-aheadMs / (fadeMinutes * 60_000)));
  }
  const bands = learned.bands.length > 0 ? learned.bands : unknownBands;
  return bands.map(({ quantile, factors }) => ({
    quantile,
    weight: weights[quantile]!,
    load: middle.map((rate, step) => {
      const ahead = Math.floor(((step + 1) * rolloutStepSeconds * 1000) / loadStepMs);
      return rate * factors[Math.min(ahead, factors.length - 1)]!;
    }),
  }));
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
