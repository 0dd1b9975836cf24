import type { LoadForecast } from '@tessera/scaling';
import type { Course } from './outlook.ts';

/** Rates that are written down of each course at most: enough to see its shape. */
const mostRates = 25;

/**
 * The courses that a decision was weighed by, as it tells them to people: how much comes on the mean until each of some times.
 * Quantiles are of such means; single steps of a course may cross those of another.
 */
export function loadForecast(
  courses: readonly Course[],
  { stepMs, weights }: Pick<LoadForecast, 'stepMs' | 'weights'>,
): LoadForecast {
  const longest = Math.max(0, ...courses.map(({ load }) => load.length));
  const every = Math.max(1, Math.ceil(longest / mostRates));
  return {
    stepMs: stepMs * every,
    quantiles: courses.map(({ quantile, load }) => ({
      quantile,
      rates: meansUntil(load, every),
    })),
    weights,
  };
}

/** The mean until the end of every so many steps. */
function meansUntil(load: Float64Array, every: number): readonly number[] {
  const means: number[] = [];
  let sum = 0;
  for (let step = 0; step < load.length; step++) {
    sum += load[step]!;
    if ((step + 1) % every === 0) means.push(sum / (step + 1));
  }
  return means;
}
