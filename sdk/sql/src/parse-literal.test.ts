import type { DataType } from '@tessera/columnar';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dateOf, formatDate, offsetAt } from './calendar.ts';
import { parseLiteral } from './parse-literal.ts';

const date: DataType = { kind: 'date' };
const timestamp: DataType = { kind: 'timestamp' };
const timestamptz: DataType = { kind: 'timestamptz' };

describe('eras', () => {
  test('the year before 1 AD is 1 BC, and there is no year 0', () => {
    const first = parseLiteral('0001-01-01', date, 'UTC');
    expect(parseLiteral('0001-12-31 BC', date, 'UTC')).toBe((first as number) - 1);
    expect(parseLiteral('0001-01-01 AD', date, 'UTC')).toBe(first);
    expect(parseLiteral('0000-01-01', date, 'UTC')).toBeUndefined();
    expect(parseLiteral('0003-02-29 BC', date, 'UTC')).toBeUndefined();
  });

  test('stand behind a time and its zone', () => {
    const noon = parseLiteral('0044-03-15 12:00:00 BC', timestamp, 'UTC');
    expect(noon).toBe(-63_517_780_800_000_000n);
    expect(parseLiteral('0044-03-15 13:00:00+01 BC', timestamptz, 'UTC')).toBe(noon);
    expect(parseLiteral('0044-03-15 13:00:00 BC', timestamptz, 'Etc/GMT-1')).toBe(noon);
    expect(parseLiteral('0044-03-15 12:00:00 bc', date, 'UTC')).toBe(
      parseLiteral('0044-03-15 BC', date, 'UTC'),
    );
  });

  test('any day is read from how PostgreSQL spells it', () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_180_064, max: 2_932_896 }), (days) => {
        const { year } = dateOf(days);
        const rest = formatDate(days).slice(-6);
        const shown = `${year > 0 ? year : 1 - year}`.padStart(4, '0') + rest;
        expect(parseLiteral(year > 0 ? shown : `${shown} BC`, date, 'UTC')).toBe(days);
      }),
      { seed: 7 },
    );
  });
});

test('an instant a moment before a whole second has the offset of its zone', () => {
  expect(offsetAt(-1n, 'Asia/Tokyo')).toBe(9n * 3_600_000_000n);
});
