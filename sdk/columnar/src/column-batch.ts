import type { DataType, Schema } from './data-type.ts';

/**
 * A batch of rows, column by column; a plain value that a daemon may send, merge or cache.
 *
 * | type | values |
 * | --- | --- |
 * | boolean | `Uint8Array`, 0 or 1 |
 * | smallint, integer | `Int16Array`, `Int32Array` |
 * | bigint | `BigInt64Array` |
 * | real, double | `Float32Array`, `Float64Array` |
 * | date | `Int32Array`, days since 1970-01-01 |
 * | time, timestamp, timestamptz | `BigInt64Array`, microseconds |
 * | numeric | `bigint[]`, unscaled; the scale is the type's, or `unconstrainedScale` |
 * | text | `string[]` |
 * | bytes | `Uint8Array[]` |
 * | interval | `{ months, days, micros }[]` |
 *
 * What stands at a NULL's place in `values` has no meaning.
 */
export interface ColumnBatch {
  readonly schema: Schema;
  readonly rowCount: number;
  readonly columns: readonly Column[];
}

export interface Column {
  readonly type: DataType;
  readonly values: ColumnValues;
  /** One bit per row, least significant first, 1 = not NULL (as Arrow has it). Absent: no NULLs. */
  readonly validity?: Uint8Array;
}

export type ColumnValues =
  | Uint8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | bigint[]
  | string[]
  | Uint8Array[]
  | Interval[];

export interface Interval {
  readonly months: number;
  readonly days: number;
  readonly micros: bigint;
}

/**
 * One value, `null` for NULL: boolean → boolean; smallint, integer, real, double → number; date → number of
 * days; bigint, time, timestamp(tz) → bigint; numeric → unscaled bigint (scale: the type's); text → string.
 */
export type Value = boolean | number | bigint | string | Uint8Array | Interval | null;

export function isNull(column: Column, row: number): boolean {
  return column.validity !== undefined && ((column.validity[row >> 3]! >> (row & 7)) & 1) === 0;
}

export function valueAt(column: Column, row: number): Value {
  if (isNull(column, row)) return null;
  const value = column.values[row] as Value;
  return column.type.kind === 'boolean' ? value === 1 : value;
}
