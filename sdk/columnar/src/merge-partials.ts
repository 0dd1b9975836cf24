import { invariant } from '@tessera/base';
import { concatBatches, takeColumn } from './batch-operations.ts';
import { type Column, type ColumnBatch, isNull, valueAt } from './column-batch.ts';
import { columnFromValues } from './column-builder.ts';
import { compareValues } from './compare-values.ts';
import type { DataType } from './data-type.ts';
import { outOfRange } from './errors.ts';
import { numberValues } from './number-values.ts';

/**
 * How a partial aggregate column merges. `m2` stands three times in a row, for the columns count, sum and
 * m2 (sum of squared deviations). `bit_or`: words of bits, bigint. `none`: no two rows of a group may meet.
 */
export type MergeFunction = 'sum' | 'min' | 'max' | 'm2' | 'bit_or' | 'none';

/**
 * Merges partial aggregates: one row per group of equal keys (the first `keyCount` columns; NULL equals
 * NULL), groups in the order in which they first came. NULL partials do not count; a group of NULLs stays NULL.
 *
 * @throws NUMERIC_OUT_OF_RANGE when a sum leaves the type of its column.
 */
export function mergePartials(
  batches: readonly ColumnBatch[],
  keyCount: number,
  merges: readonly MergeFunction[],
): ColumnBatch {
  invariant(batches.length > 0, 'there is a batch to merge');
  const schema = batches[0]!.schema;
  invariant(schema.length === keyCount + merges.length, 'one merge function per partial column');
  const all = concatBatches(schema, batches);
  const grouping = groupRows(all.columns.slice(0, keyCount), all.rowCount);
  if (grouping.firstRows.length === all.rowCount) return all;
  const columns = all.columns
    .slice(0, keyCount)
    .map((column) => takeColumn(column, grouping.firstRows));
  for (let i = 0; i < merges.length; ) {
    const merge = merges[i]!;
    const width = merge === 'm2' ? 3 : 1;
    const parts = all.columns.slice(keyCount + i, keyCount + i + width);
    invariant(parts.length === width, 'm2 partials come in threes');
    columns.push(...mergeColumns(merge, parts, grouping));
    i += width;
  }
  return { schema, rowCount: grouping.firstRows.length, columns };
}

interface Grouping {
  /** Group of each row. */
  readonly groups: Uint32Array;
  /** First row of each group. */
  readonly firstRows: readonly number[];
}

/** Numbers the groups column by column: (group so far, value) pairs get dense ids. */
function groupRows(keys: readonly Column[], rowCount: number): Grouping {
  invariant(rowCount < 0x4000000, 'a merge has fewer than 2^26 rows');
  let groups = new Uint32Array(rowCount);
  let firstRows = rowCount > 0 ? [0] : [];
  for (const column of keys) {
    const { numbers: codes } = numberValues(column);
    const ids = new Map<number, number>();
    const next = new Uint32Array(rowCount);
    firstRows = [];
    for (let row = 0; row < rowCount; row++) {
      const pair = groups[row]! * 0x4000000 + codes[row]!;
      let id = ids.get(pair);
      if (id === undefined) {
        id = ids.size;
        ids.set(pair, id);
        firstRows.push(row);
      }
      next[row] = id;
    }
    groups = next;
  }
  return { groups, firstRows };
}

function mergeColumns(
  merge: MergeFunction,
  parts: readonly Column[],
  grouping: Grouping,
): Column[] {
  const [column] = parts as [Column];
  switch (merge) {
    case 'sum':
      return [mergeSum(column, grouping)];
    case 'min':
      return [mergeExtreme(column, grouping, -1)];
    case 'max':
      return [mergeExtreme(column, grouping, 1)];
    case 'm2':
      return mergeM2(parts as readonly [Column, Column, Column], grouping);
    case 'bit_or':
      return [mergeBits(column, grouping)];
    case 'none':
      throw new Error(
        'Broken invariant: two parts of one group meet in a column that cannot merge',
      );
  }
}

function mergeSum(column: Column, { groups, firstRows }: Grouping): Column {
  const sums = new Array<number | bigint | null>(firstRows.length).fill(null);
  for (let row = 0; row < groups.length; row++) {
    if (isNull(column, row)) continue;
    const value = column.values[row] as number | bigint;
    const sum = sums[groups[row]!]!;
    sums[groups[row]!] = sum === null ? value : (sum as number) + (value as number);
  }
  const range = integerRange(column.type);
  if (range && sums.some((sum) => sum !== null && (sum < range.low || sum > range.high))) {
    throw outOfRange(column.type);
  }
  return columnFromValues(column.type, sums);
}

/** Range of the types whose sums would wrap in their array. */
function integerRange(type: DataType): { low: number | bigint; high: number | bigint } | undefined {
  switch (type.kind) {
    case 'smallint':
      return { low: -32_768, high: 32_767 };
    case 'integer':
      return { low: -2_147_483_648, high: 2_147_483_647 };
    case 'bigint':
      return { low: -(2n ** 63n), high: 2n ** 63n - 1n };
    default:
      return undefined;
  }
}

function mergeExtreme(column: Column, { groups, firstRows }: Grouping, sign: 1 | -1): Column {
  const best = new Array<number>(firstRows.length).fill(-1);
  for (let row = 0; row < groups.length; row++) {
    if (isNull(column, row)) continue;
    const held = best[groups[row]!]!;
    if (held < 0 || compareValues(valueAt(column, row)!, valueAt(column, held)!) * sign > 0) {
      best[groups[row]!] = row;
    }
  }
  return columnFromValues(
    column.type,
    best.map((row) => (row < 0 ? null : valueAt(column, row))),
  );
}

function mergeBits(column: Column, { groups, firstRows }: Grouping): Column {
  const words = new Array<bigint | null>(firstRows.length).fill(null);
  for (let row = 0; row < groups.length; row++) {
    if (isNull(column, row)) continue;
    words[groups[row]!] = (words[groups[row]!] ?? 0n) | (column.values[row] as bigint);
  }
  return columnFromValues(column.type, words);
}

/** Chan, Golub and LeVeque: M2 = M2a + M2b + delta² · na · nb / (na + nb), stable where sums of squares cancel. */
function mergeM2(
  parts: readonly [Column, Column, Column],
  { groups, firstRows }: Grouping,
): Column[] {
  const [counts, sums, squares] = parts;
  const count = new Float64Array(firstRows.length);
  const sum = new Float64Array(firstRows.length);
  const m2 = new Float64Array(firstRows.length);
  for (let row = 0; row < groups.length; row++) {
    const n = isNull(counts, row) ? 0 : Number(counts.values[row]);
    if (n === 0) continue;
    const group = groups[row]!;
    const [rowSum, rowM2] = [Number(sums.values[row]), Number(squares.values[row])];
    const held = count[group]!;
    if (held === 0) {
      m2[group] = rowM2;
      sum[group] = rowSum;
    } else {
      const delta = rowSum / n - sum[group]! / held;
      m2[group] = m2[group]! + rowM2 + delta * delta * ((held * n) / (held + n));
      sum[group] = sum[group]! + rowSum;
    }
    count[group] = held + n;
  }
  const known = (values: Float64Array) =>
    Array.from(values, (value, group) => (count[group] === 0 ? null : value));
  const countValues = Array.from(count, (value) =>
    counts.type.kind === 'bigint' || counts.type.kind === 'numeric' ? BigInt(value) : value,
  );
  return [
    columnFromValues(counts.type, countValues),
    columnFromValues(sums.type, known(sum)),
    columnFromValues(squares.type, known(m2)),
  ];
}
