import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  batchFromRows,
  columnFromValues,
  compareText,
  mergePartials,
  rowsOf,
  type Schema,
  sliceBatch,
  takeRows,
  type Value,
} from './index.ts';

const field = (name: string, kind: 'text' | 'integer' | 'bigint' | 'double' | 'date') => ({
  name,
  type: { kind } as const,
  nullable: true,
});

describe('mergePartials', () => {
  const schema: Schema = [
    field('k', 'text'),
    field('j', 'integer'),
    field('s', 'bigint'),
    field('lo', 'text'),
    field('hi', 'double'),
  ];
  const merges = ['sum', 'min', 'max'] as const;
  const row = fc.tuple(
    fc.option(fc.constantFrom('a', 'b', 'ab', '')),
    fc.option(fc.integer({ min: 0, max: 2 })),
    fc.option(fc.bigInt({ min: -1000n, max: 1000n })),
    fc.option(fc.string()),
    fc.option(fc.double({ noNaN: true })),
  );

  test('gives what grouping the rows one by one gives, however they are split into batches', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), fc.nat(60), (rows, cut) => {
        const parts = [rows.slice(0, cut), rows.slice(cut)].map((r) => batchFromRows(schema, r));
        const merged = new Map(
          rowsOf(mergePartials(parts, 2, merges)).map(([k, j, ...rest]) => [
            JSON.stringify([k, j]),
            rest,
          ]),
        );
        expect(merged).toEqual(naive(rows));
      }),
    );
  });

  /** The definition, spelled out. */
  function naive(rows: readonly (readonly Value[])[]): Map<string, Value[]> {
    const groups = new Map<string, Value[]>();
    for (const [k, j, s, lo, hi] of rows as [
      Value,
      Value,
      bigint | null,
      string | null,
      number | null,
    ][]) {
      const key = JSON.stringify([k, j]);
      const held = (groups.get(key) ?? [null, null, null]) as [
        bigint | null,
        string | null,
        number | null,
      ];
      groups.set(key, [
        s === null ? held[0] : s + (held[0] ?? 0n),
        lo === null || (held[1] !== null && compareText(held[1], lo) <= 0) ? held[1] : lo,
        hi === null || (held[2] !== null && held[2] >= hi) ? held[2] : hi,
      ]);
    }
    return groups;
  }

  test('without keys there is one row', () => {
    const sums: Schema = [field('s', 'bigint')];
    const parts = [[[1n]], [[null]], [[41n]]].map((rows) => batchFromRows(sums, rows));
    expect(rowsOf(mergePartials(parts, 0, ['sum']))).toEqual([[42n]]);
  });

  test('a bigint sum that overflows is an error, not a wrapped number', () => {
    const sums: Schema = [field('s', 'bigint')];
    const batch = batchFromRows(sums, [[2n ** 63n - 1n], [1n]]);
    expect(() => mergePartials([batch], 0, ['sum'])).toThrow(
      expect.objectContaining({ reason: 'NUMERIC_OUT_OF_RANGE' }),
    );
  });

  test('m2 triples merge to the squared deviations of all rows, where sums of squares would cancel', () => {
    const shape: Schema = [field('n', 'bigint'), field('s', 'double'), field('m2', 'double')];
    const offset = 1e9; // Squares need 18 digits: the textbook formula loses everything.
    const part = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 6 }), (parts) => {
        const rows = parts.map((values): Value[] => {
          const shifted = values.map((v) => v + offset);
          return values.length === 0
            ? [0n, null, null]
            : [BigInt(values.length), sum(shifted), deviations(shifted)];
        });
        const [merged] = rowsOf(mergePartials([batchFromRows(shape, rows)], 0, ['m2', 'm2', 'm2']));
        const all = parts.flat().map((v) => v + offset);
        expect(merged![0]).toBe(BigInt(all.length));
        if (all.length === 0) expect(merged![2]).toBeNull();
        else expect(Math.abs((merged![2] as number) - deviations(all))).toBeLessThan(1e-3);
      }),
    );
  });

  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  function deviations(values: readonly number[]): number {
    const mean = sum(values) / values.length;
    return sum(values.map((v) => (v - mean) ** 2));
  }
});

describe('batches', () => {
  test('slices and selections keep values and NULLs in place', () => {
    const schema: Schema = [field('a', 'integer'), field('d', 'date')];
    const values = fc.array(fc.tuple(fc.option(fc.integer()), fc.option(fc.integer())));
    fc.assert(
      fc.property(values, fc.nat(20), fc.nat(20), (rows, start, end) => {
        const batch = batchFromRows(schema, rows);
        expect(rowsOf(sliceBatch(batch, start, end))).toEqual(
          rows.slice(start, Math.max(start, end)),
        );
        const indexes = rows.map((_, i) => i).reverse();
        expect(rowsOf(takeRows(batch, indexes))).toEqual(rows.toReversed());
      }),
    );
  });

  test('a column without NULLs has no validity bits', () => {
    expect(columnFromValues({ kind: 'integer' }, [1, 2]).validity).toBeUndefined();
  });

  test('text is ordered by its UTF-8 bytes, also where UTF-16 differs', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const bytes = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(Math.sign(compareText(a, b))).toBe(bytes);
      }),
    );
  });
});
