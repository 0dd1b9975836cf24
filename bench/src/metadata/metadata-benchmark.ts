import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { connect, explain, listAll, type TesseraClient } from '@tessera/client';
import { startEtcd } from '@tessera/testkit/etcd';
import type { Benchmark } from '../benchmark.ts';
import { type DaemonProcess, startDaemon } from '../daemon-process.ts';
import {
  type CatalogSize,
  createModels,
  cubeName,
  fill,
  project,
  segmentOf,
  tableName,
} from './catalog.ts';
import { inParallel } from './in-parallel.ts';

type Driver = 'etcd' | 'sqlite';

interface Figures {
  readonly driver: Driver;
  /** Segments per second while the catalog is filled, a batch in each publication. */
  readonly batchedPerSecond: number;
  /** One segment in each publication: by one publisher, and by several to cubes of their own. */
  readonly serialPerSecond: number;
  readonly parallelPerSecond: number;
  readonly listModelsMs: number;
  readonly listSegmentsMs: number;
  /** From the request of a watch until it has told of a publication that was made then. */
  readonly watchMs: number;
  /** Of a query daemon, from its command until it has planned a statement. */
  readonly queryStartMs: number;
  /** Until it has planned one over other models. */
  readonly nextTableMs: number;
  readonly queryPeakRssBytes: number;
  readonly metadataPeakRssBytes: number;
}

const anyPort = '127.0.0.1:0';
const batch = 20;
const publishers = 16;
/** A daemon is quiet when it used no more of a processor than this in so long a time. */
const quietMs = 2_000;
const quietCpuSeconds = 0.1;
const publications = { serial: 200, parallel: 1_600 } as const;

/** A large catalog on three members of etcd and on SQLite: what listing, watching, starting and publishing cost. */
export const metadataBenchmark: Benchmark = {
  name: 'metadata',
  summary: 'a large catalog: --models 1000 --tables 100 --segments 100000 --drivers etcd,sqlite',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        models: { type: 'string', default: '1000' },
        tables: { type: 'string', default: '100' },
        segments: { type: 'string', default: '100000' },
        drivers: { type: 'string', default: 'etcd,sqlite' },
      },
    });
    const size = {
      models: Number(values.models),
      tables: Number(values.tables),
      segments: Number(values.segments),
    };
    const figures: Figures[] = [];
    for (const driver of values.drivers.split(',') as Driver[]) {
      figures.push(await measure(driver, size));
    }
    console.log(tableOf(figures));
    return { reach: figures.flatMap(reachOf), details: { size, batch, publishers, figures } };
  },
};

async function measure(driver: Driver, size: CatalogSize): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-bench-metadata-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const store = await storeOf(driver, folder, stack);
  const config = join(folder, 'metadata.json');
  writeFileSync(config, JSON.stringify({ store }));
  const daemon = stack.use(
    await startDaemon('metadata', ['--address', anyPort, '--config', config]),
  );
  const client = stack.use(connect(daemon.address));
  await createModels(client, join(folder, 'data'), size);
  const batchedPerSecond = await fill(client, size, batch);
  const serialPerSecond = await publishOneByOne(client, 1, publications.serial);
  const parallelPerSecond = await publishOneByOne(client, publishers, publications.parallel);
  const listModelsMs = await timed(() => listAll(client, 'models', { parent: 'projects/-' }));
  const listSegmentsMs = await timed(() =>
    listAll(client, 'segments', { parent: 'projects/-/cubes/-' }),
  );
  const watchMs = await timed(() => watchOne(client));
  const query = await startQuery(daemon.address, folder, size.tables);
  const metadataPeakRssBytes = daemon.peakRssBytes();
  return {
    ...{ driver, batchedPerSecond, serialPerSecond, parallelPerSecond },
    ...{ listModelsMs, listSegmentsMs, watchMs, metadataPeakRssBytes, ...query },
  };
}

async function storeOf(driver: Driver, folder: string, stack: AsyncDisposableStack) {
  if (driver === 'sqlite') return { driver, file: join(folder, 'metadata.db') };
  const quota = ['--quota-backend-bytes', `${8 * 1024 ** 3}`];
  const { endpoints } = stack.use(await startEtcd({ flags: quota }));
  return { driver, endpoints };
}

/** Each publisher to a cube of its own, one segment at a time. Gives segments per second. */
async function publishOneByOne(
  { segments }: TesseraClient,
  parallelism: number,
  count: number,
): Promise<number> {
  const each = count / parallelism;
  const startedMs = performance.now();
  await inParallel(parallelism, parallelism, async (publisher) => {
    const parent = cubeName(parallelism === 1 ? publishers : publisher);
    for (let i = 0; i < each; i++) {
      await segments.publishSegments({ parent, segments: [segmentOf(parent, 100_000 + i)] });
    }
  });
  return count / ((performance.now() - startedMs) / 1000);
}

async function watchOne({ segments }: TesseraClient): Promise<void> {
  const parent = cubeName(publishers + 1);
  const name = `${parent}/segments/day-200000`;
  const { revision } = await segments.listSegments({ parent, pageSize: 1 });
  const ended = new AbortController();
  const request = { parent: 'projects/-/cubes/-', startRevision: revision + 1n };
  const events = segments.watchSegments(request, { signal: ended.signal });
  const published = segments.publishSegments({ parent, segments: [segmentOf(parent, 200_000)] });
  for await (const { event } of events) {
    if (event?.$case === 'put' && event.value.name === name) break;
  }
  await published;
  ended.abort();
}

async function startQuery(metadata: string, folder: string, tables: number) {
  const startedMs = performance.now();
  await using daemon = await startDaemon('query', [
    '--address',
    anyPort,
    '--metadata',
    metadata,
    '--work',
    join(folder, 'query'),
  ]);
  using client = connect(daemon.address);
  const plan = (table: string) => {
    const sql = `select shop, sum(amount) from ${table} group by shop`;
    return explain(client.queries, sql, { project });
  };
  await plan(tableName(0));
  const queryStartMs = performance.now() - startedMs;
  const nextTableMs = await timed(() => plan(tableName(tables - 1)));
  return { queryStartMs, nextTableMs, queryPeakRssBytes: await peakRssOnceQuiet(daemon) };
}

/** Most memory that a daemon has had once it has read what it reads in the background: when it takes no more of it for a while. */
async function peakRssOnceQuiet(daemon: DaemonProcess): Promise<number> {
  let [cpu, seconds] = [0, 0];
  do {
    cpu = daemon.cpuSeconds();
    await sleep(quietMs);
    seconds = daemon.cpuSeconds() - cpu;
  } while (seconds > quietCpuSeconds);
  return daemon.peakRssBytes();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

function reachOf(figures: Figures) {
  const id = (what: string) => `metadata-${figures.driver}-${what}`;
  const most = { op: '<=' } as const;
  const least = { op: '>=', target: 200, unit: 'segments/s' } as const;
  return [
    { id: id('publish'), value: figures.parallelPerSecond, ...least },
    { id: id('start'), value: figures.queryStartMs / 1000, ...most, target: 3, unit: 's' },
    { id: id('memory'), value: figures.queryPeakRssBytes / 1e6, ...most, target: 300, unit: 'MB' },
  ];
}

function tableOf(figures: readonly Figures[]): string {
  const whole = (value: number) => value.toFixed(0);
  const rows: [string, (figures: Figures) => number][] = [
    [`publish, ${batch} at a time by 16, segments/s`, (each) => each.batchedPerSecond],
    [`publish, 1 at a time by ${publishers}, segments/s`, (each) => each.parallelPerSecond],
    ['publish, 1 at a time by 1, segments/s', (each) => each.serialPerSecond],
    ['list models, ms', (each) => each.listModelsMs],
    ['list segments, ms', (each) => each.listSegmentsMs],
    ['watch until the first change, ms', (each) => each.watchMs],
    ['query daemon until its first plan, ms', (each) => each.queryStartMs],
    ['query daemon, plan over other models, ms', (each) => each.nextTableMs],
    ['query daemon, most memory, MB', (each) => each.queryPeakRssBytes / 1e6],
    ['metadata daemon, most memory, MB', (each) => each.metadataPeakRssBytes / 1e6],
  ];
  const headings = ['', ...figures.map(({ driver }) => driver.toUpperCase())];
  return formatTable(
    headings,
    rows.map(([what, value]) => [what, ...figures.map((each) => whole(value(each)))]),
  );
}
