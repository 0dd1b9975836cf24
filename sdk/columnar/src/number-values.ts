import { type Column, type Interval, isNull } from './column-batch.ts';
import { intervalMicros } from './compare-values.ts';

export interface NumberedValues {
  /** For each row a number; equal values have the same, and NULL is a value of its own. */
  readonly numbers: Uint32Array;
  /** The first row of each number. */
  readonly firstRows: readonly number[];
}

/** Numbers the different values of a column in the order in which they first come. */
export function numberValues(column: Column): NumberedValues {
  const numbers = new Uint32Array(column.values.length);
  const seen = new Map<unknown, number>();
  const firstRows: number[] = [];
  for (let row = 0; row < numbers.length; row++) {
    const key = isNull(column, row) ? null : hashable(column.values[row]);
    let number = seen.get(key);
    if (number === undefined) {
      number = firstRows.push(row) - 1;
      seen.set(key, number);
    }
    numbers[row] = number;
  }
  return { numbers, firstRows };
}

/** A `Map` key that is equal where PostgreSQL's `=` holds (`Map` itself takes -0 for 0 and NaN for NaN). */
function hashable(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  return intervalMicros(value as Interval);
}
