import {
  type ColumnBatch,
  concatBatches,
  type MergeFunction,
  mergePartials,
} from '@tessera/columnar';
import { type Expr, exprKey, NotCompiled, type } from '@tessera/sql';
import { castTo } from '../match/expressions.ts';
import type { ScanAggregate, ScanPlan } from '../scan-plan.ts';
import { countWords } from './count-words.ts';
import { firstByKeys } from './first-by-keys.ts';
import { firstRows } from './first-rows.ts';
import { groupsApart } from './groups-apart.ts';
import { emptyScan, scanSchema } from './scan-result.ts';

/** A scan that several daemons share, each reading some of the segments. */
export interface PartialScan {
  /** What each is sent, with its own segments in the place of all. */
  readonly plan: ScanPlan;
  /** The rows of the whole scan from the batches of all of them. @throws NUMERIC_OUT_OF_RANGE */
  readonly combine: (batches: readonly ColumnBatch[]) => ColumnBatch;
}

/**
 * Splits a scan into what can be computed apart and how that is put together. Where no two segments share a group, each
 * part is whole, with its own first rows. Otherwise distinct counts do not add up, so their words travel and are counted at
 * the end, and the first rows of the parts are not those of the whole: all groups travel and the order is applied to
 * them merged, unless it is an order of the groups' keys.
 */
export function partialScan(plan: ScanPlan): PartialScan {
  if (plan.segments.length > 1 && groupsApart(plan)) {
    const schema = scanSchema(plan);
    const first = firstWhereCompiled(plan);
    return { plan, combine: (batches) => first(concatBatches(schema, batches)) };
  }
  const { topK, ...allGroups } = plan;
  const counts = plan.aggregates.some(({ fn }) => fn === 'distinct');
  const split = counts ? countWords(allGroups) : rollUp(allGroups);
  const firstOfPart = firstByKeys(plan);
  // The same order as in the parts: by another one, groups that some part cut off might come first.
  const first = firstWhereCompiled(
    firstOfPart === undefined ? plan : { ...plan, topK: firstOfPart },
  );
  return {
    plan: firstOfPart === undefined ? split.plan : { ...split.plan, topK: firstOfPart },
    combine: (batches) =>
      first(batches.length === 0 ? emptyScan(allGroups) : split.combine(batches)),
  };
}

/** Whoever asks for the first rows orders them again, so more of them are no harm. */
function firstWhereCompiled(plan: ScanPlan): (batch: ColumnBatch) => ColumnBatch {
  try {
    return firstRows(plan.topK, scanSchema(plan));
  } catch (error) {
    if (error instanceof NotCompiled) return (batch) => batch;
    throw error;
  }
}

/** A column of the merge: which of the sent aggregates it is, and how it merges. */
interface MergedColumn {
  readonly sent: number;
  readonly merge: MergeFunction;
}

function rollUp(plan: ScanPlan): PartialScan {
  if (plan.aggregates.some(({ fn }) => fn === 'distinct_bits')) return mergeWords(plan);
  const sent = new SentAggregates();
  const merged: MergedColumn[] = [];
  const outputs = plan.aggregates.map((aggregate) => {
    merged.push(...columnsOf(aggregate, sent));
    return merged.length - 1;
  });
  const partial = { ...plan, aggregates: sent.all };
  const keyCount = plan.groupBy.length;
  const keys = plan.groupBy.map((_, i) => i);
  const wanted = [...keys, ...merged.map((column) => keyCount + column.sent)];
  const merges = merged.map(({ merge }) => merge);
  return {
    plan: partial,
    combine: (batches) => {
      const parts = batches.map((batch) => pick(batch, wanted));
      const rows = mergePartials(parts, keyCount, merges);
      const picked = pick(rows, [...keys, ...outputs.map((index) => keyCount + index)]);
      return { ...picked, schema: scanSchema(plan) };
    },
  };
}

/** What is to be sent, each aggregate once. */
class SentAggregates {
  readonly #indexes = new Map<string, number>();
  readonly #all: ScanAggregate[] = [];

  get all(): readonly ScanAggregate[] {
    return this.#all;
  }

  /** The place of the aggregate among those sent. */
  add(aggregate: ScanAggregate): number {
    const { fn, args, filter } = aggregate;
    const key = [fn, ...args.map(exprKey), `filter ${filter && exprKey(filter)}`].join('\n');
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    const index = this.#all.push(aggregate) - 1;
    this.#indexes.set(key, index);
    return index;
  }
}

/** Deviations merge with the count and the sum that they belong to, and stand last of the three. */
function columnsOf(aggregate: ScanAggregate, sent: SentAggregates): MergedColumn[] {
  const { fn, args, filter, name } = aggregate;
  if (fn !== 'm2') {
    const merge = fn === 'min' || fn === 'max' ? fn : 'sum';
    return [{ sent: sent.add(aggregate), merge }];
  }
  const [count, sum] = args as readonly [Expr, Expr, Expr];
  const only = filter === undefined ? {} : { filter };
  const value = castTo(sum, type.double);
  const three: readonly ScanAggregate[] = [
    { name: `${name} count`, fn: 'count_sum', args: [count], type: count.type, ...only },
    { name: `${name} sum`, fn: 'sum', args: [value], type: type.double, ...only },
    aggregate,
  ];
  return three.map((each) => ({ sent: sent.add(each), merge: 'm2' }));
}

function mergeWords(plan: ScanPlan): PartialScan {
  const keyCount = plan.groupBy.length + 1;
  return { plan, combine: (batches) => mergePartials(batches, keyCount, ['bit_or']) };
}

function pick({ schema, columns, rowCount }: ColumnBatch, indexes: readonly number[]): ColumnBatch {
  return {
    rowCount,
    schema: indexes.map((index) => schema[index]!),
    columns: indexes.map((index) => columns[index]!),
  };
}
