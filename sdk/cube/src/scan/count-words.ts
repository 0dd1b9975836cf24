import { invariant } from '@tessera/base';
import {
  type Column,
  type ColumnBatch,
  columnFromValues,
  isNull,
  mergePartials,
  type Schema,
} from '@tessera/columnar';
import { exprKey, type } from '@tessera/sql';
import type { ScanAggregate, ScanPlan } from '../scan-plan.ts';
import { emptyScan, scanSchema } from './scan-result.ts';

/**
 * Distinct counts of which each part sends its words. The filter of a count travels as a group key, because a group of
 * which the filter keeps no row still counts, as 0: one plan gives all groups and the words of all counts.
 */
export function countWords(plan: ScanPlan): {
  readonly plan: ScanPlan;
  readonly combine: (batches: readonly ColumnBatch[]) => ColumnBatch;
} {
  const { aggregates, groupBy } = plan;
  const [first] = aggregates as readonly [ScanAggregate];
  const words = (each: ScanAggregate) => each.args.map(exprKey).join();
  invariant(
    aggregates.every((each) => each.fn === 'distinct' && words(each) === words(first)),
    'the distinct counts of a scan are over the same words',
  );
  const filters = aggregates.flatMap(({ filter }) => (filter === undefined ? [] : [filter]));
  const flags = filters.map((expr, i) => ({ name: `counted ${i}`, expr }));
  const sent: ScanPlan = {
    ...plan,
    groupBy: [...groupBy, ...flags],
    aggregates: [{ name: 'bits', fn: 'distinct_bits', args: first.args, type: type.bigint }],
  };
  return { plan: sent, combine: (batches) => count(plan, sent, batches) };
}

function count(plan: ScanPlan, sent: ScanPlan, batches: readonly ColumnBatch[]): ColumnBatch {
  const keyCount = plan.groupBy.length;
  const parts = batches.map((batch) => wordsPerCount(plan, sent, batch));
  const words = mergePartials(
    parts,
    keyCount + 1,
    plan.aggregates.map(() => 'bit_or'),
  );
  if (words.rowCount === 0) return emptyScan(plan);
  const counted = words.columns.slice(keyCount + 1).map(bitCounts);
  const schema: Schema = scanSchema(plan);
  const columns = [...words.columns.slice(0, keyCount), ...counted];
  const sums = plan.aggregates.map(() => 'sum' as const);
  return mergePartials([{ schema, rowCount: words.rowCount, columns }], keyCount, sums);
}

/** The group keys, the bucket, and for each count the words where its filter holds. */
function wordsPerCount(plan: ScanPlan, sent: ScanPlan, batch: ColumnBatch): ColumnBatch {
  const keyCount = plan.groupBy.length;
  const [bucketAt, bitsAt] = [sent.groupBy.length, sent.groupBy.length + 1];
  const bits = batch.columns[bitsAt]!;
  let flag = keyCount;
  const words = plan.aggregates.map(({ filter }) => {
    if (filter === undefined) return bits;
    return wordsWhere(bits, batch.columns[flag++]!);
  });
  const keys = batch.columns.slice(0, keyCount);
  const names = [...plan.aggregates].map(({ name }) => ({
    name,
    type: type.bigint,
    nullable: true,
  }));
  return {
    rowCount: batch.rowCount,
    schema: [...batch.schema.slice(0, keyCount), batch.schema[bucketAt]!, ...names],
    columns: [...keys, batch.columns[bucketAt]!, ...words],
  };
}

function wordsWhere(bits: Column, flag: Column): Column {
  const values = BigInt64Array.from(bits.values as BigInt64Array, (word, row) =>
    isNull(flag, row) || flag.values[row] !== 1 ? 0n : word,
  );
  return { ...bits, values };
}

function bitCounts(words: Column): Column {
  const values = words.values as BigInt64Array;
  const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const counts = Array.from(values, (_, row) =>
    isNull(words, row) ? 0n : BigInt(bitCount(halves[2 * row]!) + bitCount(halves[2 * row + 1]!)),
  );
  return columnFromValues(type.bigint, counts);
}

/** Of 32 bits, by adding up neighbours. */
function bitCount(half: number): number {
  let sums = half - ((half >>> 1) & 0x55555555);
  sums = (sums & 0x33333333) + ((sums >>> 2) & 0x33333333);
  return Math.imul((sums + (sums >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
