import { describe, expect, test } from 'vitest';
import type { JobSample, VertexSample } from './sample.ts';
import { usableSamples } from './usable.ts';

const sample = (second: number, work: VertexSample, runningSinceMs = 0): JobSample => ({
  timeMs: second * 1000,
  runningSinceMs,
  parallelism: { work: 4 },
  vertices: { work },
});
const first = sample(10, { recordsIn: 1_000, busyRatio: 0.5, recordsInPerSecond: 100 });
const kept = (...fresh: JobSample[]) => usableSamples(first, fresh).map(({ vertices }) => vertices);

describe('usable samples', () => {
  test('leave out one that repeats its counters while it says that it works', () => {
    expect(kept(sample(20, { recordsIn: 1_000, busyRatio: 0.5 }))).toEqual([]);
  });

  test('leave out counters that went back, unless the job was started anew', () => {
    const back = { recordsIn: 400, busyRatio: 0.5 };
    expect(kept(sample(20, back))).toEqual([]);
    expect(kept(sample(20, back, 15_000))).toEqual([{ work: back }]);
  });

  test('keep one of a job that has nothing to do', () => {
    const idle = { recordsIn: 1_000, busyRatio: 0, recordsInPerSecond: 0 };
    expect(kept(sample(20, idle))).toEqual([{ work: idle }]);
  });

  test('leave out a vertex whose gauges are zero with no counter beside them', () => {
    expect(kept(sample(20, { busyRatio: 0, recordsInPerSecond: 0 }))).toEqual([{}]);
  });

  test.each([Number.NaN, Infinity, -1, 1e300])('leave out a metric of %s', (busyRatio) => {
    expect(kept(sample(20, { recordsIn: 2_000, busyRatio }))).toEqual([
      { work: { recordsIn: 2_000 } },
    ]);
  });

  test('leave out what is older than what came before', () => {
    expect(kept(sample(9, { recordsIn: 2_000 }))).toEqual([]);
  });
});
