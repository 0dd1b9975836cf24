import { forecastSteps, horizons, nearestHorizon } from './horizons.ts';

/** How many errors must have been seen before their quantiles are believed. */
export const fewestErrors = 12;
/** Standard deviation of the logarithm that is assumed until then. */
export const assumedDeviation = 0.08;
const quantiles = [
  { quantile: 0.5, deviations: 0 },
  { quantile: 0.8, deviations: 0.84 },
  { quantile: 0.95, deviations: 1.64 },
] as const;

/** For each step what to multiply the middle of a forecast by for a quantile. */
export interface ForecastBand {
  readonly quantile: number;
  readonly factors: readonly number[];
}

/** Errors of the past, by horizon: logarithms of what came over what was forecast, and what was forecast. */
export interface PastErrors {
  readonly errors: readonly (readonly number[])[];
  readonly forecasts: readonly (readonly number[])[];
}

/**
 * Courses such that all that comes until a horizon is below theirs as often as the quantile asks, as past errors were
 * (conformal). A queue feels sums: what is too much in one step and too little in the next cancels out. Without
 * enough errors their deviation is assumed. `means` is what is forecast until each horizon now.
 */
export function bandsOf(
  { errors, forecasts }: PastErrors,
  means: readonly number[],
): readonly ForecastBand[] {
  const scales = horizons.map((_, h) => scaleOf(errors[h]!, forecasts[h]!, means[h]!));
  return assumedBands(assumedDeviation).map(({ quantile, factors: [assumed] }) => {
    const until = scales.map((factorOf) => factorOf?.(quantile) ?? assumed!);
    return { quantile, factors: stepsOf(until) };
  });
}

/** Of a forecast whose errors are not known yet: one factor for all steps, as if the logarithms of errors had this standard deviation. */
export function assumedBands(deviation: number): readonly ForecastBand[] {
  return quantiles.map(({ quantile, deviations }) => ({
    quantile,
    factors: [Math.exp(deviations * deviation)],
  }));
}

/**
 * Factors of a forecast by quantile. A load that jumps to a multiple of what it was errs in proportion, one that jumps
 * by so many records does not, and its factors, learned where it was low, would be far too wide where it is high: what
 * would have lost less until now is taken.
 */
function scaleOf(logs: readonly number[], forecasts: readonly number[], mean: number) {
  if (logs.length < fewestErrors) return undefined;
  const shares = logs.map((log) => Math.exp(log) - 1);
  const amounts = shares.map((share, i) => share * forecasts[i]!);
  const share = quantilesOf(shares);
  const amount = quantilesOf(amounts);
  let lostByShares = 0;
  let lostByAmounts = 0;
  for (const { quantile } of quantiles) {
    const [byShare, byAmount] = [share(quantile), amount(quantile)];
    amounts.forEach((came, i) => {
      lostByShares += pinball(quantile, came - byShare * forecasts[i]!);
      lostByAmounts += pinball(quantile, came - byAmount);
    });
  }
  if (lostByShares <= lostByAmounts || mean <= 0) return (q: number) => 1 + share(q);
  return (q: number) => Math.max(0, 1 + amount(q) / mean);
}

/** The quantile of so many values that the next one stays below it as often as is asked. */
function quantilesOf(values: readonly number[]): (quantile: number) => number {
  const sorted = [...values].sort((a, b) => a - b);
  const last = sorted.length - 1;
  return (quantile) =>
    sorted[Math.min(last, Math.max(0, Math.ceil((sorted.length + 1) * quantile) - 1))]!;
}

const pinball = (quantile: number, over: number): number =>
  over > 0 ? quantile * over : (quantile - 1) * over;

/** Factors of single steps whose means until each horizon are those given. */
function stepsOf(until: readonly number[]): readonly number[] {
  let sum = 0;
  return Array.from({ length: forecastSteps }, (_, step) => {
    const before = sum;
    sum = meanUntil(until, step + 1) * (step + 1);
    return Math.max(0.3, sum - before);
  });
}

function meanUntil(until: readonly number[], steps: number): number {
  const at = nearestHorizon(steps);
  if (at === 0 || steps >= horizons.at(-1)!) return until[at]!;
  const [from, to] = [horizons[at - 1]!, horizons[at]!];
  return until[at - 1]! + ((until[at]! - until[at - 1]!) * (steps - from)) / (to - from);
}
