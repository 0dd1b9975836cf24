import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { type DataType, rowsOf, type Value } from '@tessera/columnar';
import { type ScanPlan, type SegmentRead, scanSchema } from '@tessera/cube';
import { printExpr } from '@tessera/duckdb';
import type { Expr } from '@tessera/sql';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bigint,
  call,
  col,
  cube,
  double,
  integer,
  lit,
  numeric,
  param,
  planOf,
  reasonOf,
  StorageFixture,
  sorted,
  text,
} from '../storage-fixture.ts';

const layout = 'rows-sales';
const years = [2021, 2022, 2023];
/** Two text dimensions (one with NULLs), an integer one, a sum of 38 digits, a count and an m2 triple. */
const rowsOfYear = (year: number) => `
  SELECT ${year}::INTEGER AS year, 'city ' || lpad((range % 37)::VARCHAR, 2, '0') AS city,
         CASE WHEN range % 11 = 0 THEN NULL ELSE chr((97 + range % 5)::INTEGER) END AS kind,
         ((range * 7919) % 100003 - 50000)::DECIMAL(38, 2) AS revenue, (range % 4)::BIGINT AS n,
         CASE WHEN range % 4 > 0 THEN (1e9 * (range % 4) + range % 13)::DOUBLE END AS s, (range % 3)::DOUBLE AS m2
  FROM range(3000) ORDER BY city, kind`;

let fixture: StorageFixture;
/** Has no memory for layouts: always scans files. */
let cold: StorageFixture;
let segments: SegmentRead[];
beforeAll(async () => {
  fixture = await StorageFixture.open();
  cold = await StorageFixture.open({ memoryBudgetBytes: 0 });
  segments = [];
  for (const year of years) {
    const file = { kind: 'layout', id: layout, segment: `s${year}` } as const;
    segments.push(await store(file, rowsOfYear(year)));
  }
  await onBoth(
    `CREATE TABLE sales AS ${years.map((year) => `(${rowsOfYear(year)})`).join(' UNION ALL ')}`,
  );
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await cold[Symbol.asyncDispose]();
});

/** The same table for both to write files from. */
async function onBoth(sql: string): Promise<void> {
  for (const { oracle } of [fixture, cold]) await oracle.execute(sql);
}

/** The same file in both stores. */
async function store(file: Parameters<StorageFixture['store']>[0], query: string) {
  const { fileDigest } = await cold.store(file, query);
  const stored = await fixture.store(file, query);
  expect(stored.fileDigest).toBe(fileDigest);
  return stored;
}

const oracle = async (sql: string, plan: ScanPlan) => {
  return sorted(rowsOf(await fixture.oracle.run(sql, [], { schema: scanSchema(plan) })));
};

/** Runs a plan from the files and from memory; both must give the oracle's rows. */
async function expectAnswer(plan: ScanPlan, sql: string, parameters: readonly Value[] = []) {
  const wanted = await oracle(sql, plan);
  expect(sorted(await cold.scan(plan, parameters))).toEqual(wanted);
  const files = plan.segments.map(({ id, fileDigest }) => ({
    cube,
    layout: plan.layout,
    segment: id,
    fileDigest,
  }));
  await fixture.daemon.warmUp(files, new AbortController().signal);
  const folder = join(fixture.folder, 'cuboids');
  await rename(folder, `${folder} away`); // Only what is in memory can answer now.
  try {
    expect(sorted(await fixture.scan(plan, parameters))).toEqual(wanted);
  } finally {
    await rename(`${folder} away`, folder);
  }
}

const sum = { name: 'revenue', fn: 'sum', args: [col('revenue', numeric)], type: numeric } as const;
const count = { name: 'n', fn: 'count_sum', args: [col('n', bigint)], type: bigint } as const;

describe('a scan', () => {
  test('groups, filters and rolls up, from files and from memory alike', async () => {
    const plan = planOf(layout, segments, {
      groupBy: [
        { name: 'year', expr: col('year', integer) },
        { name: 'kind', expr: col('kind', text) },
      ],
      filter: call('=', col('city', text), lit(text, 'city 07')),
      aggregates: [
        sum,
        count,
        { name: 'low', fn: 'min', args: [col('city', text)], type: text },
        {
          name: 'some',
          fn: 'sum',
          args: [col('n', bigint)],
          filter: call('=', col('kind', text), lit(text, 'b')),
          type: bigint,
        },
      ],
    });
    await expectAnswer(
      plan,
      `SELECT year, kind, sum(revenue), coalesce(sum(n), 0), min(city), sum(n) FILTER (WHERE kind = 'b')
       FROM sales WHERE city = 'city 07' GROUP BY ALL`,
    );
  });

  test('reads only the segments that the plan names', async () => {
    const plan = planOf(layout, [segments[0]!, segments[2]!], {
      groupBy: [{ name: 'year', expr: col('year', integer) }],
      aggregates: [count],
    });
    await expectAnswer(plan, 'SELECT year, sum(n) FROM sales WHERE year <> 2022 GROUP BY year');
    const one = { ...plan, segments: [segments[1]!] };
    await expectAnswer(one, 'SELECT year, sum(n) FROM sales WHERE year = 2022 GROUP BY year');
  });

  test('gives one row without group keys, also where nothing passes or nothing is read', async () => {
    const nothing = planOf(layout, segments, {
      filter: call('=', col('city', text), lit(text, 'nowhere')),
      aggregates: [sum, count],
    });
    await expectAnswer(nothing, 'SELECT NULL, 0');
    expect(await fixture.scan({ ...nothing, segments: [] })).toEqual([[null, 0n]]);
    const grouped = {
      ...nothing,
      segments: [],
      groupBy: [{ name: 'kind', expr: col('kind', text) }],
    };
    expect(await fixture.scan(grouped)).toEqual([]);
  });

  /** Conditions over codes must mean what they mean over texts, whatever the constant. */
  const words = fc.constantFrom(
    '',
    'a',
    'b',
    'bb',
    'c',
    'd',
    'e',
    'f',
    'Z',
    'é',
    'city 05',
    'city 36',
  );
  const column = fc.constantFrom(col('kind', text), col('city', text));
  const operator = fc.constantFrom('=', '<>', '<', '<=', '>', '>=');
  const isParameter = fc.boolean();
  const leaf: fc.Arbitrary<Expr> = fc.oneof(
    fc
      .tuple(operator, column, words, isParameter, fc.boolean())
      .map(([fn, left, word, bound, flip]) => {
        const right = bound ? param(1, text) : lit(text, word);
        return flip ? call(fn, right, left) : call(fn, left, right);
      }),
    fc
      .tuple(column, fc.array(words, { minLength: 1, maxLength: 3 }))
      .map(([left, members]) => call('in', left, ...members.map((word) => lit(text, word)))),
    column.map((left) => call('is_null', left)),
    fc
      .tuple(operator, fc.integer({ min: 2020, max: 2024 }))
      .map(([fn, year]) => call(fn, col('year', integer), lit(integer, year))),
  );
  const condition = fc.letrec<{ any: Expr }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc
        .tuple(fc.constantFrom('and', 'or'), tie('any'), tie('any'))
        .map(([fn, a, b]) => call(fn, a, b)),
      tie('any').map((a) => call('not', a)),
    ),
  })).any;

  test('keeps exactly the rows for which a condition over texts and numbers holds', async () => {
    await fc.assert(
      fc.asyncProperty(condition, words, async (filter, word) => {
        const plan = planOf(layout, segments, {
          groupBy: [{ name: 'kind', expr: col('kind', text) }],
          filter,
          aggregates: [count],
        });
        const where = printExpr(filter, (_, name) => name).replaceAll('$2', `'${word}'`);
        await expectAnswer(
          plan,
          `SELECT kind, coalesce(sum(n), 0) FROM sales WHERE ${where} GROUP BY kind`,
          ['unused', word],
        );
      }),
      { numRuns: 150 },
    );
  });

  test('takes the first rows by an order', async () => {
    const plan = planOf(layout, segments, {
      groupBy: [{ name: 'city', expr: col('city', text) }],
      aggregates: [count],
      topK: {
        limit: 3,
        orderBy: [
          { expr: col('n', bigint, 'scan'), descending: true, nullsFirst: true },
          { expr: col('city', text, 'scan'), descending: false, nullsFirst: false },
        ],
      },
    });
    await expectAnswer(
      plan,
      'SELECT city, sum(n) AS t FROM sales GROUP BY city ORDER BY t DESC, city LIMIT 3',
    );
  });

  test('merges squared deviations around the mean, and shares the scan with other aggregates', async () => {
    const plan = planOf(layout, segments, {
      groupBy: [{ name: 'year', expr: col('year', integer) }],
      aggregates: [
        count,
        {
          name: 'm2',
          fn: 'm2',
          args: [col('n', bigint), col('s', double), col('m2', double)],
          type: double,
        },
      ],
    });
    const exact = await fixture.oracle.run(
      `WITH g AS (SELECT *, sum(s) OVER w / sum(n) OVER w AS mean FROM sales WHERE n > 0 WINDOW w AS (PARTITION BY year))
       SELECT year, sum(n), sum(m2) + sum(n * (s / n - mean) * (s / n - mean)) FROM g GROUP BY year ORDER BY year`,
      [],
    );
    const wanted = rowsOf(exact) as [number, bigint, number][];
    for (const round of ['files', 'memory']) {
      const rows = (await fixture.scan(plan)).sort((a, b) => Number(a[0]) - Number(b[0]));
      expect(rows.length, round).toBe(years.length);
      rows.forEach(([year, n, m2], i) => {
        expect([year, n]).toEqual([wanted[i]![0], BigInt(wanted[i]![1])]);
        expect(Math.abs((m2 as number) / wanted[i]![2] - 1)).toBeLessThan(1e-9);
      });
      await fixture.daemon.warmUp(filesOf(plan), new AbortController().signal);
    }
  });

  test('counts distinct ids over segments, and hands out the words', async () => {
    const companion: SegmentRead[] = [];
    const word =
      'CASE WHEN id & 63 = 63 THEN -9223372036854775808 ELSE 1::BIGINT << (id & 63)::INTEGER END';
    const shape = (year: number) => `SELECT city, kind, id >> 6 AS bucket, bit_or(${word}) AS bits
      FROM (SELECT city, kind, ((n * 31 + hash(city) % 200)::BIGINT) % 300 AS id FROM sales WHERE year = ${year}) GROUP BY ALL`;
    for (const year of years) {
      const file = { kind: 'layout', id: 'distinct-sales', segment: `s${year}` } as const;
      await onBoth(`CREATE TABLE bits_${year} AS ${shape(year)}`);
      companion.push(await store(file, `SELECT * FROM bits_${year}`));
    }
    const args = [col('bucket', bigint), col('bits', bigint)];
    const plan = planOf('distinct-sales', companion, {
      groupBy: [{ name: 'kind', expr: col('kind', text) }],
      aggregates: [
        { name: 'ids', fn: 'distinct', args, type: bigint },
        {
          name: 'some',
          fn: 'distinct',
          args,
          filter: call('<', col('city', text), lit(text, 'city 10')),
          type: bigint,
        },
      ],
    });
    const ids = `SELECT city, kind, ((n * 31 + hash(city) % 200)::BIGINT) % 300 AS id FROM sales`;
    await expectAnswer(
      plan,
      `SELECT kind, count(DISTINCT id), count(DISTINCT id) FILTER (WHERE city < 'city 10') FROM (${ids}) GROUP BY kind`,
    );
    const words = {
      ...plan,
      aggregates: [{ name: 'ids', fn: 'distinct_bits', args, type: bigint } as const],
    };
    await expectAnswer(words, `SELECT kind, id >> 6, bit_or(${word}) FROM (${ids}) GROUP BY ALL`);
    const total = { ...plan, groupBy: [], aggregates: [plan.aggregates[0]!] };
    await expectAnswer(total, `SELECT count(DISTINCT id) FROM (${ids})`);
  });

  test('joins snapshots for derived dimensions, keeping or dropping rows without a partner', async () => {
    const regions = `SELECT 'city ' || lpad((range * 2)::VARCHAR, 2, '0') AS name, 'region ' || (range % 3) AS region FROM range(15)`;
    await store({ kind: 'snapshot', id: 'cities-1' }, regions);
    for (const inner of [false, true]) {
      const plan = planOf(layout, segments, {
        lookups: [
          {
            alias: 'c',
            snapshot: 'cities-1',
            on: [{ expr: col('city', text), column: 'name' }],
            columns: [{ name: 'region', type: text }],
            inner,
          },
        ],
        groupBy: [{ name: 'region', expr: col('region', text, 'c') }],
        aggregates: [count],
      });
      await expectAnswer(
        plan,
        `SELECT region, sum(n) FROM sales ${inner ? 'JOIN' : 'LEFT JOIN'} (${regions}) c ON city = name GROUP BY region`,
      );
    }
    const missing = planOf(layout, segments, {
      lookups: [{ alias: 'c', snapshot: 'nothing', on: [], columns: [], inner: false }],
      aggregates: [count],
    });
    expect(await reasonOf(fixture.scan(missing))).toBe('SNAPSHOT_NOT_STORED');
  });

  const minus2022: Expr = {
    kind: 'call',
    fn: '-',
    args: [col('year', integer), lit(integer, 2022)],
    type: integer,
  };
  const asText = (fn: string, ...args: Expr[]): Expr => ({ kind: 'call', fn, args, type: text });

  test('computes expressions of one column over its values, whether JavaScript or DuckDB knows them', async () => {
    const plan = planOf(layout, segments, {
      groupBy: [{ name: 'kind', expr: asText('upper', col('kind', text)) }],
      filter: call('like', col('city', text), lit(text, '%3')),
      aggregates: [count],
    });
    await expectAnswer(
      plan,
      "SELECT upper(kind), sum(n) FROM sales WHERE city LIKE '%3' GROUP BY 1",
    );
    const coalesced = planOf(layout, segments, {
      groupBy: [{ name: 'kind', expr: asText('coalesce', col('kind', text), lit(text, 'none')) }],
      aggregates: [count],
    });
    await expectAnswer(coalesced, "SELECT coalesce(kind, 'none'), sum(n) FROM sales GROUP BY 1");
  });

  test('groups and filters by what is held as numbers', async () => {
    const plan = planOf(layout, segments, {
      groupBy: [{ name: 'n', expr: col('n', bigint) }],
      filter: call('>', col('revenue', numeric), lit(numeric, 1_000_000n)),
      aggregates: [count],
    });
    await expectAnswer(plan, 'SELECT n, sum(n) FROM sales WHERE revenue > 10000 GROUP BY n');
  });

  test('goes to the files for expressions of several columns, and for those that fail for some value', async () => {
    const same = call('=', asText('upper', col('kind', text)), col('city', text));
    const quotient: Expr = {
      kind: 'call',
      fn: '/',
      args: [lit(integer, 6_066), { ...col('year', integer) }],
      type: integer,
    };
    const inverse = call('>', { ...quotient, args: [lit(integer, 1), minus2022] }, lit(integer, 0));
    const plan = planOf(layout, segments, {
      groupBy: [{ name: 'kind', expr: col('kind', text) }],
      filter: call('or', same, call('>', quotient, lit(integer, 2))),
      aggregates: [count],
    });
    await fixture.daemon.warmUp(filesOf(plan), new AbortController().signal);
    const wanted = await oracle(
      'SELECT kind, sum(n) FROM sales WHERE 6066 // year > 2 GROUP BY kind',
      plan,
    );
    expect(sorted(await fixture.scan(plan))).toEqual(wanted);
    const failing = { ...plan, segments: [segments[0]!], filter: inverse };
    expect(sorted(await fixture.scan(failing))).toEqual([]);
    expect(await reasonOf(fixture.scan({ ...failing, segments }))).toBe('DIVISION_BY_ZERO');
  });

  test('of a column that the layout does not have is refused', async () => {
    await fixture.daemon.warmUp(
      filesOf(planOf(layout, segments, {})),
      new AbortController().signal,
    );
    const plan = planOf(layout, segments, { groupBy: [{ name: 'x', expr: col('x', text) }] });
    expect(await reasonOf(fixture.scan(plan))).toBe('BAD_SCAN_PLAN');
  });
});

function filesOf(plan: ScanPlan) {
  return plan.segments.map(({ id, fileDigest }) => ({
    cube,
    layout: plan.layout,
    segment: id,
    fileDigest,
  }));
}

test("instants are cut by the plan's zone, from files and from memory, and other plans stay in UTC", async () => {
  const id = 'rows-hours';
  const hours = `SELECT TIMESTAMPTZ '2024-03-30 20:00:00+00' + to_hours(range::INTEGER) AS h, range AS n FROM range(60)`;
  const segment = await store({ kind: 'layout', id, segment: 's1' }, hours);
  const instant: DataType = { kind: 'timestamptz' };
  const hour = col('h', instant);
  const day: Expr = {
    kind: 'call',
    fn: 'date_trunc',
    type: instant,
    args: [lit(text, 'day'), hour],
  };
  const plan = planOf(id, [segment], {
    filter: call(
      '>',
      { kind: 'cast', type: { kind: 'date' }, arg: hour },
      lit({ kind: 'date' }, 19_812),
    ),
    groupBy: [{ name: 'day', expr: day }],
    aggregates: [{ name: 'n', fn: 'sum', args: [col('n', bigint)], type: numeric }],
  });
  const wanted = (zone: string) => `
    SELECT timezone('${zone}', date_trunc('day', timezone('${zone}', h))) AS day, sum(n)::DECIMAL(38, 2) AS n
    FROM (${hours}) WHERE timezone('${zone}', h)::DATE > DATE '2024-03-30' GROUP BY 1`;
  for (const zone of ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'UTC']) {
    await expectAnswer(zone === 'UTC' ? plan : { ...plan, timeZone: zone }, wanted(zone));
  }
});
