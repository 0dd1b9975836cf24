import { seededRandom } from '@tessera/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cuboidOf } from '../cuboid.ts';
import type { Model } from '../model.ts';
import { cardenas, cuboidRows, distinctFromSample, type Frequencies } from './row-count.ts';

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

describe('distinctFromSample', () => {
  const frequenciesOf = (values: readonly number[]): Frequencies => {
    const counts = new Map<number, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    const frequencies = new Map<number, number>();
    for (const n of counts.values()) frequencies.set(n, (frequencies.get(n) ?? 0) + 1);
    return [...frequencies];
  };

  test('is exact when all rows were sampled', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 }), { minLength: 1 }), (values) => {
        const distinct = new Set(values).size;
        expect(distinctFromSample(frequenciesOf(values), values.length, values.length)).toBe(
          distinct,
        );
      }),
      { seed: 43 },
    );
  });

  test('every row another value: all rows', () => {
    expect(distinctFromSample([[1, 1000]], 1000, 50_000)).toBe(50_000);
  });

  test('few values, each seen often: those', () => {
    expect(distinctFromSample([[200, 5]], 1000, 1_000_000)).toBe(5);
  });

  test('is within a factor of two on even data sampled at one in ten', () => {
    const random = seededRandom(44);
    const sample = Array.from({ length: 10_000 }, () => random.integer(1, 20_000));
    const estimate = distinctFromSample(frequenciesOf(sample), 10_000, 100_000);
    expect(estimate).toBeGreaterThan(10_000);
    expect(estimate).toBeLessThan(40_000);
  });
});

describe('cuboidRows', () => {
  const model = { hierarchies: [[0, 1]] } as unknown as Model;
  const statistics = {
    rowCount: 1_000_000,
    distinctValues: new Map([
      [0, 10],
      [1, 100],
      [2, 7],
    ]),
  };

  test('a coarser member of a hierarchy adds nothing to a finer one', () => {
    const rows = (...dimensions: number[]) => cuboidRows(model, cuboidOf(dimensions), statistics);
    expect(rows(0, 1)).toBe(rows(1));
    expect(rows(0, 2)).toBe(70);
    expect(rows(1, 2)).toBe(700);
    expect(rows()).toBe(1);
  });

  test('what was sampled is believed', () => {
    const distinctCombinations = new Map([[cuboidOf([1, 2]), 321]]);
    expect(cuboidRows(model, cuboidOf([1, 2]), { ...statistics, distinctCombinations })).toBe(321);
  });
});
