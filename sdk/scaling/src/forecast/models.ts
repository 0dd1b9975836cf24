/** What a model expects of the coming steps, or `undefined` when it has too little to go by. */
export type ForecastModel = (values: readonly number[], context: ForecastContext) => Forecast;
export type Forecast = readonly number[] | undefined;

export interface ForecastContext {
  readonly steps: number;
  /** Of the series, in steps. */
  readonly season: number | undefined;
}

/** It stays as it is. */
export const lastValue: ForecastModel = (values, { steps }) =>
  values.length === 0 ? undefined : new Array<number>(steps).fill(values.at(-1)!);

const memory = 6;
const damping = 0.93;

/** Holt's line through the last half hour, which gives way to a level: trends end. */
export const dampedTrend: ForecastModel = (values, { steps }) => {
  if (values.length < 3) return undefined;
  const recent = values.slice(-memory);
  const { level, slope } = lineThrough(recent);
  let reach = 0;
  let gain = 1;
  return Array.from({ length: steps }, () => {
    gain *= damping;
    reach += gain;
    return Math.max(0, level + slope * reach);
  });
};

/** As one season ago, at today's level. */
export const seasonalNaive: ForecastModel = (values, { steps, season }) => {
  if (season === undefined || values.length < season + 2) return undefined;
  const scale = levelRatio(values, season);
  const from = values.length - season;
  return Array.from({ length: steps }, (_, i) => values[from + (i % season)]! * scale);
};

/** The mean of the same time in past seasons, at today's level, the latest counting most (Holt-Winters without a trend). */
export const seasonalMean: ForecastModel = (values, { steps, season }) => {
  if (season === undefined || values.length < 2 * season) return undefined;
  const scale = levelRatio(values, season);
  return Array.from({ length: steps }, (_, i) => {
    let sum = 0;
    let weights = 0;
    let weight = 1;
    for (let at = values.length - season + (i % season); at >= 0; at -= season) {
      sum += weight * values[at]!;
      weights += weight;
      weight *= 0.7;
    }
    return (sum / weights) * scale;
  });
};

const lags = 6;
const shrinkage = 0.05;

/** Ridge regression of the next step on the last ones and on the season's, applied step by step. */
export const autoregression: ForecastModel = (values, { steps, season }) => {
  if (values.length < 4 * lags) return undefined;
  const scale = mean(values.slice(-288)) || 1;
  const known = values.slice(-600).map((value) => value / scale);
  const withSeason = season !== undefined && known.length > season + 4 * lags ? season : 0;
  const coefficients = ridge(known, withSeason);
  const path = [...known];
  for (let i = 0; i < steps; i++) {
    const row = features(path, path.length, withSeason);
    const next = row.reduce((sum, each, j) => sum + each * coefficients[j]!, 0);
    path.push(Math.min(4, Math.max(0, next)));
  }
  return path.slice(known.length).map((value) => value * scale);
};

function features(values: readonly number[], at: number, season: number): readonly number[] {
  const row = [1];
  for (let lag = 1; lag <= lags; lag++) row.push(values[at - lag]!);
  if (season > 0) row.push(values[at - season]!, values[at - season - 1] ?? values[at - season]!);
  return row;
}

/** Coefficients that shrink towards "as the last step". */
function ridge(values: readonly number[], season: number): readonly number[] {
  const size = 1 + lags + (season > 0 ? 2 : 0);
  const matrix = Array.from({ length: size }, () => new Float64Array(size));
  const right = new Float64Array(size);
  let count = 0;
  for (let at = Math.max(lags, season + 1); at < values.length; at++) {
    const row = features(values, at, season);
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) matrix[i]![j]! += row[i]! * row[j]!;
      right[i]! += row[i]! * values[at]!;
    }
    count++;
  }
  const penalty = shrinkage * Math.max(1, count / 20);
  for (let i = 0; i < size; i++) matrix[i]![i]! += penalty;
  right[1]! += penalty;
  return solve(matrix, right);
}

/** Gaussian elimination; the matrix is positive definite. */
function solve(matrix: Float64Array[], right: Float64Array): readonly number[] {
  const size = right.length;
  for (let i = 0; i < size; i++) {
    for (let k = i + 1; k < size; k++) {
      const factor = matrix[k]![i]! / matrix[i]![i]!;
      for (let j = i; j < size; j++) matrix[k]![j]! -= factor * matrix[i]![j]!;
      right[k]! -= factor * right[i]!;
    }
  }
  const solution = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    let rest = right[i]!;
    for (let j = i + 1; j < size; j++) rest -= matrix[i]![j]! * solution[j]!;
    solution[i] = rest / matrix[i]![i]!;
  }
  return solution;
}

/** Today over one season ago, by the last half hour; never more than twice or less than half. */
function levelRatio(values: readonly number[], season: number): number {
  const span = Math.min(memory, Math.max(1, Math.floor(season / 4)));
  const from = Math.max(0, values.length - season - span);
  const before = mean(values.slice(from, values.length - season));
  const now = mean(values.slice(-span));
  if (before <= 0 || now <= 0) return 1;
  return Math.min(2, Math.max(0.5, now / before));
}

function lineThrough(values: readonly number[]): { level: number; slope: number } {
  const middle = (values.length - 1) / 2;
  const average = mean(values);
  let products = 0;
  let squares = 0;
  values.forEach((value, i) => {
    products += (i - middle) * (value - average);
    squares += (i - middle) ** 2;
  });
  const slope = products / squares;
  return { level: average + slope * middle, slope };
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, each) => sum + each, 0) / values.length;
