import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable } from '@tessera/cli';
import { type Connection, connect, listAll, segmentFromProto } from '@tessera/client';
import type { Benchmark, BenchmarkResult, Reach } from '../benchmark.ts';
import { startPlatformProcess } from '../platform-process.ts';
import { ssbDirectory } from '../ssb/data.ts';
import { measureBuild } from '../ssb/measure-build.ts';
import { ssbQueries } from '../ssb/queries.ts';
import { writeSsbResources } from '../ssb/resources.ts';
import { median, percentile } from '../statistics.ts';
import { ask } from './ask.ts';
import { BridgeNetwork } from './bridge-network.ts';
import { ShippedBytes } from './shipped-bytes.ts';
import { startCluster } from './storage-hosts.ts';

const hostCount = 3;
const slowMegabits = 50;
const cube = 'projects/default/cubes/ssb';

/** What one query took. Times in ms; bytes of frames on links, over both ways, for one run of it. */
interface QueryFigures {
  readonly query: string;
  readonly sql: string;
  readonly equal: boolean;
  readonly embeddedP50: number;
  readonly clusterP50: number;
  readonly clusterP95: number;
  readonly slowP50: number;
  readonly slowP95: number;
  readonly resultBytes: number;
  /** By host. */
  readonly linkBytes: readonly number[];
  /** The same as the daemons count it: messages alone. */
  readonly messageBytes: number;
  readonly shippedBytes: number;
}

/** SSB on three storage daemons behind a network, beside the same platform in one process. */
export const clusterBenchmark: Benchmark = {
  name: 'cluster',
  summary: 'SSB on three storage daemons in namespaces: --sf 1 --rounds 200 (root, iproute2)',
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        sf: { type: 'string', default: '1' },
        rounds: { type: 'string', default: '200' },
      },
    });
    return runCluster(Number(values.sf), Number(values.rounds));
  },
};

async function runCluster(scaleFactor: number, rounds: number): Promise<BenchmarkResult> {
  const data = await ssbDirectory(scaleFactor);
  const directory = mkdtempSync(join(tmpdir(), 'tessera-bench-'));
  try {
    using network = new BridgeNetwork(hostCount);
    await using platform = await startPlatformProcess(directory, ['--memory', '1024']);
    using embedded = connect(platform.address);
    const yaml = writeSsbResources(directory, data);
    await measureBuild({ client: embedded, platform, directory: data }, yaml, cube);
    const stored = { directory: join(directory, 'storage'), cubePath: 'cuboids/default/ssb' };
    await using cluster = await startCluster({
      ...{ network, hostCount, directory: join(directory, 'hosts'), stored },
      metadata: platform.address,
    });
    using clustered = connect(cluster.query.address);
    const { resources } = await listAll(embedded, 'segments', { parent: cube });
    const shipped = new ShippedBytes(resources.map(segmentFromProto), stored.directory);
    const subjects = { embedded, clustered };
    await loadAll(subjects);
    const fast = [];
    for (const { name, sql, standard } of ssbQueries) {
      fast.push(await measureQuery(name, sql(standard), { ...subjects, network, shipped, rounds }));
    }
    network.limit(slowMegabits);
    const figures: QueryFigures[] = [];
    for (const query of fast) {
      const times = await timesOf(clustered, query.sql, rounds);
      figures.push({ ...query, slowP50: median(times), slowP95: percentile(times, 0.95) });
    }
    printFigures(figures);
    return { reach: reachOf(figures), details: { scaleFactor, rounds, figures } };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Asks until everything is answered from memory, and connections and plans are warm. */
async function loadAll(subjects: Readonly<Record<string, Connection>>): Promise<void> {
  for (const client of Object.values(subjects)) {
    for (const { sql, standard } of ssbQueries) {
      for (let tries = 0; ; tries++) {
        const { work } = await ask(client, sql(standard));
        if (work.every((call) => call.work?.source === 'tiles')) break;
        if (tries === maxLoads) throw new Error('the cuboids do not fit into memory');
        await new Promise((resolve) => setTimeout(resolve, loadPauseMs));
      }
      for (let i = 0; i < warmUps; i++) await ask(client, sql(standard));
    }
  }
}

const maxLoads = 200;
const loadPauseMs = 50;
const warmUps = 200;

type FastFigures = Omit<QueryFigures, 'slowP50' | 'slowP95'>;

/** Both take turns, so that a change of the machine's speed hits both. */
async function measureQuery(
  name: string,
  sql: string,
  parts: {
    readonly embedded: Connection;
    readonly clustered: Connection;
    readonly network: BridgeNetwork;
    readonly shipped: ShippedBytes;
    readonly rounds: number;
  },
): Promise<FastFigures> {
  const { embedded, clustered, network, shipped, rounds } = parts;
  const [expected, answer] = [await ask(embedded, sql), await ask(clustered, sql)];
  const times = { embedded: [] as number[], cluster: [] as number[] };
  const before = linkBytes(network);
  for (let round = 0; round < rounds; round++) {
    times.embedded.push((await ask(embedded, sql)).ms);
    times.cluster.push((await ask(clustered, sql)).ms);
  }
  const after = linkBytes(network);
  const [block] = answer.coverage.blocks;
  return {
    query: name,
    sql,
    equal: JSON.stringify(answer.lines) === JSON.stringify(expected.lines),
    embeddedP50: median(times.embedded),
    clusterP50: median(times.cluster),
    clusterP95: percentile(times.cluster, 0.95),
    resultBytes: answer.resultBytes,
    linkBytes: after.map((bytes, host) => (bytes - before[host]!) / rounds),
    messageBytes: answer.work.reduce((sum, call) => sum + call.sentBytes + call.wireBytes, 0),
    shippedBytes: await shipped.of(sql, block!.layouts[0]!, block!.segments),
  };
}

function linkBytes(network: BridgeNetwork): readonly number[] {
  return Array.from({ length: hostCount }, (_, host) => {
    const { toHost, fromHost } = network.linkBytes(host);
    return toHost + fromHost;
  });
}

async function timesOf(client: Connection, sql: string, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push((await ask(client, sql)).ms);
  return times;
}

function printFigures(figures: readonly QueryFigures[]): void {
  console.log(
    formatTable(
      [
        ...['QUERY', 'EQUAL', 'EMBEDDED ms', 'CLUSTER ms', 'P95 ms', '50 Mbit/s ms', 'P95 ms'],
        ...['RESULT B', 'LINK B, most', 'LINKS B', 'MESSAGES B', 'SHIPPED B'],
      ],
      figures.map((f) => [
        f.query,
        f.equal ? 'yes' : 'NO',
        ...[f.embeddedP50, f.clusterP50, f.clusterP95, f.slowP50, f.slowP95].map((ms) =>
          ms.toFixed(2),
        ),
        ...[f.resultBytes, Math.max(...f.linkBytes), sum(f.linkBytes)].map((b) => b.toFixed(0)),
        ...[f.messageBytes, f.shippedBytes].map(String),
      ]),
    ),
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function reachOf(figures: readonly QueryFigures[]): Reach[] {
  const most = (of: (figure: QueryFigures) => number) => Math.max(...figures.map(of));
  const equal = figures.filter((f) => f.equal).length;
  const shipped = sum(figures.map((f) => f.shippedBytes));
  const wire = sum(figures.map((f) => sum(f.linkBytes)));
  return [
    { id: 'cluster-equal', value: equal, op: '>=', target: figures.length, unit: 'queries' },
    {
      ...{ id: 'cluster-added-p50', unit: 'ms, slowest query', op: '<=', target: 2 },
      ...{ value: most((f) => f.clusterP50 - f.embeddedP50), rival: 'embedded' },
      rivalValue: most((f) => f.embeddedP50),
    },
    {
      ...{ id: 'cluster-daemon-bytes', op: '<=', target: 1 },
      unit: 'of 2 results + 4 KB, worst query and daemon',
      value: most((f) => Math.max(...f.linkBytes) / (2 * f.resultBytes + 4_096)),
    },
    {
      ...{ id: 'cluster-wire-saving', op: '>=', target: 10, value: shipped / wire },
      ...{ unit: 'x, all queries', rival: 'shipping tiles, MB', rivalValue: shipped / 1e6 },
    },
    {
      ...{ id: 'cluster-slow-p95', op: '<=', target: 20, unit: 'ms, slowest query' },
      value: most((f) => f.slowP95),
    },
  ];
}
