/**
 * Scans of synthetic cuboids, over the ways in which DuckDB could hold them:
 * `node --conditions=tessera-source daemons/storage/bench/scan.ts [rows]`. The decision they led to is in
 * docs/adr/0110-cuboids-in-memory.md.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScanPlan, SegmentRead } from '@tessera/cube';
import { DuckDb, type DuckDbConnection } from '@tessera/duckdb';
import {
  bigint,
  call,
  col,
  cube,
  integer,
  lit,
  param,
  planOf,
  StorageFixture,
  text,
} from '../src/storage-fixture.ts';

const rowCount = Number(process.argv[2] ?? 437_500);
const years = [1992, 1993, 1994, 1995, 1996, 1997, 1998];
const rowsOfYear = (year: number) => `
  SELECT ${year}::INTEGER AS year, 'NATION ' || lpad((range % 25)::VARCHAR, 2, '0') AS nation,
         'CITY ' || lpad((range * 7 % 250)::VARCHAR, 3, '0') AS city, 'MFGR#' || (range % 40 + 1) AS category,
         'MFGR#' || (range * 13 % 1000) AS brand, (range * 31 % 100000)::DECIMAL(38, 0) AS revenue,
         (range % 7)::BIGINT AS orders
  FROM range(${Math.floor(rowCount / years.length)}) ORDER BY nation, category, city, brand`;
const revenue = { kind: 'numeric', precision: 38, scale: 0 } as const;

async function measure(name: string, runs: number, work: () => Promise<number>): Promise<void> {
  let rows = 0;
  for (let i = 0; i < 5; i++) rows = await work();
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  const used = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const show = (ms: number) => ms.toFixed(2).padStart(7);
  const cpu = (used.user + used.system) / 1000 / runs;
  const p95 = times[Math.floor(runs * 0.95)]!;
  console.log(
    `${name.padEnd(46)} p50 ${show(times[runs >> 1]!)} ms  p95 ${show(p95)} ms  CPU ${show(cpu)} ms  ${rows} rows`,
  );
}

/** One filter on the sort order, two group keys: the shape of most of SSB. */
const condition = (nation: string, category: string) =>
  `nation = ${nation} AND category = ${category}`;
const selected = (from: string, where: string) =>
  `SELECT year, nation, sum(revenue), coalesce(sum(orders), 0) FROM ${from} WHERE ${where} GROUP BY 1, 2`;
const values = ['NATION 07', 'MFGR#8'].map((value) => ({ type: text, value }));

/** Plain tables, to compare with: texts and 128-bit decimals as they are in the files. */
async function alternatives(connection: DuckDbConnection, label: string): Promise<void> {
  for (const year of years)
    await connection.execute(`CREATE TABLE s${year} AS ${rowsOfYear(year)}`);
  await connection.execute(
    `CREATE TABLE one AS ${years.map((y) => `(FROM s${y})`).join(' UNION ALL ')}`,
  );
  const union = `(${years.map((year) => `FROM s${year}`).join(' UNION ALL ')})`;
  const literal = condition("'NATION 07'", "'MFGR#8'");
  const run = (sql: string, bound: typeof values) => async () =>
    (await connection.run(sql, bound, { cached: true })).rowCount;
  const bound = condition('$1', '$2');
  await measure(`${label}: table per segment, literals`, 40, run(selected(union, literal), []));
  await measure(`${label}: table per segment, parameters`, 40, run(selected(union, bound), values));
  await measure(`${label}: one table, literals`, 40, run(selected('one', literal), []));
  await measure(`${label}: one table, parameters`, 40, run(selected('one', bound), values));
}

async function compareAlternatives(folder: string): Promise<void> {
  for (const threads of [1, 2]) {
    const database = await DuckDb.open({ threads });
    await database.session((c) =>
      alternatives(c, `in memory, ${threads} thread${threads > 1 ? 's' : ''}`),
    );
    await database[Symbol.asyncDispose]();
  }
  const file = join(folder, 'groups.duckdb');
  const database = await DuckDb.open({
    threads: 1,
    onConnect: [`ATTACH IF NOT EXISTS '${file}' AS small (ROW_GROUP_SIZE 8192)`, 'USE small'],
  });
  await database.session((c) => alternatives(c, 'file, groups of 8192'));
  await database[Symbol.asyncDispose]();
}

function plansOf(segments: readonly SegmentRead[]): Record<string, ScanPlan> {
  const aggregates = [
    { name: 'revenue', fn: 'sum', args: [col('revenue', revenue)], type: revenue },
    { name: 'orders', fn: 'count_sum', args: [col('orders', bigint)], type: bigint },
  ] as const;
  const key = (name: string, type: typeof text | typeof integer) => ({
    name,
    expr: col(name, type),
  });
  const is = (name: string, index: number) => call('=', col(name, text), param(index, text));
  const year = key('year', integer);
  return {
    'sort prefix': planOf('rows-bench', segments, {
      groupBy: [year, key('nation', text)],
      filter: call('and', is('nation', 0), is('category', 1)),
      aggregates,
    }),
    'sort prefix, literals': planOf('rows-bench', segments, {
      groupBy: [year, key('nation', text)],
      filter: call(
        'and',
        call('=', col('nation', text), lit(text, 'NATION 07')),
        call('=', col('category', text), lit(text, 'MFGR#8')),
      ),
      aggregates,
    }),
    'one segment': planOf('rows-bench', segments.slice(2, 3), {
      groupBy: [key('brand', text)],
      filter: is('nation', 0),
      aggregates,
    }),
    'range on a text': planOf('rows-bench', segments, {
      groupBy: [year, key('nation', text)],
      filter: call(
        'and',
        is('nation', 0),
        call('>=', col('brand', text), lit(text, 'MFGR#2')),
        call('<', col('brand', text), lit(text, 'MFGR#3')),
      ),
      aggregates,
    }),
    'not the sort prefix': planOf('rows-bench', segments, {
      groupBy: [year, key('brand', text)],
      filter: is('city', 2),
      aggregates,
    }),
    'all rows': planOf('rows-bench', segments, {
      groupBy: [year, key('nation', text)],
      aggregates,
    }),
  };
}

async function measureStore(): Promise<void> {
  await using fixture = await StorageFixture.open();
  const segments: SegmentRead[] = [];
  for (const year of years) {
    const file = { kind: 'layout', id: 'rows-bench', segment: `y${year}` } as const;
    segments.push(await fixture.store(file, rowsOfYear(year)));
  }
  const signal = new AbortController().signal;
  const files = segments.map(({ id, fileDigest }) => ({
    cube,
    layout: 'rows-bench',
    segment: id,
    fileDigest,
  }));
  const start = performance.now();
  const { loadedBytes } = await fixture.daemon.warmUp(files, signal);
  console.log(
    `loaded ${(loadedBytes / 1e6).toFixed(1)} MB in ${Math.round(performance.now() - start)} ms`,
  );
  const parameters = ['NATION 07', 'MFGR#8', 'CITY 007'];
  for (const [name, plan] of Object.entries(plansOf(segments))) {
    await measure(`store: ${name}`, 60, async () => (await fixture.scan(plan, parameters)).length);
  }
  const plan = plansOf(segments)['sort prefix']!;
  const clients = 8;
  const each = 150;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let i = 0; i < each; i++) await fixture.scan(plan, parameters);
    }),
  );
  const rate = (clients * each * 1000) / (performance.now() - began);
  console.log(`store: sort prefix, ${clients} clients: ${Math.round(rate)} scans/s`);
}

const folder = await mkdtemp(join(tmpdir(), 'tessera-bench-'));
console.log(`${rowCount} rows over ${years.length} segments`);
await compareAlternatives(folder);
await rm(folder, { recursive: true });
await measureStore();
