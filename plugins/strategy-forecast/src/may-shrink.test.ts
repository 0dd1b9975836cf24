import { describe, expect, test } from 'vitest';
import type { Situation } from './choose.ts';
import { nothingLearned } from './learned.ts';
import { isEnough, isStillWanted } from './may-shrink.ts';

const size = (slots: number, capacity: number) => ({ parallelism: {}, slots, capacity });
const load = 100;
const situation: Situation = {
  current: size(10, 200),
  lag: 0,
  delaySeconds: 0,
  downSeconds: 60,
  maxLagSeconds: 120,
  shrinkPrice: 1,
  courses: [{ quantile: 0.5, weight: 1, load: Float64Array.of(load) }],
  stepSeconds: 60,
};
const learned = (values: readonly number[]) => ({
  ...nothingLearned,
  load: { startMs: 0, values },
});

const hour = new Array<number>(12).fill(100);

describe('a smaller size', () => {
  test('must have been enough for all of the last hour that is of the present level', () => {
    const wavers = learned([...hour, 100, 112, 100, 95]);
    expect(isEnough(size(6, 110), wavers, situation, false)).toBe(false);
    expect(isEnough(size(6, 113), wavers, situation, false)).toBe(true);
  });

  test('need not be enough for a level that the load has left', () => {
    expect(isEnough(size(6, 101), learned([...hour, 200, 200, 100]), situation, false)).toBe(true);
  });

  test('must be enough for all that came, unless it was far more, while the load is not known for an hour', () => {
    expect(isEnough(size(6, 101), learned([200, 100]), situation, false)).toBe(false);
    expect(isEnough(size(9, 200), learned([200, 100]), situation, false)).toBe(true);
    expect(isEnough(size(6, 101), learned([300, 100]), situation, false)).toBe(true);
  });

  test('must be enough for what is often more than was foreseen', () => {
    const errors = [Array.from({ length: 20 }, (_, i) => i / 100), [], [], []];
    const noisy = { ...learned(hour), ensemble: { ...nothingLearned.ensemble, errors } };
    expect(isEnough(size(6, 119), noisy, situation, false)).toBe(false);
    expect(isEnough(size(6, 121), noisy, situation, false)).toBe(true);
  });

  test('must be enough for a level to which the load keeps coming back', () => {
    const alternates = learned([...hour, 200, 100, 200, 100]);
    expect(isEnough(size(6, 101), alternates, situation, false)).toBe(false);
    expect(isEnough(size(9, 200), alternates, situation, false)).toBe(true);
  });

  test('must spare a third of the slots when it is the first, and nothing is known of the load', () => {
    expect(isEnough(size(7, 120), learned([]), situation, true)).toBe(false);
    expect(isEnough(size(6, 120), learned([]), situation, true)).toBe(true);
    expect(isEnough(size(7, 120), learned([]), situation, false)).toBe(true);
  });
});

describe('what a job was given', () => {
  const minute = 60_000;
  const sample = (timeMs: number) => ({ timeMs, runningSinceMs: 0, parallelism: {}, vertices: {} });
  const grownFor = (rate: number, isForBacklog = false) => ({
    ...nothingLearned,
    samples: [sample(30 * minute)],
    grown: { timeMs: 10 * minute, rate, isForBacklog },
  });

  test('for a load that is still there, as far as noise lets tell, is kept for an hour', () => {
    expect(isStillWanted(grownFor(140), situation)).toBe(true);
    const later = { ...grownFor(140), samples: [sample(71 * minute)] };
    expect(isStillWanted(later, situation)).toBe(false);
  });

  test('for a load that has gone, or to work off what waited, is not', () => {
    expect(isStillWanted(grownFor(150), situation)).toBe(false);
    expect(isStillWanted(grownFor(140, true), situation)).toBe(false);
    expect(isStillWanted(nothingLearned, situation)).toBe(false);
  });
});
