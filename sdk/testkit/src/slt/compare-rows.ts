import { type DataType, formatValue, parseValue, type Value } from '@tessera/columnar';
import type { SltOrder } from './parse-slt.ts';

/**
 * How rows are compared: exactly, but for two things that PostgreSQL does not promise. Numerics are compared by value,
 * because the number of zeros at their end is only a matter of display. Binary floats may differ by the order in
 * which they were added: two sums of n numbers differ by less than n · 2⁻⁵² of the sum of their magnitudes, which for
 * the few hundred rows of a fixture is far below the bound.
 */
export const floatBound = 1e-12;

/** Where the rows differ from those wanted, in words; `undefined` when they do not. */
export function rowsDiffer(
  types: readonly DataType[],
  actual: readonly (readonly (string | null)[])[],
  wanted: readonly (readonly (string | null)[])[],
  order: SltOrder,
): string | undefined {
  const [mine, theirs] = [canonical(types, actual, order), canonical(types, wanted, order)];
  if (mine.length !== theirs.length) {
    return `${mine.length} rows, wanted ${theirs.length}: ${show(mine)} and not ${show(theirs)}`;
  }
  const at = mine.findIndex(
    (row, i) => !row.every((v, j) => sameValue(types[j]!, v, theirs[i]![j]!)),
  );
  return at < 0
    ? undefined
    : `row ${at + 1} is ${show([mine[at]!])} and not ${show([theirs[at]!])}`;
}

/** Values as text in PostgreSQL's form. */
export function rowsAsText(
  types: readonly DataType[],
  rows: readonly (readonly Value[])[],
): (string | null)[][] {
  return rows.map((row) =>
    row.map((value, i) => (value === null ? null : formatValue(types[i]!, value))),
  );
}

type Row = readonly (string | null)[];

function canonical(types: readonly DataType[], rows: readonly Row[], order: SltOrder): Row[] {
  const values = rows.map((row) =>
    row.map((value, i) => (value === null ? null : canonicalValue(types[i]!, value))),
  );
  if (order === 'nosort') return values;
  const key = (row: Row) => row.map((value, i) => sortKey(types[i]!, value)).join('\u0000');
  const keyed = values.map((row) => ({ row, key: key(row) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ row }) => row);
}

/** One spelling per value. */
function canonicalValue(type: DataType, text: string): string {
  if (type.kind === 'text' || type.kind === 'unknown') return text;
  const plain: DataType = type.kind === 'numeric' ? { kind: 'numeric' } : type;
  return formatValue(plain, parseValue(plain, text));
}

/** Floats that are nearly equal sort to the same place. */
function sortKey(type: DataType, value: string | null): string {
  if (value === null) return '\u0001NULL';
  if (type.kind !== 'double' && type.kind !== 'real') return value;
  return Number(value).toPrecision(type.kind === 'double' ? 9 : 5);
}

function sameValue(type: DataType, a: string | null, b: string | null): boolean {
  if (a === b || a === null || b === null) return a === b;
  if (type.kind !== 'double' && type.kind !== 'real') return false;
  const [x, y] = [Number(a), Number(b)];
  const bound = type.kind === 'double' ? floatBound : 1e-6;
  return Math.abs(x - y) <= bound * Math.max(1, Math.abs(x), Math.abs(y));
}

function show(rows: readonly Row[]): string {
  const text = rows.slice(0, 5).map((row) => `(${row.map((value) => value ?? 'NULL').join(', ')})`);
  return `${text.join(' ')}${rows.length > 5 ? ' …' : ''}`;
}
