import fc from 'fast-check';
import { expect, test } from 'vitest';
import { microsPerDay } from './calendar.ts';
import { addDays, addInterval } from './date-arithmetic.ts';
import { parseLiteral } from './parse-literal.ts';

const micros = (text: string) => parseLiteral(text, { kind: 'timestamp' }, 'UTC') as bigint;
const zero = { months: 0, days: 0, micros: 0n };

test('the first and the last date are dates, and the ones around them are not', () => {
  const first = parseLiteral('4714-11-24 BC', { kind: 'date' }, 'UTC') as number;
  expect([addDays(0, first), addDays(0, first - 1)]).toEqual([first, undefined]);
  // 5874897-12-31, whose Julian day is 2147483493.
  expect([addDays(first, 2_147_483_493), addDays(first + 1, 2_147_483_493)]).toEqual([
    2_147_483_493 + first,
    undefined,
  ]);
});

test('the first timestamp is midnight of the first date', () => {
  const first = micros('4714-11-24 BC');
  expect(addInterval(first + 1n, { ...zero, micros: 1n }, -1)).toBe(first);
  expect(addInterval(first, { ...zero, micros: 1n }, -1)).toBeUndefined();
});

test('a sum of any interval is there and back again, or out of range', () => {
  const interval = fc.record({
    months: fc.constant(0),
    days: fc.integer(),
    micros: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  });
  const start = fc.bigInt({ min: micros('4000-01-01 BC'), max: micros('90000-01-01') });
  fc.assert(
    fc.property(start, interval, (from, by) => {
      const exact = from + BigInt(by.days) * microsPerDay + by.micros;
      const held = exact >= micros('4714-11-24 BC') && exact < 2n ** 63n - 1n;
      const sum = addInterval(from, by, 1);
      expect(sum).toBe(held ? exact : undefined);
      if (sum !== undefined) expect(addInterval(sum, by, -1)).toBe(from);
    }),
    { seed: 11 },
  );
});

test('months lead to their own year, or out of range', () => {
  const monthOf = (year: number, month: number) => year * 12 + month - 1;
  fc.assert(
    fc.property(fc.integer(), (months) => {
      const sum = addInterval(micros('2024-01-01'), { ...zero, months }, 1);
      const month = monthOf(2024, 1) + months;
      // 4714 BC is the year -4713.
      expect(sum !== undefined).toBe(month >= monthOf(-4713, 12) && month <= monthOf(294_247, 1));
    }),
    { seed: 12 },
  );
});
