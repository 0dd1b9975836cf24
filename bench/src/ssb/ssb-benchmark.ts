import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '@tessera/base';
import { formatTable } from '@tessera/cli';
import { type Connection, connect, query } from '@tessera/client';
import { formatValue } from '@tessera/columnar';
import type { Benchmark, BenchmarkResult, Reach } from '../benchmark.ts';
import { type PlatformProcess, startPlatformProcess } from '../platform-process.ts';
import { geometricMean, median, percentile } from '../statistics.ts';
import { ssbDirectory } from './data.ts';
import { type BuildFigures, buildReach, measureSsbBuild } from './measure-build.ts';
import { type SsbQuery, ssbQueries } from './queries.ts';
import { csvBytes, DuckDbRival, joinedPassSql } from './rival.ts';

interface QueryFigures {
  readonly query: string;
  readonly sql: string;
  readonly hit: boolean;
  readonly equal: boolean;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly tablesP50: number;
  readonly parquetP50: number;
}

/** The Star Schema Benchmark: every query over gRPC beside DuckDB on its own tables and on the Parquet files. */
export const ssbBenchmark: Benchmark = {
  name: 'ssb',
  summary: 'Star Schema Benchmark: --sf 1 --rounds 40 --seed 7',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        sf: { type: 'string', default: '1' },
        rounds: { type: 'string', default: '40' },
        seed: { type: 'string' },
      },
    });
    const scaleFactor = Number(values.sf);
    const seed = Number(values.seed ?? Date.now() % 1_000_000);
    return runSsb({ scaleFactor, rounds: Number(values.rounds), seed });
  },
};

interface SsbOptions {
  readonly scaleFactor: number;
  readonly rounds: number;
  readonly seed: number;
}

async function runSsb(options: SsbOptions): Promise<BenchmarkResult> {
  const directory = await ssbDirectory(options.scaleFactor);
  const dataDirectory = mkdtempSync(join(tmpdir(), 'tessera-bench-'));
  try {
    await using platform = await startPlatformProcess(dataDirectory, ['--memory', '2048']);
    using client = connect(platform.address);
    const build = await measureSsbBuild({ client, platform, directory });
    const drawn = drawConstants(options.seed);
    using tables = await DuckDbRival.open(directory, 'table');
    using files = await DuckDbRival.open(directory, 'view');
    const bytes = await csvBytes(files);
    const figures: QueryFigures[] = [];
    for (const item of drawn) {
      figures.push(await measureQuery(client, item, { tables, files }, options.rounds));
    }
    printFigures(figures);
    const throughput = await measureThroughput(client, platform, drawn);
    return {
      reach: reachOf(options.scaleFactor, figures, build, bytes, throughput),
      details: { ...options, build, csvBytes: bytes, figures, throughput, joinedPassSql },
    };
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
}

interface DrawnQuery {
  readonly query: SsbQuery;
  readonly sql: string;
}

function drawConstants(seed: number): DrawnQuery[] {
  const random = seededRandom(seed);
  return ssbQueries.map((item) => ({ query: item, sql: item.sql(item.draw(random)) }));
}

/** Ours and both rivals take turns, so that a change of the machine's speed hits all three. */
async function measureQuery(
  client: Connection,
  { query: { name }, sql }: DrawnQuery,
  rivals: { readonly tables: DuckDbRival; readonly files: DuckDbRival },
  rounds: number,
): Promise<QueryFigures> {
  const ask = () => query(client.queries, sql);
  const answer = await ask();
  const rows = answer.rows.map((row) =>
    row
      .map((value, i) => (value === null ? 'NULL' : formatValue(answer.schema[i]!.type, value)))
      .join('|'),
  );
  const expected = await rivals.tables.rows(sql);
  await rivals.files.time(sql);
  const times: number[] = [];
  const tables: number[] = [];
  const files: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    await ask();
    times.push(performance.now() - startedMs);
    if (round % 4 === 0) {
      tables.push(await rivals.tables.time(sql));
      files.push(await rivals.files.time(sql));
    }
  }
  return {
    query: name,
    sql,
    hit: answer.summary.planKind === 'cuboid',
    equal: JSON.stringify(rows.toSorted()) === JSON.stringify(expected.toSorted()),
    p50: median(times),
    p95: percentile(times, 0.95),
    p99: percentile(times, 0.99),
    tablesP50: median(tables),
    parquetP50: median(files),
  };
}

function printFigures(figures: readonly QueryFigures[]): void {
  console.log(
    formatTable(
      ['QUERY', 'HIT', 'EQUAL', 'P50 ms', 'P95 ms', 'P99 ms', 'TABLES ms', 'PARQUET ms', 'RATIO'],
      figures.map((f) => [
        f.query,
        f.hit ? 'yes' : 'NO',
        f.equal ? 'yes' : 'NO',
        ...[f.p50, f.p95, f.p99, f.tablesP50, f.parquetP50].map((ms) => ms.toFixed(2)),
        (f.tablesP50 / f.p50).toFixed(1),
      ]),
    ),
  );
}

interface ThroughputFigures {
  readonly clients: number;
  readonly queriesPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Of the platform's process. */
  readonly cpuMsPerQuery: number;
}

const throughputQueries = 2_000;

/** All 13 queries in rotation from 1, 8 and 32 clients on connections of their own. */
async function measureThroughput(
  client: Connection,
  platform: PlatformProcess,
  drawn: readonly DrawnQuery[],
): Promise<ThroughputFigures[]> {
  for (const { sql } of drawn) await query(client.queries, sql);
  const figures: ThroughputFigures[] = [];
  for (const clients of [1, 8, 32]) {
    const times: number[] = [];
    let next = 0;
    const cpuBefore = platform.cpuSeconds();
    const startedMs = performance.now();
    const loop = async () => {
      using own = connect(platform.address);
      while (next < throughputQueries) {
        const { sql } = drawn[next++ % drawn.length]!;
        const beganMs = performance.now();
        await query(own.queries, sql);
        times.push(performance.now() - beganMs);
      }
    };
    await Promise.all(Array.from({ length: clients }, loop));
    const seconds = (performance.now() - startedMs) / 1000;
    figures.push({
      clients,
      queriesPerSecond: times.length / seconds,
      p50: median(times),
      p99: percentile(times, 0.99),
      cpuMsPerQuery: ((platform.cpuSeconds() - cpuBefore) / times.length) * 1000,
    });
  }
  console.log(
    formatTable(
      ['CLIENTS', 'QUERIES/s', 'P50 ms', 'P99 ms', 'CPU ms/query'],
      figures.map((f) => [
        String(f.clients),
        f.queriesPerSecond.toFixed(0),
        f.p50.toFixed(2),
        f.p99.toFixed(2),
        f.cpuMsPerQuery.toFixed(2),
      ]),
    ),
  );
  return figures;
}

/** Targets grow with the data: at scale factor 10 the answers may be a little slower, and the lead must be larger. */
function reachOf(
  scaleFactor: number,
  figures: readonly QueryFigures[],
  build: BuildFigures,
  sourceBytes: number,
  throughput: readonly ThroughputFigures[],
): Reach[] {
  const large = scaleFactor >= 10;
  const speedUps = figures.map(({ tablesP50, p50 }) => tablesP50 / p50);
  const slowest = Math.max(...figures.map(({ p50 }) => p50));
  const duckdb = 'DuckDB tables';
  return [
    {
      id: 'hits',
      value: figures.filter(({ hit, equal }) => hit && equal).length,
      op: '>=',
      target: 13,
      unit: 'queries',
    },
    {
      id: 'slowest-p50',
      value: slowest,
      op: '<=',
      target: large ? 5 : 3,
      unit: 'ms',
      rival: duckdb,
      rivalValue: Math.max(...figures.map(({ tablesP50 }) => tablesP50)),
    },
    {
      id: 'speed-up',
      value: geometricMean(speedUps),
      op: '>=',
      target: large ? 50 : 8,
      unit: 'x',
      rival: duckdb,
      rivalValue: 1,
    },
    ...buildReach(scaleFactor, build, sourceBytes),
    {
      id: 'throughput-8',
      value: throughput.find(({ clients }) => clients === 8)!.queriesPerSecond,
      op: '>=',
      target: 700,
      unit: 'queries/s',
    },
  ];
}
