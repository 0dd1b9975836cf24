import { type Random, seededRandom } from '@tessera/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateDistinct, type Frequencies } from './distinct-estimate.ts';

function frequenciesOf(values: readonly number[]): Frequencies {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const frequencies = new Map<number, number>();
  for (const count of counts.values()) frequencies.set(count, (frequencies.get(count) ?? 0) + 1);
  return [...frequencies];
}

const rows = 200_000;

function uniform(values: number, { integer }: Random): number[] {
  return Array.from({ length: rows }, () => integer(1, values));
}

function zipf(values: number, exponent: number, { next }: Random): number[] {
  const bounds: number[] = [];
  for (let i = 1; i <= values; i++) bounds.push((bounds.at(-1) ?? 0) + i ** -exponent);
  return Array.from({ length: rows }, () => {
    const wanted = next() * bounds.at(-1)!;
    let [low, high] = [0, values - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (bounds[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

describe('estimateDistinct', () => {
  const random = seededRandom(17);
  test.each([
    { name: 'uniform, few', population: uniform(100, random) },
    { name: 'uniform, some', population: uniform(5_000, random) },
    { name: 'uniform, many', population: uniform(50_000, random) },
    { name: 'uniform, nearly unique', population: uniform(1_000_000, random) },
    { name: 'zipf 0.5, many', population: zipf(50_000, 0.5, random) },
    { name: 'zipf 1, some', population: zipf(5_000, 1, random) },
    { name: 'zipf 1, many', population: zipf(50_000, 1, random) },
    { name: 'zipf 1.5, many', population: zipf(50_000, 1.5, random) },
  ])('$name: a tenth of the rows tells it to a third', ({ population }) => {
    const sample = population.filter(() => random.next() < 0.1);
    const estimate = estimateDistinct(frequenciesOf(sample), sample.length, population.length);
    const truth = new Set(population).size;
    expect(estimate / truth).toBeGreaterThan(2 / 3);
    expect(estimate / truth).toBeLessThan(4 / 3);
  });

  test('a sample of all rows is counted', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 300 }), (values) => {
        const found = estimateDistinct(frequenciesOf(values), values.length, values.length);
        expect(found).toBe(new Set(values).size);
      }),
      { seed: 3 },
    );
  });

  test('few values, each seen often, are all there are', () => {
    expect(estimateDistinct([[200, 5]], 1_000, 1_000_000)).toBe(5);
  });

  test('nothing but values seen once may be as many as there are rows', () => {
    expect(estimateDistinct([[1, 1_000]], 1_000, 50_000)).toBeCloseTo(50_000, 6);
  });

  test('is never below what was seen, nor above what the rows have room for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 400 }),
        fc.integer({ min: 1, max: 1_000 }),
        (sample, factor) => {
          const rowCount = sample.length * factor;
          const found = estimateDistinct(frequenciesOf(sample), sample.length, rowCount);
          const seen = new Set(sample).size;
          expect(found).toBeGreaterThanOrEqual(seen * (1 - 1e-12));
          expect(found).toBeLessThanOrEqual(rowCount * (1 + 1e-12));
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });
});
