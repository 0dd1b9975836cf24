import { bandsOf, type ForecastBand } from './bands.ts';
import { forecastSteps, horizons, nearestHorizon } from './horizons.ts';
import {
  autoregression,
  dampedTrend,
  type ForecastModel,
  lastValue,
  seasonalMean,
  seasonalNaive,
} from './models.ts';
import { seasonOf } from './season.ts';

const models: Readonly<Record<string, ForecastModel>> = {
  lastValue,
  dampedTrend,
  seasonalNaive,
  seasonalMean,
  autoregression,
};
export const forecastModels: readonly string[] = Object.keys(models);

/** Of a model's past losses, how much is kept at each step. */
const lossMemory = 0.97;
/** Errors that quantiles are read from, for each horizon. */
const errorLimit = 120;
const seasonInterval = 12;

/** Everything that is remembered between forecasts. Plain data. */
export interface EnsembleState {
  readonly season: number | null;
  readonly seasonAge: number;
  /** By model, by horizon: mean absolute error, discounted. */
  readonly losses: Readonly<Record<string, readonly number[]>>;
  /** By horizon: logarithms of all that came until then over what was forecast, oldest first. */
  readonly errors: readonly (readonly number[])[];
  /** By horizon: what had been forecast, by which each of the errors is one. */
  readonly forecasts: readonly (readonly number[])[];
  /** What was forecast for steps that have not come: the latest first. */
  readonly pending: readonly PendingForecast[];
}

interface PendingForecast {
  /** By model, at each of the horizons; `null` where a model had nothing to say. */
  readonly byModel: Readonly<Record<string, readonly number[] | null>>;
  /** Of the mixture: the mean until each of the horizons. */
  readonly means: readonly number[];
}

export const noForecasts: EnsembleState = {
  season: null,
  seasonAge: 0,
  losses: {},
  errors: horizons.map(() => []),
  forecasts: horizons.map(() => []),
  pending: [],
};

export interface MixedForecast {
  /** The middle of what is expected at each step. */
  readonly path: readonly number[];
  readonly bands: readonly ForecastBand[];
  readonly weights: Readonly<Record<string, number>>;
}

/** Takes in the newest value of a series, judges what was forecast for it, and forecasts anew. */
export function observe(
  state: EnsembleState,
  values: readonly number[],
): { readonly state: EnsembleState; readonly forecast: MixedForecast } {
  const judged = judge(state, values);
  const isDue = judged.seasonAge + 1 >= seasonInterval;
  const season = isDue ? (seasonOf(values) ?? null) : judged.season;
  const forecasts = forecastsOf(values, season ?? undefined);
  const forecast = mix(forecasts, judged.losses);
  const byModel: Record<string, readonly number[] | null> = {};
  for (const [name, path] of forecasts) {
    byModel[name] = path === undefined ? null : horizons.map((horizon) => path[horizon - 1]!);
  }
  const means = horizons.map((horizon) => mean(forecast.path.slice(0, horizon)));
  const pending = [{ byModel, means }, ...judged.pending].slice(0, horizons.at(-1)!);
  const seasonAge = isDue ? 0 : judged.seasonAge + 1;
  const bands = bandsOf(judged, means);
  return { state: { ...judged, season, seasonAge, pending }, forecast: { ...forecast, bands } };
}

function forecastsOf(values: readonly number[], season: number | undefined) {
  const context = { steps: forecastSteps, season };
  return Object.entries(models).map(([name, model]) => [name, model(values, context)] as const);
}

/** What came, against what was forecast for it one, three, … steps ago. */
function judge(state: EnsembleState, values: readonly number[]): EnsembleState {
  const actual = values.at(-1)!;
  const losses: Record<string, number[]> = {};
  for (const name of forecastModels) {
    losses[name] = horizons.map((horizon, h) => {
      const before = state.losses[name]?.[h] ?? -1;
      const forecast = state.pending[horizon - 1]?.byModel[name]?.[h];
      if (forecast === undefined) return before;
      const loss = Math.abs(actual - forecast);
      return before < 0 ? loss : lossMemory * before + (1 - lossMemory) * loss;
    });
  }
  const errors = [...state.errors];
  const forecasts = [...state.forecasts];
  horizons.forEach((horizon, h) => {
    const forecast = state.pending[horizon - 1]?.means[h] ?? 0;
    const came = mean(values.slice(-horizon));
    if (forecast <= 0 || came <= 0) return;
    errors[h] = [...errors[h]!, Math.log(came / forecast)].slice(-errorLimit);
    forecasts[h] = [...forecasts[h]!, forecast].slice(-errorLimit);
  });
  return { ...state, losses, errors, forecasts };
}

/** Squares of errors, in logarithms, that are assumed to have been seen, and what of them stayed. */
const assumedSquares = 0.01;
const assumedPersistence = 0.7;

/**
 * What of an error of the next step is there in the two steps after it still, 0 … 1: a level that is new lasts, noise
 * does not. Regression through the origin over the errors that are kept, and a little of what is usual.
 */
export function persistence([ofOne, ofThree]: EnsembleState['errors']): number {
  let products = assumedSquares * assumedPersistence;
  let squares = assumedSquares;
  // Both were forecast at one time: the mean of three steps is known two steps after the first of them.
  const count = Math.min(ofOne!.length - 2, ofThree!.length);
  for (let back = 1; back <= count; back++) {
    const first = ofOne!.at(-back - 2)!;
    products += first * ((3 * ofThree!.at(-back)! - first) / 2);
    squares += first * first;
  }
  return Math.min(1, Math.max(0, products / squares));
}

/** Models weigh by the sixth power of how small their errors were at the nearest horizon. */
function mix(
  forecasts: readonly (readonly [string, readonly number[] | undefined])[],
  losses: Readonly<Record<string, readonly number[]>>,
): Omit<MixedForecast, 'bands'> {
  const path = new Array<number>(forecastSteps).fill(0);
  const weights: Record<string, number> = {};
  for (let step = 0; step < forecastSteps; step++) {
    const h = nearestHorizon(step + 1);
    const scores = forecasts.map(([name, forecast]) =>
      forecast === undefined ? 0 : scoreOf(losses[name]?.[h] ?? -1, name),
    );
    const sum = scores.reduce((total, each) => total + each, 0);
    forecasts.forEach(([name, forecast], i) => {
      const weight = scores[i]! / sum;
      if (forecast !== undefined) path[step]! += weight * forecast[step]!;
      weights[name] = (weights[name] ?? 0) + weight / forecastSteps;
    });
  }
  return { path, weights };
}

/** That nothing changes is the best guess before anything is known, and others have to be better by so much to displace it. */
const lead = 0.9;

function scoreOf(loss: number, name: string): number {
  const isLast = name === 'lastValue';
  if (loss < 0) return isLast ? 1e-6 : 1e-9;
  return 1 / Math.max(1e-3, isLast ? lead * loss : loss) ** 6;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;
