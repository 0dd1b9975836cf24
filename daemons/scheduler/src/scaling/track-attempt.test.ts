import type { JobDetails } from '@tessera/flink-rest';
import { expect, test } from 'vitest';
import { type Attempt, noAttempt, trackAttempt } from './track-attempt.ts';

const second = 1_000;
const beganMs = 1_000_000_000;

/** What a JobManager says of a job that has run for so long. */
function detailsOf(
  parallelism: Readonly<Record<string, number>>,
  { startedMs, nowMs }: { readonly startedMs: number; readonly nowMs: number },
): JobDetails {
  const vertices = Object.entries(parallelism).map(([id, subtasks]) => ({
    ...{ id, name: id, parallelism: subtasks, maxParallelism: 24, inputs: [] },
    ...{ tasks: { RUNNING: subtasks }, startedAtMs: startedMs },
  }));
  return { id: 'job', name: 'job', state: 'RUNNING', nowMs, vertices } as never;
}

const first = detailsOf({ work: 2 }, { startedMs: beganMs, nowMs: beganMs + 60 * second });
const seen = trackAttempt(noAttempt, first, beganMs + 60 * second);
/** As the next term knows it. */
const earlier: Attempt = { ...noAttempt, earlier: seen.running! };

/** What is found, minutes after the first was seen last, of one that has run for a minute. */
function found(parallelism: Readonly<Record<string, number>>, minutes: number) {
  const nowMs = beganMs + (minutes + 1) * 60 * second;
  const details = detailsOf(parallelism, { startedMs: nowMs - 60 * second, nowMs });
  return trackAttempt(earlier, details, nowMs);
}

test('an execution that an earlier term saw is the same to the next one', () => {
  const nowMs = beganMs + 120 * second;
  // By another clock, which is 5 s ahead of the JobManager's.
  const next = trackAttempt(earlier, { ...first, nowMs: nowMs - 5 * second }, nowMs);
  expect(next.running).toEqual({ ...seen.running, lastSeenMs: nowMs });
  expect(next.rescales).toEqual([]);
});

test('a rescale that nobody saw has lasted until its tasks ran, not until somebody looked', () => {
  const startedMs = beganMs + 60 * second;
  expect(found({ work: 4 }, 3).rescales).toEqual([
    { startedMs, downtimeMs: 120 * second, from: { work: 2 }, to: { work: 4 } },
  ]);
});

test.each([
  { what: 'a restart at the same size', parallelism: { work: 2 }, minutes: 3 },
  { what: 'another program', parallelism: { other: 4 }, minutes: 3 },
  { what: 'a job that did not run for long', parallelism: { work: 4 }, minutes: 30 },
])('$what is no rescale', ({ parallelism, minutes }) => {
  const { running, rescales } = found(parallelism as never, minutes);
  expect(running).toMatchObject({ parallelism });
  expect(rescales).toEqual([]);
});
