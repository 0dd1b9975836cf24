import { describe, expect, test } from 'vitest';
import { parseProfile } from '../flink/load-profile.ts';
import { type Course, figuresOf } from './figures.ts';
import type { JobSample, Sample } from './sample.ts';

const course: Course = {
  profile: parseProfile('0:400,10:4000,40:400'),
  riseSeconds: 10,
  dropSeconds: 40,
  capacityOfSubtask: 1_000,
  slotsOfTaskManager: 2,
};

/** One sample a second, each the last one with what is told for its second. */
function run(
  seconds: number,
  changes: Readonly<Record<number, Partial<JobSample> & { readonly providedSlots?: number }>>,
): Sample[] {
  let job: JobSample = { workers: 1, slots: 1, wanted: 1, isRunning: true, backlog: 0 };
  let provided = 2;
  return Array.from({ length: seconds + 1 }, (_, at) => {
    const { providedSlots = provided, ...change } = changes[at] ?? {};
    job = { ...job, ...change };
    provided = providedSlots;
    return { seconds: at, job, providedSlots };
  });
}

const wide = (slots: number) => ({ workers: slots, slots, wanted: slots });

describe('the figures of a run', () => {
  const samples = run(60, {
    11: { backlog: 4_000 },
    14: { providedSlots: 6 },
    18: { ...wide(5), isRunning: false, backlog: 26_000 },
    20: { isRunning: true },
    25: { backlog: 3_000 },
    26: { backlog: 100 },
    42: { ...wide(1) },
    45: { providedSlots: 2 },
  });
  const figures = figuresOf(samples, course);

  test('tell rescales and their turns', () => {
    expect(figures.steps).toEqual([
      { seconds: 18, from: 1, to: 5 },
      { seconds: 42, from: 5, to: 1 },
    ]);
    expect(figures).toMatchObject({ rescales: 2, reversals: 1, decisions: 2 });
  });

  test('tell how soon the load was met', () => {
    expect(figures.firstActionSeconds).toBe(8);
    expect(figures.enoughCapacitySeconds).toBe(10);
    expect(figures.backlogGoneSeconds).toBe(15);
  });

  test('tell how much waited', () => {
    expect(figures).toMatchObject({ largestBacklog: 26_000, largestBacklogSeconds: 6.5 });
  });

  test('tell what it took', () => {
    expect(figures.jobSlotSeconds).toBe(18 + 24 * 5 + 18);
    expect(figures.providedSlotSeconds).toBe(14 * 2 + 31 * 6 + 15 * 2);
    expect(figures.notRunningSeconds).toBe(2);
    expect(figures.taskManagersGoneSeconds).toBe(5);
  });
});

test('what never came is absent', () => {
  const figures = figuresOf(run(60, { 11: { backlog: 9_000 }, 12: { providedSlots: 8 } }), course);
  expect(figures).toMatchObject({
    rescales: 0,
    firstActionSeconds: undefined,
    backlogGoneSeconds: undefined,
    taskManagersGoneSeconds: undefined,
  });
});

test('a job of which nothing is told for a while has not been rescaled', () => {
  const samples = run(60, {}).map((sample): Sample => {
    const { seconds, providedSlots } = sample;
    return seconds > 20 && seconds < 25 ? { seconds, providedSlots } : sample;
  });
  expect(figuresOf(samples, course)).toMatchObject({ rescales: 0, notRunningSeconds: 4 });
});

test('what stands still without its attempt being told, as between attempts, is no rescale', () => {
  const samples = run(60, { 20: { slots: 0, workers: 0 }, 22: { slots: 1, workers: 1 } });
  expect(figuresOf(samples, course).rescales).toBe(0);
});

test('decisions are counted apart from what Flink does by itself when a TaskManager is lost', () => {
  const samples = run(60, {
    20: { slots: 2, workers: 2, wanted: 4 },
    21: { slots: 4, workers: 4 },
    55: { wanted: 2 },
  });
  const figures = figuresOf(samples, { ...course, killSeconds: 19 });
  expect(figures).toMatchObject({ rescales: 2, decisions: 2, decisionsAfterKill: 1 });
});
