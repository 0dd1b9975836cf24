import { type Column, numberValues, takeColumn } from '@tessera/columnar';

/** What a group key has for each code: equal values have the same number. */
export interface DistinctKeys {
  readonly numbers: Uint32Array;
  readonly count: number;
  /** Value of each number. */
  readonly values: Column;
}

const known = new WeakMap<Column, DistinctKeys>();

/** Numbers the different values of a column; remembered with it. */
export function distinctKeys(column: Column): DistinctKeys {
  const before = known.get(column);
  if (before !== undefined) return before;
  const { numbers, firstRows } = numberValues(column);
  const keys = { numbers, count: firstRows.length, values: takeColumn(column, firstRows) };
  known.set(column, keys);
  return keys;
}
