import {
  batchFromRows,
  type ColumnBatch,
  type DataType,
  mergePartials,
  rowsOf,
  type Value,
} from '@tessera/columnar';
import type { Expr, OrderItem } from '@tessera/sql';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layoutRelation, type ScanAggregate, type ScanPlan, scanRelation } from '../scan-plan.ts';
import type { LayoutColumn } from '../segment.ts';
import { firstRows } from './first-rows.ts';
import { partialScan } from './partial-scan.ts';
import { scanSchema } from './scan-result.ts';

const types = {
  word: { kind: 'text' },
  price: { kind: 'numeric', precision: 38, scale: 2 },
  day: { kind: 'date' },
  n: { kind: 'bigint' },
  float: { kind: 'double' },
} as const satisfies Readonly<Record<string, DataType>>;
type Name = keyof typeof types;
type Row = Readonly<Record<Name, Value>>;

const col = (name: string, type: DataType, relation: string = layoutRelation): Expr => {
  return { kind: 'column', relation, name, type };
};

// U+FF5E is above the surrogates of U+1F600 in UTF-16, and below it in bytes.
const words = ['', 'A', 'Z', 'a', 'ab', 'é', '\uff5e', '\u{1f600}'];
const row: fc.Arbitrary<Row> = fc.record({
  word: fc.option(fc.constantFrom(...words), { nil: null }),
  price: fc.option(fc.bigInt({ min: -3n, max: 3n }), { nil: null }),
  day: fc.option(fc.integer({ min: -2, max: 2 }), { nil: null }),
  n: fc.bigInt({ min: 0n, max: 2n }),
  float: fc.option(fc.constantFrom(-0, 0, 1.5, -1.5, Number.NaN), { nil: null }),
});

interface Stored {
  readonly id: string;
  readonly rows: readonly Row[];
}

/** With `apart`, each segment has days of its own, and only the first may have none. */
const segments = fc
  .tuple(
    fc.array(fc.array(row, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([all, apart]) =>
    all.map((rows, i): Stored => {
      const moved = rows.map((each) => {
        const day = each.day === null && i > 0 ? 0 : each.day;
        return { ...each, day: day === null ? null : (day as number) + 10 * i };
      });
      return { id: `s${i}`, rows: apart ? moved : rows };
    }),
  );

function statisticsOf(rows: readonly Row[]): LayoutColumn[] {
  return (['word', 'price', 'day'] as const).map((name) => {
    const values = rows.map((each) => each[name]);
    const sorted = firstRows(
      { limit: Number.MAX_SAFE_INTEGER, orderBy: [item(name, types[name], false, false)] },
      [{ name, type: types[name], nullable: true }],
    )(
      batchFromRows(
        [{ name, type: types[name], nullable: true }],
        values.map((value) => [value]),
      ),
    );
    const present = rowsOf(sorted)
      .flat()
      .filter((value) => value !== null);
    return {
      ...{ name, type: types[name], role: 'dimension', hasNulls: values.includes(null) },
      ...{ minimum: present[0] ?? null, maximum: present.at(-1) ?? null },
    };
  });
}

const item = (
  name: string,
  type: DataType,
  descending: boolean,
  nullsFirst: boolean,
): OrderItem => ({
  expr: col(name, type, scanRelation),
  descending,
  nullsFirst,
});

const aggregates: readonly ScanAggregate[] = [
  { name: 'sum', fn: 'sum', args: [col('price', types.price)], type: types.price },
  { name: 'count', fn: 'count_sum', args: [col('n', types.n)], type: types.n },
  { name: 'max', fn: 'max', args: [col('word', types.word)], type: types.word },
  { name: 'float', fn: 'max', args: [col('float', types.float)], type: types.float },
];
const month: Expr = {
  kind: 'call',
  fn: 'date_trunc',
  args: [
    { kind: 'literal', type: types.word, value: 'month' },
    { kind: 'cast', arg: col('day', types.day), type: { kind: 'timestamp' } },
  ],
  type: { kind: 'timestamp' },
};

const keys = fc.subarray(
  [
    { name: 'kw', expr: col('word', types.word) },
    { name: 'kp', expr: col('price', types.price) },
    { name: 'kd', expr: col('day', types.day) },
  ],
  { minLength: 1 },
);

const plans = fc
  .record({
    stored: segments,
    groupBy: keys,
    aggregates: fc.subarray([...aggregates]),
    limit: fc.nat(6),
    order: fc.array(fc.tuple(fc.nat(6), fc.boolean(), fc.boolean()), { maxLength: 3 }),
  })
  .map(({ stored, groupBy, aggregates: wanted, limit, order }) => {
    const plan: ScanPlan = {
      ...{ cube: 'projects/p/cubes/c', layout: 'l', lookups: [], groupBy, aggregates: wanted },
      segments: stored.map(({ id, rows }) => ({
        ...{ id, fileDigest: id, columns: statisticsOf(rows) },
      })),
    };
    const schema = scanSchema(plan);
    const orderBy = order.map(([column, descending, nullsFirst]) => {
      const { name, type } = schema[column % schema.length]!;
      return item(name, type, descending, nullsFirst);
    });
    return { stored, plan: { ...plan, topK: { orderBy, limit } } };
  });

/** What a daemon with these segments answers: every group, then the first rows of them. */
function scan(plan: ScanPlan, stored: readonly Stored[]): ColumnBatch {
  const read = stored.filter(({ id }) => plan.segments.some((segment) => segment.id === id));
  const nameOf = (expr: Expr) => (expr as { readonly name: Name }).name;
  const rows = read
    .flatMap((segment) => segment.rows)
    .map((each) => [
      ...plan.groupBy.map(({ expr }) => each[nameOf(expr)]),
      ...plan.aggregates.map(({ args }) => each[nameOf(args[0]!)]),
    ]);
  const merges = plan.aggregates.map(({ fn }) => (fn === 'min' || fn === 'max' ? fn : 'sum'));
  const groups = mergePartials(
    [batchFromRows(scanSchema(plan), rows)],
    plan.groupBy.length,
    merges,
  );
  return firstRows(plan.topK, scanSchema(plan))(groups);
}

const shown = (values: readonly Value[]) =>
  values
    .map((value) => (typeof value === 'number' ? value + 0 : value))
    .map(String)
    .join('|');

describe('the first rows of a scan in parts', () => {
  test('are those of the whole, whatever the order, its ties and its NULLs', () => {
    let [apart, byKeys, all] = [0, 0, 0];
    fc.assert(
      fc.property(plans, fc.integer({ min: 1, max: 3 }), ({ stored, plan }, daemons) => {
        const { topK, ...unlimited } = plan;
        const parts = partialScan(plan);
        if (parts.plan === plan) apart++;
        else if (parts.plan.topK !== undefined) byKeys++;
        else all++;
        const answers = Array.from({ length: daemons }, (_, daemon) => {
          const own = plan.segments.filter((_, i) => i % daemons === daemon);
          return scan({ ...parts.plan, segments: own }, stored);
        });
        const rows = rowsOf(parts.combine(answers));

        const every = scan(unlimited, stored);
        const schema = scanSchema(plan);
        const wanted = rowsOf(firstRows(topK, schema)(every));
        const places = topK.orderBy.map(({ expr }) =>
          schema.findIndex(({ name }) => expr.kind === 'column' && name === expr.name),
        );
        const ordered = (of: readonly (readonly Value[])[]) =>
          of.map((each) => shown(places.map((place) => each[place]!)));
        expect(ordered(rows)).toEqual(ordered(wanted));
        const existing = rowsOf(every).map(shown);
        const given = rows.map(shown);
        expect(new Set(given).size).toBe(given.length);
        expect(existing).toEqual(expect.arrayContaining(given));
      }),
      { numRuns: 1_000, seed: 11 },
    );
    // Each way was tried.
    expect(Math.min(apart, byKeys, all)).toBeGreaterThan(50);
  });

  test.each([
    {
      days: [
        [1, 40],
        [60, 99],
      ],
      nulls: [true, false],
      months: true,
      why: 'months do not meet',
    },
    {
      days: [
        [1, 30],
        [31, 99],
      ],
      nulls: [false, false],
      months: true,
      why: 'one ends with its month',
    },
    {
      days: [
        [1, 29],
        [30, 99],
      ],
      nulls: [false, false],
      months: false,
      why: 'both have January',
    },
    {
      days: [
        [1, 40],
        [60, 99],
      ],
      nulls: [true, true],
      months: false,
      why: 'both have NULLs',
    },
  ])('$why: $months', ({ days, nulls, months }) => {
    const plan: ScanPlan = {
      ...{ cube: 'projects/p/cubes/c', layout: 'l', lookups: [], aggregates: [] },
      groupBy: [{ name: 'month', expr: month }],
      segments: days.map(([minimum, maximum], i) => ({
        ...{ id: `s${i}`, fileDigest: `${i}` },
        columns: [
          {
            ...{ name: 'day', type: types.day, role: 'dimension' as const },
            ...{ minimum: minimum!, maximum: maximum!, hasNulls: nulls[i]! },
          },
        ],
      })),
      topK: { orderBy: [], limit: 1 },
    };
    expect(partialScan(plan).plan === plan).toBe(months);
  });
});
