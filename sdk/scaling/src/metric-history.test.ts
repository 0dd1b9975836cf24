import { describe, expect, test } from 'vitest';
import { metricHistoryBounds, noMetrics, samplesAfter, withSamples } from './metric-history.ts';
import { counterRate, ofAttempt } from './rates.ts';
import type { JobSample, VertexSample } from './sample.ts';

const second = 1_000;
const minute = 60 * second;

const sample = (timeMs: number, work: VertexSample, runningSinceMs = 0): JobSample => ({
  timeMs,
  runningSinceMs,
  parallelism: { work: 4 },
  vertices: { work },
});

/** Samples each ten seconds of a job that reads a hundred records per second. */
const steady = (fromMs: number, toMs: number, runningSinceMs = fromMs) => {
  const samples: JobSample[] = [];
  for (let timeMs = fromMs + 10 * second; timeMs <= toMs; timeMs += 10 * second) {
    const recordsIn = (timeMs - runningSinceMs) / 10;
    samples.push(sample(timeMs, { recordsIn, busyRatio: 0.5 }, runningSinceMs));
  }
  return samples;
};

describe('a metric history', () => {
  test('leaves out what tasks report while they initialise', () => {
    const busy = { recordsIn: 1, busyRatio: 1 };
    const early = [sample(100_500, busy, 100_000), sample(109_999, busy, 100_000)];
    const settled = sample(110_000, { recordsIn: 5 }, 100_000);
    expect(withSamples(noMetrics, [...early, settled]).samples).toEqual([settled]);
  });

  test('keeps what is missing missing, and leaves out what contradicts what came before', () => {
    const first = sample(20 * second, { recordsIn: 1_000, busyRatio: 0.5 });
    const silent = sample(30 * second, {});
    const back = sample(40 * second, { recordsIn: 900, busyRatio: 0.5 });
    const { samples } = withSamples(withSamples(noMetrics, [first]), [silent, back]);
    expect(samples[0]).toEqual(first);
    expect(samples.every(({ vertices }) => vertices['work']?.recordsIn !== 0)).toBe(true);
    expect(samples.some(({ vertices }) => vertices['work']?.recordsIn === 900)).toBe(false);
  });

  test('takes each sample once, however often it is handed in', () => {
    const samples = steady(0, minute);
    const history = withSamples(noMetrics, samples);
    expect(withSamples(history, samples)).toEqual(history);
  });

  test('keeps all of the last quarter of an hour, one for each minute before, and nothing of yesterday', () => {
    const { samples } = withSamples(noMetrics, steady(0, 24 * 60 * minute));
    const nowMs = 24 * 60 * minute;
    const dense = samples.filter(({ timeMs }) => timeMs >= nowMs - metricHistoryBounds.denseMs);
    expect(dense).toHaveLength(91);
    expect(samples[0]!.timeMs).toBeGreaterThanOrEqual(nowMs - metricHistoryBounds.keptMs);
    expect(samples.length - dense.length).toBeLessThanOrEqual(345 + 1);
  });

  test('has so many samples at most, however often they come', () => {
    const often = Array.from({ length: 5_000 }, (_, i) =>
      sample(20 * second + i, { recordsIn: i, busyRatio: 0.5 }),
    );
    expect(withSamples(noMetrics, often).samples).toHaveLength(metricHistoryBounds.samples);
  });

  test('gives the same rates after it was thinned, for each attempt', () => {
    const restartMs = 200 * minute;
    const all = [...steady(0, restartMs), ...steady(restartMs, 300 * minute)];
    let history = noMetrics;
    for (const each of all) history = withSamples(history, [each]);
    expect(history.samples.length).toBeLessThan(all.length / 4);
    for (const runningSinceMs of [0, restartMs]) {
      const rate = counterRate(
        ofAttempt(history.samples, runningSinceMs),
        'work',
        (vertex) => vertex.recordsIn,
      );
      expect(rate).toBeCloseTo(100);
    }
  });

  test('says what is new since a decision', () => {
    const history = withSamples(noMetrics, steady(0, 2 * minute));
    expect(samplesAfter(history, 100 * second).map(({ timeMs }) => timeMs / second)).toEqual([
      110, 120,
    ]);
  });
});
