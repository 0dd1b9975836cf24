import { systemClock } from '@tessera/base';
import type { CuboidScanner, DaemonWork } from '@tessera/client';
import { type DataType, rowsOf, type Value } from '@tessera/columnar';
import {
  layoutPath,
  layoutRelation,
  type ScanAggregate,
  type ScanPlan,
  type SegmentRead,
  scanRelation,
} from '@tessera/cube';
import { AskingLocator, BroadcastScanner, fixedNodes, type SegmentLocator } from '@tessera/query';
import type { Expr } from '@tessera/sql';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cube, type ServedStorage, StorageCluster } from './storage-cluster.ts';

const text: DataType = { kind: 'text' };
const integer: DataType = { kind: 'integer' };
const bigint: DataType = { kind: 'bigint' };
const double: DataType = { kind: 'double' };
const numeric: DataType = { kind: 'numeric', precision: 38, scale: 2 };
const boolean: DataType = { kind: 'boolean' };

const col = (name: string, type: DataType, relation: string = layoutRelation): Expr => {
  return { kind: 'column', relation, name, type };
};
const lit = (type: DataType, value: Value): Expr => ({ kind: 'literal', type, value });
const call = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', fn, args, type: boolean });

const years = [2019, 2020, 2021, 2022, 2023];
const rowsOfYear = (year: number) => `
  SELECT ${year}::INTEGER AS year, 'city ' || lpad((range % 23 + ${year % 3})::VARCHAR, 2, '0') AS city,
         CASE WHEN range % 11 = 0 THEN NULL ELSE chr((97 + (range + ${year}) % 5)::INTEGER) END AS kind,
         ((range * 7919) % 100003 - 50000)::DECIMAL(38, 2) AS revenue, (range % 4)::BIGINT AS n,
         CASE WHEN range % 4 > 0 THEN (1e6 * (range % 4) + range % 13)::DOUBLE END AS s, (range % 3)::DOUBLE AS m2
  FROM range(${(year % 4) * 200 + 1}) ORDER BY city, kind`;
const word =
  'CASE WHEN id & 63 = 63 THEN -9223372036854775808 ELSE 1::BIGINT << (id & 63)::INTEGER END';
const wordsOfYear = (year: number) => `
  SELECT city, kind, id >> 6 AS bucket, bit_or(${word}) AS bits
  FROM (SELECT city, kind, ((n * 31 + hash(city) % 200)::BIGINT) % 300 AS id FROM (${rowsOfYear(year)})) GROUP BY ALL`;

/** With a year among the keys no two segments share a group. */
const yearsOf = (year: number): NonNullable<SegmentRead['columns']> => [
  { name: 'year', type: integer, role: 'dimension', minimum: year, maximum: year, hasNulls: false },
];

let cluster: StorageCluster;
/** Has every file. */
let whole: ServedStorage;
let parts: readonly ServedStorage[];
const reads: { rows: SegmentRead[]; words: SegmentRead[] } = { rows: [], words: [] };
beforeAll(async () => {
  cluster = await StorageCluster.open(4);
  [whole, ...parts] = cluster.daemons as [ServedStorage, ...ServedStorage[]];
  for (const year of years) {
    const segment = `s${year}`;
    const rows = { kind: 'layout', id: 'rows', segment } as const;
    const ofYear = { ...(await cluster.store(rows, rowsOfYear(year))), columns: yearsOf(year) };
    reads.rows.push(ofYear);
    reads.words.push(
      await cluster.store({ kind: 'layout', id: 'words', segment }, wordsOfYear(year)),
    );
  }
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** Says that each segment is where the split puts it, although all daemons have it. */
function splitBy(owners: readonly number[]): SegmentLocator {
  return {
    locate: async (files) =>
      files.map(({ segment }) => {
        const owner = owners[years.findIndex((year) => segment === `s${year}`)]!;
        return { daemons: [parts[owner]!.node.name], unasked: [] };
      }),
    forget: () => {},
  };
}

function scannerOver(locator: SegmentLocator): CuboidScanner {
  const nodes = parts.map(({ node }) => node);
  return new BroadcastScanner({
    nodes: fixedNodes(nodes),
    locator,
    clock: systemClock,
    maxPartialBytes: 1 << 24,
  });
}

async function rowsBy(
  scanner: CuboidScanner,
  plan: ScanPlan,
  onDaemonWork?: (work: DaemonWork) => void,
): Promise<Value[][]> {
  const signal = new AbortController().signal;
  const options = { parameters: ['b'], signal, ...(onDaemonWork ? { onDaemonWork } : {}) };
  return (await Array.fromAsync(scanner.scan(plan, options))).flatMap(rowsOf);
}

/** Rows in an order of their own; sums of floats may differ in their last digits by the order of adding. */
function shown(rows: readonly (readonly Value[])[], keepOrder: boolean): string[] {
  const show = (_: string, value: unknown) => {
    if (typeof value === 'bigint') return `${value}`;
    return typeof value === 'number' && !Number.isInteger(value) ? value.toPrecision(9) : value;
  };
  const lines = rows.map((row) => JSON.stringify(row, show));
  return keepOrder ? lines : lines.sort();
}

const keys = fc.subarray([
  { name: 'year', expr: col('year', integer) },
  { name: 'city', expr: col('city', text) },
  { name: 'kind', expr: col('kind', text) },
]);
const textKeys = keys.map((all) => all.filter(({ name }) => name !== 'year'));
const condition: fc.Arbitrary<Expr> = fc.constantFrom(
  call('=', col('kind', text), { kind: 'parameter', index: 0, type: text }),
  call('<', col('city', text), lit(text, 'city 09')),
  call('in', col('kind', text), lit(text, 'a'), lit(text, 'e')),
  call('not', call('is_null', col('kind', text))),
  call('=', col('city', text), lit(text, 'nowhere')),
);
const filter = fc.option(condition, { nil: undefined });

const deviations = [col('n', bigint), col('s', double), col('m2', double)];
const aggregate: fc.Arbitrary<Omit<ScanAggregate, 'name' | 'filter'>> = fc.constantFrom(
  { fn: 'sum', args: [col('revenue', numeric)], type: numeric },
  { fn: 'sum', args: [col('s', double)], type: double },
  { fn: 'count_sum', args: [col('n', bigint)], type: bigint },
  { fn: 'min', args: [col('city', text)], type: text },
  { fn: 'max', args: [col('revenue', numeric)], type: numeric },
  { fn: 'm2', args: deviations, type: double },
);
const aggregates = fc.array(fc.tuple(aggregate, filter), { maxLength: 4 }).map((all) =>
  all.map(
    ([each, only], i): ScanAggregate => ({
      ...each,
      name: `a${i}`,
      ...(only === undefined ? {} : { filter: only }),
    }),
  ),
);
const wordArgs = [col('bucket', bigint), col('bits', bigint)];
const counts = fc.array(filter, { minLength: 1, maxLength: 3 }).map((filters) =>
  filters.map(
    (only, i): ScanAggregate => ({
      name: `d${i}`,
      fn: 'distinct',
      args: wordArgs,
      type: bigint,
      ...(only === undefined ? {} : { filter: only }),
    }),
  ),
);
const words = fc.constant<readonly ScanAggregate[]>([
  { name: 'bits', fn: 'distinct_bits', args: wordArgs, type: bigint },
]);

const chosen = fc.subarray(
  years.map((_, i) => i),
  { minLength: 1 },
);
const rowPlan = fc
  .record({ chosen, groupBy: keys, filter, aggregates })
  .map(({ chosen: years, ...rest }) => planOf('rows', reads.rows, years, rest));
const wordPlan = fc
  .record({ chosen, groupBy: textKeys, filter, aggregates: fc.oneof(counts, words) })
  .map(({ chosen: years, ...rest }) => planOf('words', reads.words, years, rest));

function planOf(
  layout: string,
  all: readonly SegmentRead[],
  indexes: readonly number[],
  {
    filter: only,
    ...rest
  }: Pick<ScanPlan, 'groupBy' | 'aggregates'> & { filter: Expr | undefined },
): ScanPlan {
  const segments = indexes.map((index) => all[index]!);
  return { cube, layout, segments, lookups: [], ...rest, ...(only ? { filter: only } : {}) };
}

/** An order by all columns has one outcome, whoever finds it. Floats are left out: they differ in their last digits. */
function withTopK(plan: ScanPlan, limit: number, descending: boolean): ScanPlan {
  const bits = plan.aggregates.some(({ fn }) => fn === 'distinct_bits');
  if (bits || plan.groupBy.length === 0) return plan;
  const exact = plan.aggregates.filter(({ type }) => type.kind !== 'double');
  const columns = [
    ...exact.map(({ name, type }) => col(name, type, scanRelation)),
    ...plan.groupBy.map(({ name, expr }) => col(name, expr.type, scanRelation)),
  ];
  const orderBy = columns.map((expr) => ({ expr, descending, nullsFirst: !descending }));
  return { ...plan, topK: { limit, orderBy } };
}

describe('a scan over three storage daemons', () => {
  test('gives the rows that one daemon with all segments gives, for any plan and any split', async () => {
    const top = fc.option(fc.tuple(fc.integer({ min: 0, max: 8 }), fc.boolean()), {
      nil: undefined,
    });
    const owners = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 5, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(rowPlan, wordPlan), top, owners, async (all, first, split) => {
        const plan = first === undefined ? all : withTopK(all, ...first);
        const wanted = await rowsBy(whole.node.scanner, plan);
        const rows = await rowsBy(scannerOver(splitBy(split)), plan);
        const ordered = plan.topK !== undefined;
        expect(shown(rows, ordered)).toEqual(shown(wanted, ordered));
      }),
      { numRuns: 200, seed: 7, endOnFailure: true },
    );
  });

  test('finds out who has what, goes to another replica when one lost a file, and says when none is left', async () => {
    const segment = 'lost';
    const holders = parts.slice(0, 2);
    const file = { kind: 'layout', id: 'gone', segment } as const;
    const read = await cluster.store(file, rowsOfYear(2023), holders);
    const stored = { cube, layout: 'gone', segment, fileDigest: read.fileDigest };
    // Nothing is loaded in the background any more when the file goes.
    const signal = new AbortController().signal;
    for (const { storage } of holders) await storage.daemon.warmUp([stored], signal);
    const nodes = parts.map(({ node }) => node);
    const scanner = scannerOver(new AskingLocator(fixedNodes(nodes), systemClock));
    const plan = planOf('gone', [read], [0], {
      groupBy: [{ name: 'kind', expr: col('kind', text) }],
      aggregates: [{ name: 'n', fn: 'count_sum', args: [col('n', bigint)], type: bigint }],
      filter: undefined,
    });
    const work: DaemonWork[] = [];
    const wanted = await rowsBy(scanner, plan, (each) => work.push(each));
    const [first] = work as [DaemonWork];
    expect(first).toMatchObject({ outcome: 'answered', rowCount: wanted.length, segmentCount: 1 });
    expect(Math.min(first.wireBytes, first.sentBytes)).toBeGreaterThan(100);
    expect(first.work).toMatchObject({ source: 'tiles', blocksRead: 1, rowsScanned: 601 });
    const drop = async (holder: ServedStorage | undefined) => {
      expect(await holder!.storage.daemon.drop([layoutPath(stored)])).toMatchObject({
        deletedFiles: 1,
      });
    };
    await drop(holders.find(({ node }) => node.name === first.daemon));
    work.length = 0;
    const again = await rowsBy(scanner, plan, (each) => work.push(each));
    expect(shown(again, false)).toEqual(shown(wanted, false));
    const told = work.map(({ daemon, attempt, outcome }) => ({ daemon, attempt, outcome }));
    expect(told).toEqual([
      { daemon: first.daemon, attempt: 'first', outcome: 'failed' },
      { daemon: expect.not.stringContaining(first.daemon), attempt: 'retry', outcome: 'answered' },
    ]);
    await drop(holders.find(({ node }) => node.name !== first.daemon));
    await expect(rowsBy(scanner, plan)).rejects.toMatchObject({ reason: 'LAYOUT_NOT_STORED' });
  });
});
