import { type DataType, formatValue, type Value } from '@tessera/columnar';

/**
 * Two answers compared as bags of rows, or in order. Everything is exact but binary floats. The doubles of the generated
 * tables are multiples of 1/8 below 2^7, so their sums and the sums of their squares are exact in whatever order they are
 * added, and an average is one rounded division of exact numbers. What is left are variances, where one way takes the
 * deviations from the mean of each part and the other from the mean of all: a few roundings of 2^-53 each, relative to sums
 * of at most 300 squares of at most 10^4. That is below 10^-9 absolutely and 10^-11 of the value; the bound is 10^-9 of the
 * larger of the value and 1.
 */
export const floatBound = 1e-9;

type Row = readonly Value[];

/** Where the rows differ, in words; `undefined` when they do not. */
export function difference(
  types: readonly DataType[],
  actual: readonly Row[],
  wanted: readonly Row[],
  ordered: boolean,
): string | undefined {
  const mine = keyed(types, actual, ordered);
  const theirs = keyed(types, wanted, ordered);
  const at = mine.findIndex((row, i) => !sameRow(types, row, theirs[i]));
  if (at < 0 && mine.length === theirs.length) return undefined;
  if (mine.length !== theirs.length) {
    return `${mine.length} rows and not ${theirs.length}: ${show(types, mine)} and not ${show(types, theirs)}`;
  }
  return `a row is ${show(types, [mine[at]!])} and not ${show(types, [theirs[at]!])}`;
}

function keyed(types: readonly DataType[], rows: readonly Row[], ordered: boolean): readonly Row[] {
  if (ordered) return rows;
  const withKeys = rows.map((row) => ({
    row,
    key: row.map((v, i) => keyOf(types[i]!, v)).join('\u0000'),
  }));
  return withKeys
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ row }) => row);
}

/** Floats that are nearly equal sort together unless they straddle a step, which the exact columns before them prevent. */
function keyOf(type: DataType, value: Value): string {
  if (value === null) return '\u0001';
  if (type.kind === 'double' || type.kind === 'real') return (value as number).toPrecision(6);
  return typeof value === 'object' ? formatValue(type, value) : String(value);
}

function sameRow(types: readonly DataType[], a: Row, b: Row | undefined): boolean {
  return b !== undefined && a.every((value, i) => sameValue(types[i]!, value, b[i]!));
}

function sameValue(type: DataType, a: Value, b: Value): boolean {
  if (a === b || a === null || b === null) return a === b;
  if (type.kind === 'double' || type.kind === 'real') {
    const [x, y] = [a as number, b as number];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) && Number.isNaN(y);
    return x === y || Math.abs(x - y) <= floatBound * Math.max(1, Math.abs(x), Math.abs(y));
  }
  return typeof a === 'object' && formatValue(type, a) === formatValue(type, b);
}

function show(types: readonly DataType[], rows: readonly Row[]): string {
  const texts = rows
    .slice(0, 6)
    .map(
      (row) =>
        `(${row.map((v, i) => (v === null ? 'NULL' : formatValue(types[i]!, v))).join(', ')})`,
    );
  return `${texts.join(' ')}${rows.length > 6 ? ' …' : ''}`;
}
