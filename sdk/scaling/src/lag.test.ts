import { seededRandom } from '@tessera/base';
import { expect, test } from 'vitest';
import { isLagGrowing } from './lag.ts';
import type { JobSample } from './sample.ts';

interface Flow {
  readonly offeredPerSecond: number;
  readonly readPerSecond: number;
  readonly waiting?: number;
}

/** A sample of each second of a source beside a vertex that tells nothing of a lag. */
function samplesOf(seconds: number, { offeredPerSecond, readPerSecond, waiting = 0 }: Flow) {
  const { next } = seededRandom(7);
  return Array.from({ length: seconds + 1 }, (_, second): JobSample => {
    const noise = next() * 0.2 * readPerSecond;
    const lagRecords = Math.max(0, waiting + second * (offeredPerSecond - readPerSecond) + noise);
    const source = { recordsIn: second * readPerSecond, lagRecords };
    const work = { recordsIn: second * readPerSecond };
    const parallelism = { source: 1, work: 1 };
    return { timeMs: second * 1_000, runningSinceMs: 0, parallelism, vertices: { source, work } };
  });
}

test.each<[string, Flow, boolean]>([
  ['that cannot keep up', { offeredPerSecond: 1_000, readPerSecond: 800 }, true],
  ['that reads nothing any more', { offeredPerSecond: 1_000, readPerSecond: 0 }, true],
  ['that keeps up', { offeredPerSecond: 1_000, readPerSecond: 1_000 }, false],
  ['with an old backlog', { offeredPerSecond: 9, readPerSecond: 9, waiting: 1e6 }, false],
  ['that catches up', { offeredPerSecond: 900, readPerSecond: 1_000, waiting: 1e5 }, false],
  ['that is offered nothing', { offeredPerSecond: 0, readPerSecond: 0 }, false],
])('the lag of a job %s', (_, flow, grows) => {
  for (const seconds of [20, 45, 600]) expect(isLagGrowing(samplesOf(seconds, flow))).toBe(grows);
});

test('it is judged by the last minute alone', () => {
  const before = samplesOf(300, { offeredPerSecond: 1_000, readPerSecond: 500 });
  const waiting = before.at(-1)!.vertices['source']!.lagRecords!;
  const after = samplesOf(70, { offeredPerSecond: 1_000, readPerSecond: 1_000, waiting });
  const later = after.map((sample) => ({ ...sample, timeMs: sample.timeMs + 301_000 }));
  expect(isLagGrowing([...before, ...later])).toBe(false);
});

test('it is not known of a job that has told of it for seconds only, or tells nothing', () => {
  const flow = { offeredPerSecond: 1_000, readPerSecond: 500 };
  expect(isLagGrowing([])).toBeUndefined();
  expect(isLagGrowing(samplesOf(19, flow))).toBeUndefined();
  const silent = samplesOf(60, flow).map(({ vertices: { work }, ...sample }) => {
    return { ...sample, vertices: { work: work! } };
  });
  expect(isLagGrowing(silent)).toBeUndefined();
});
