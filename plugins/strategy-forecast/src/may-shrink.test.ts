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
  test('must be enough for what is expected for a quarter of the time that is looked ahead', () => {
    const rising = (...rates: number[]) => ({
      ...situation,
      courses: [{ quantile: 0.5, weight: 1, load: Float64Array.from(rates) }],
    });
    const soon = rising(100, 130, 100, 100, 100, 100, 100, 100);
    const later = rising(100, 100, 130, 130, 130, 130, 130, 130);
    expect(isEnough(size(6, 129), learned(hour), soon, false)).toBe(false);
    expect(isEnough(size(6, 131), learned(hour), soon, false)).toBe(true);
    expect(isEnough(size(6, 101), learned(hour), later, false)).toBe(true);
  });

  test('need not be enough for a level that the load has left', () => {
    expect(isEnough(size(6, 101), learned([...hour, 200, 200, 100]), situation, false)).toBe(true);
  });

  test('must be enough for all that came, unless it was far more, while the load is not known for an hour', () => {
    expect(isEnough(size(6, 101), learned([200, 100]), situation, false)).toBe(false);
    expect(isEnough(size(9, 200), learned([200, 100]), situation, false)).toBe(true);
    expect(isEnough(size(6, 101), learned([300, 100]), situation, false)).toBe(true);
  });

  test('must be enough for as much more as has come lately than was foreseen', () => {
    const after = (...errors: number[]) => ({
      ...learned(hour),
      wobble: 0.05,
      ensemble: { ...nothingLearned.ensemble, errors: [errors, [], [], []] },
    });
    const calm = new Array<number>(36).fill(0);
    const noisy = after(0, Math.log(1.15), 0);
    expect(isEnough(size(6, 114), noisy, situation, false)).toBe(false);
    expect(isEnough(size(6, 116), noisy, situation, false)).toBe(true);
    expect(isEnough(size(6, 101), after(Math.log(1.15), ...calm), situation, false)).toBe(true);
  });

  test('need not be enough for a jump: what comes after it is another level', () => {
    const ensemble = { ...nothingLearned.ensemble, errors: [[Math.log(1.3)], [], [], []] };
    const jumped = { ...learned(hour), wobble: 0.05, ensemble };
    expect(isEnough(size(6, 101), jumped, situation, false)).toBe(true);
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
