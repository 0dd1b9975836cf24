/**
 * Scans of a synthetic cuboid: tiles beside DuckDB on a table of its own and on the Parquet files.
 * `node --conditions=tessera-source daemons/storage/bench/scan.ts [rows]`. The decision they led to is in
 * docs/adr/0111-tiles.md.
 */
import type { ScanPlan, SegmentRead } from '@tessera/cube';
import { DuckDb } from '@tessera/duckdb';
import {
  bigint,
  call,
  col,
  integer,
  lit,
  param,
  planOf,
  StorageFixture,
  text,
} from '../src/storage-fixture.ts';
import { filesOf } from '../src/store/layout-file.ts';
import { scanStatement } from '../src/store/scan-sql.ts';
import { planWithValues } from '../src/tiles/plan-with-values.ts';

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

const parameters = ['NATION 07', 'MFGR#8', 'CITY 007'];

/** The plan as DuckDB runs it over one table that holds all segments, constants in the text. */
async function measureTable(database: DuckDb, name: string, plan: ScanPlan): Promise<void> {
  const { sql, schema } = scanStatement(planWithValues(plan, parameters), {
    from: 'cuboid',
    snapshots: new Map(),
  });
  const options = { cached: true, schema };
  await measure(
    `DuckDB table: ${name}`,
    40,
    async () => (await database.run(sql, [], options)).rowCount,
  );
}

async function measureStore(memoryBudgetBytes: number, label: string): Promise<void> {
  await using fixture = await StorageFixture.open({ memoryBudgetBytes });
  const segments: SegmentRead[] = [];
  for (const year of years) {
    const file = { kind: 'layout', id: 'rows-bench', segment: `y${year}` } as const;
    segments.push(await fixture.store(file, rowsOfYear(year)));
  }
  const plans = plansOf(segments);
  const begun = performance.now();
  const { loadedBytes } = await fixture.daemon.warmUp(filesOf(plans['all rows']!), signal);
  const loadMs = Math.round(performance.now() - begun);
  console.log(`${label}: ${(loadedBytes / 1e6).toFixed(1)} MB loaded in ${loadMs} ms`);
  for (const [name, plan] of Object.entries(plans)) {
    await measure(
      `${label}: ${name}`,
      60,
      async () => (await fixture.scan(plan, parameters)).length,
    );
  }
}

const signal = new AbortController().signal;
console.log(`${rowCount} rows over ${years.length} segments`);
await measureStore(1 << 30, 'tiles');
await measureStore(0, 'files');
await using database = await DuckDb.open({ threads: 1 });
const all = years.map((year) => `(${rowsOfYear(year)})`).join(' UNION ALL ');
await database.execute(`CREATE TABLE cuboid AS ${all}`);
for (const [name, plan] of Object.entries(plansOf([]))) await measureTable(database, name, plan);
