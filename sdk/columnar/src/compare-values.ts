import type { Interval, Value } from './column-batch.ts';

/**
 * PostgreSQL's order of two non-NULL values of one type: text bytewise (`C` collation), NaN above every
 * other float, false below true, intervals by their length with months of 30 days.
 */
export function compareValues(a: NonNullable<Value>, b: NonNullable<Value>): number {
  if (typeof a === 'string') return compareText(a, b as string);
  if (typeof a === 'number') return compareNumbers(a, b as number);
  if (a instanceof Uint8Array) return compareBytes(a, b as Uint8Array);
  if (typeof a === 'object') {
    return order(intervalMicros(a), intervalMicros(b as Interval));
  }
  return order(a, b as bigint | boolean);
}

/** Order of the UTF-8 bytes: that of code points, which differs from `<` where surrogates meet U+E000 and above. */
export function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codeUnitRank(x) - codeUnitRank(y);
  }
  return a.length - b.length;
}

function codeUnitRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

function order(a: bigint | boolean, b: bigint | boolean): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The length by which PostgreSQL compares intervals: months of 30 days, days of 24 hours. */
export function intervalMicros({ months, days, micros }: Interval): bigint {
  return (BigInt(months) * 30n + BigInt(days)) * 86_400_000_000n + micros;
}
