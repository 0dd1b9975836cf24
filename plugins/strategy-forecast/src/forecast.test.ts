import { simulationSuite as judged, type TraceKind, tickSeconds } from '@tessera/flink-simulator';
import { noForecasts, observe } from '@tessera/scaling';
import { describe, expect, test } from 'vitest';
import { loadStepMs } from './learned.ts';

const quantiles = [0.5, 0.8, 0.95];
const horizons = [1, 3, 6, 12];
const day = 86_400_000 / loadStepMs;
/** Errors that the rival reads its quantiles from: as many as the forecast does. */
const remembered = 120;

/** Traces that repeat themselves, or go on as they went, within what is simulated; on the others chance has more of a say. */
const seasonal = ['diurnal', 'weekly', 'ramp', 'cosine-60', 'two-rates', 'rounds'];
const seedsOfSeasonal = judged.testSeeds.slice(0, 2);
const seedsOfOthers = judged.testSeeds.slice(0, 6);
const kinds = new Map(judged.suite.map(({ trace }) => [trace.name, trace]));
const others = [...kinds.keys()].filter((name) => !seasonal.includes(name));

interface Judgement {
  /** Pinball loss over that of the last value with quantiles of its own past errors. */
  readonly loss: number;
  /** Share of times in which what came stayed below each quantile. */
  readonly coverage: readonly number[];
}

interface Tally {
  readonly loss: { ours: number; rival: number };
  readonly below: number[];
  count: number;
}

function judge(kind: TraceKind, seeds: readonly number[]): Judgement {
  const tally: Tally = { loss: { ours: 0, rival: 0 }, below: quantiles.map(() => 0), count: 0 };
  for (const seed of seeds) judgeDays(meansOf(kind, seed), tally);
  const { loss, below, count } = tally;
  return { loss: loss.ours / loss.rival, coverage: below.map((each) => each / count) };
}

/** Means of what comes until each horizon are forecast, for all quantiles, from the second day on. */
function judgeDays(values: readonly number[], tally: Tally): void {
  const rival = horizons.map(() => [] as number[]);
  const { loss, below } = tally;
  let state = noForecasts;
  for (let now = 1; now + horizons.at(-1)! <= values.length; now++) {
    const known = values.slice(0, now);
    const next = observe(state, known);
    state = next.state;
    horizons.forEach((horizon, h) => {
      if (now > horizon) rival[h]!.push(errorOf(values, now - horizon, horizon));
      if (now < day) return;
      const came = mean(values.slice(now, now + horizon));
      const past = rival[h]!.slice(-remembered).sort((a, b) => a - b);
      quantiles.forEach((quantile, q) => {
        const { factors } = next.forecast.bands[q]!;
        const ours = mean(next.forecast.path.slice(0, horizon).map((at, i) => at * factors[i]!));
        loss.ours += pinball(quantile, came, ours);
        loss.rival += pinball(quantile, came, known.at(-1)! + past[rank(past.length, quantile)]!);
        if (came <= ours) below[q]!++;
      });
      tally.count++;
    });
  }
}

function meansOf(kind: TraceKind, seed: number): readonly number[] {
  const { load, startTick } = kind.draw(seed, judged.days);
  const ticks = loadStepMs / 1000 / tickSeconds;
  return Array.from({ length: Math.floor((load.length - startTick) / ticks) }, (_, step) => {
    const from = startTick + step * ticks;
    return mean([...load.subarray(from, from + ticks)]);
  });
}

/** By how much what came until a horizon was more than the last value before. */
const errorOf = (values: readonly number[], now: number, horizon: number): number =>
  mean(values.slice(now, now + horizon)) - values[now - 1]!;

const rank = (count: number, quantile: number): number =>
  Math.min(count - 1, Math.max(0, Math.ceil((count + 1) * quantile) - 1));

const pinball = (quantile: number, came: number, forecast: number): number =>
  came > forecast ? quantile * (came - forecast) : (1 - quantile) * (forecast - came);

const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

/** Shares of times that may be seen where a half, four fifths and 95 % are promised. */
function expectCovered([median, upper, highest]: readonly number[]): void {
  expect(Math.abs(median! - 0.5)).toBeLessThan(0.05);
  expect(Math.abs(upper! - 0.8)).toBeLessThan(0.06);
  expect(Math.abs(highest! - 0.95)).toBeLessThan(0.05);
}

describe('the forecast of a load that nothing was tuned on', () => {
  test.each(seasonal)('is a fifth better than the last value on %s', (name) => {
    const { loss, coverage } = judge(kinds.get(name)!, seedsOfSeasonal);
    expect(loss).toBeLessThan(0.8);
    expectCovered(coverage);
  });

  test.each(others)('is no worse than the last value on %s', (name) => {
    const { loss, coverage } = judge(kinds.get(name)!, seedsOfOthers);
    expect(loss).toBeLessThanOrEqual(1);
    expectCovered(coverage);
  });
});
