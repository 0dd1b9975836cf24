import { columnFromValues, type DataType, rescale } from '@tessera/columnar';
import { type Codes, Dictionary, emptyCodes, type NumberColumn } from '@tessera/columnar/tile';

/** What is coded: values in an array of one kind, with the places of NULLs. */
type Numbers = Pick<NumberColumn, 'nulls'> & {
  readonly values: ArrayLike<number | bigint> & Iterable<number | bigint>;
};

/** The different values of number columns, and the codes by which they stand in rows. */
export interface DistinctNumbers {
  readonly dictionary: Dictionary;
  codes(column: Numbers): Codes;
}

/**
 * The dictionary of columns that hold a type as numbers (decimals without their point): small ranges by a table with
 * a place for each number, others by sorting.
 */
export function distinctNumbers(type: DataType, columns: readonly Numbers[]): DistinctNumbers {
  const isBig = columns.some(
    ({ values }) => values instanceof BigInt64Array || Array.isArray(values),
  );
  return isBig
    ? sorted(type, columns, BigInt)
    : (byRange(type, columns) ?? sorted(type, columns, Number));
}

/** The largest table: four bytes for each number between the smallest and the largest. */
const maxRange = 1 << 22;

function byRange(type: DataType, columns: readonly Numbers[]): DistinctNumbers | undefined {
  if (type.kind === 'real' || type.kind === 'double') return undefined;
  const [low, high] = rangeOf(columns);
  if (high - low >= maxRange) return undefined;
  const table = new Uint32Array(high < low ? 0 : high - low + 1);
  for (const { values, nulls } of columns) {
    const numbers = values as ArrayLike<number>;
    for (let row = 0; row < numbers.length; row++) {
      if (nulls === undefined || nulls[row] === 0) table[numbers[row]! - low] = 1;
    }
  }
  const distinct: number[] = [];
  for (let i = 0; i < table.length; i++) {
    if (table[i] === 1) table[i] = distinct.push(low + i);
  }
  return {
    dictionary: dictionaryOf(type, distinct),
    codes: ({ values, nulls }) => {
      const numbers = values as ArrayLike<number>;
      const codes = emptyCodes(numbers.length, distinct.length + 1);
      for (let row = 0; row < numbers.length; row++) {
        if (nulls === undefined || nulls[row] === 0) codes[row] = table[numbers[row]! - low]!;
      }
      return codes;
    },
  };
}

function rangeOf(columns: readonly Numbers[]): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const { values, nulls } of columns) {
    const numbers = values as ArrayLike<number>;
    for (let row = 0; row < numbers.length; row++) {
      if (nulls !== undefined && nulls[row] === 1) continue;
      const value = numbers[row]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [low, high];
}

function sorted<T extends number | bigint>(
  type: DataType,
  columns: readonly Numbers[],
  read: (value: number | bigint) => T,
): DistinctNumbers {
  const seen = new Set<T>();
  for (const column of columns) each(column, read, (value) => seen.add(value));
  const distinct = [...seen].sort(ascending);
  const codeOf = new Map(distinct.map((value, i) => [value, i + 1]));
  return {
    dictionary: dictionaryOf(type, distinct),
    codes: (column) => {
      const codes = emptyCodes(column.values.length, distinct.length + 1);
      each(column, read, (value, row) => {
        codes[row] = codeOf.get(value)!;
      });
      return codes;
    },
  };
}

/** NaN is above every other number, as in PostgreSQL. */
function ascending(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

function each<T extends number | bigint>(
  { values, nulls }: Numbers,
  read: (value: number | bigint) => T,
  visit: (value: T, row: number) => void,
): void {
  for (let row = 0; row < values.length; row++) {
    if (nulls !== undefined && nulls[row] === 1) continue;
    const value = read(values[row]!);
    visit(Object.is(value, -0) ? (0 as T) : value, row);
  }
}

function dictionaryOf(type: DataType, distinct: readonly (number | bigint)[]): Dictionary {
  const unscaled: DataType = type.kind === 'numeric' ? { kind: 'numeric', scale: 0 } : type;
  const values = distinct.map(rescale(unscaled, 0));
  return Dictionary.of({ ...columnFromValues(unscaled, values), type });
}
