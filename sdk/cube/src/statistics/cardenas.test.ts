import { seededRandom } from '@tessera/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cardenas } from './cardenas.ts';

describe('cardenas', () => {
  test.each([
    [1, 100, 1],
    [100, 1, 1],
    [2, 2, 1.5],
    [10, 0, 0],
    [1e15, 1000, 1000],
    [Number.POSITIVE_INFINITY, 7, 7],
  ])('%d cells, %d rows: %d', (cells, rows, expected) => {
    expect(cardenas(cells, rows)).toBeCloseTo(expected, 3);
  });

  test('never more than cells or rows, and grows with both', () => {
    const count = fc.integer({ min: 1, max: 1_000_000_000 });
    fc.assert(
      fc.property(count, count, (cells, rows) => {
        const estimate = cardenas(cells, rows);
        expect(estimate).toBeLessThanOrEqual(Math.min(cells, rows));
        expect(cardenas(cells + 1, rows)).toBeGreaterThanOrEqual(estimate * (1 - 1e-9));
        expect(cardenas(cells, rows + 1)).toBeGreaterThanOrEqual(estimate * (1 - 1e-9));
      }),
      { seed: 41 },
    );
  });

  test('is near what random rows give', () => {
    const random = seededRandom(42);
    const seen = new Set(Array.from({ length: 5_000 }, () => random.integer(1, 3_000)));
    expect(Math.abs(cardenas(3_000, 5_000) / seen.size - 1)).toBeLessThan(0.03);
  });
});
