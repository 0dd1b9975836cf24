import { describe, expect, test } from 'vitest';
import { nothingLearned } from './learned.ts';
import { isRefused, levelOf, refusedWith } from './refused-sizes.ts';

const minute = 60_000;
const left = { timeMs: 30 * minute, slots: 16, level: 100 };
const rescale = { startedMs: 0, downtimeMs: minute, from: { v: 19 }, to: { v: 16 } };
const toFewer = { ...rescale, isToFewer: true };

describe('a size that was too small within the hour', () => {
  const learned = { ...nothingLearned, refused: refusedWith(nothingLearned, left, 110, toFewer) };

  test('is not taken again while the load is what it was, nor a smaller one, nor one that is hardly larger', () => {
    const now = { timeMs: 300 * minute, level: 100 };
    expect(isRefused(16, learned, now)).toBe(true);
    expect(isRefused(12, learned, now)).toBe(true);
    expect(isRefused(17, learned, now)).toBe(true);
    expect(isRefused(18, learned, now)).toBe(false);
  });

  test('is taken again when the load has become less, or after three days', () => {
    expect(isRefused(16, learned, { timeMs: 300 * minute, level: 94 })).toBe(false);
    expect(isRefused(16, learned, { timeMs: 4_500 * minute, level: 100 })).toBe(false);
  });
});

describe('a size that a job grows out of', () => {
  test('is not refused when it was kept for long, or when more slots were taken for it', () => {
    const later = { ...left, timeMs: 61 * minute };
    expect(refusedWith(nothingLearned, later, 110, toFewer)).toEqual([]);
    expect(refusedWith(nothingLearned, left, 110, { ...rescale, isToFewer: false })).toEqual([]);
    expect(refusedWith(nothingLearned, left, 110, undefined)).toEqual([]);
  });
});

describe('a size that another level of the load is too much for', () => {
  test('is not refused: it was enough for the one for which it was taken', () => {
    const learned = { ...nothingLearned, wobble: 0.05 };
    expect(refusedWith(learned, left, 119, toFewer)).toEqual([left]);
    expect(refusedWith(learned, left, 121, toFewer)).toEqual([]);
  });
});

describe('the level of a load', () => {
  test('is the mean of the last hour, or what arrives now when nothing else is known', () => {
    const values = [900, ...new Array<number>(11).fill(100), 112];
    expect(levelOf({ load: { startMs: 0, values } }, 5)).toBeCloseTo(101);
    expect(levelOf({ load: { startMs: 0, values: [] } }, 5)).toBe(5);
  });
});
