import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, systemClock } from '@tessera/base';
import { connect, type DaemonWork } from '@tessera/client';
import { rowsOf, type Value } from '@tessera/columnar';
import { layoutRelation, type ScanPlan, type SegmentRead } from '@tessera/cube';
import {
  AskingLocator,
  type BroadcastParts,
  BroadcastScanner,
  fixedNodes,
  RemoteStorageNode,
} from '@tessera/query';
import { type Expr, type as types } from '@tessera/sql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DaemonProcesses } from '../daemon-processes.ts';
import { Link } from './link.ts';
import { cube, StorageCluster } from './storage-cluster.ts';

const names = ['a', 'b', 'c'] as const;
/** Ample: no answer may come near it. */
const deadlineMs = 45_000;
const groups = 20_000;
const maxScans = 100;
const timeout = 3 * deadlineMs;

const stack = new AsyncDisposableStack();
const processes = new Map<string, DaemonProcesses>();
const links = new Map<string, Link>();
const segments: SegmentRead[] = [];
let parts: BroadcastParts;

/** Three storage daemons as processes, each segment on two of them, each behind a link of its own. */
beforeAll(async () => {
  const folders = names.map(() => mkdtempSync(join(tmpdir(), 'tessera-faults-')));
  stack.defer(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  {
    await using writer = await StorageCluster.open(names.length);
    for (let i = 0; i < names.length; i++) {
      const file = { kind: 'layout', id: 'rows', segment: `s${i}` } as const;
      const holders = [writer.daemons[i]!, writer.daemons[(i + 1) % names.length]!];
      const rows = `SELECT 'key ' || range AS k, ${2 ** i}::BIGINT AS n FROM range(${groups})`;
      segments.push(await writer.store(file, rows, holders));
    }
    writer.daemons.forEach(({ folder }, i) => {
      cpSync(join(folder, 'cuboids'), join(folders[i]!, 'cuboids'), { recursive: true });
    });
  }
  const nodes = await Promise.all(
    names.map(async (name, i) => {
      const own = stack.use(new DaemonProcesses());
      processes.set(name, own);
      const link = stack.use(await Link.to(await own.start('storage', { directory: folders[i]! })));
      links.set(name, link);
      return new RemoteStorageNode(
        name,
        stack.use(connect(link.address, { oneOfSeveral: true })).storage,
      );
    }),
  );
  const now = fixedNodes(nodes);
  const locator = new AskingLocator(now, systemClock);
  const maxPartialBytes = 1 << 26;
  parts = { nodes: now, locator, clock: systemClock, maxPartialBytes };
}, timeout);
afterAll(() => stack.disposeAsync(), timeout);

const column = (name: string, type: Expr['type']): Expr => {
  return { kind: 'column', relation: layoutRelation, name, type };
};

function planOf(read: readonly SegmentRead[]): ScanPlan {
  return {
    ...{ cube, layout: 'rows', segments: read, lookups: [] },
    groupBy: [{ name: 'k', expr: column('k', types.text) }],
    aggregates: [
      { name: 'n', fn: 'count_sum', args: [column('n', types.bigint)], type: types.bigint },
    ],
  };
}

/** The rows, and the calls that were made for them, by a scanner that knows no daemon yet, nor how long calls take. */
async function scan(read: readonly SegmentRead[]) {
  const work: DaemonWork[] = [];
  const onDaemonWork = (call: DaemonWork) => void work.push(call);
  const signal = AbortSignal.timeout(deadlineMs);
  const options = { parameters: [], signal, onDaemonWork };
  const scanner = new BroadcastScanner(parts);
  const batches = await Array.fromAsync(scanner.scan(planOf(read), options));
  return { rows: batches.flatMap(rowsOf), work };
}

function expectWhole(rows: readonly (readonly Value[])[], read: readonly SegmentRead[]): void {
  const n = read.reduce((sum, segment) => sum + 2n ** BigInt(segments.indexOf(segment)), 0n);
  expect(rows.length).toBe(groups);
  expect(new Set(rows.map(([key]) => key)).size).toBe(groups);
  expect(rows.every(([, count]) => count === n)).toBe(true);
}

/** A daemon that is the first choice for some segment when nothing is wrong, and that segment. */
async function someFirstChoice(): Promise<{ daemon: string; read: readonly SegmentRead[] }> {
  for (let i = 0; i < maxScans; i++) {
    const segment = segments[i % segments.length]!;
    const { work } = await scan([segment]);
    if (work.length === 1) return { daemon: work[0]!.daemon, read: [segment] };
  }
  throw new Error('no segment was read by one call');
}

/** By a failure that may pass, with the names of the daemons that have the first segment. */
async function expectUnreachable(only: SegmentRead): Promise<void> {
  const failure = await scan([only]).catch((error: unknown) => error);
  expect(failure).toMatchObject({
    reason: 'SEGMENT_UNREACHABLE',
    code: Code.UNAVAILABLE,
    metadata: { segment: 's0' },
  });
  const { asked } = (failure as { metadata: { asked: string } }).metadata;
  expect(asked).toMatch(/\ba \(.*\bb \(|\bb \(.*\ba \(/);
}

const told = ({ attempt, outcome }: DaemonWork) => `${attempt} ${outcome}`;

// The first: connections that were lost by others would be made anew, which a daemon that hangs delays.
test('when all replicas of a segment hang the failure names them before the deadline', {
  timeout,
}, async () => {
  const [only] = segments as [SegmentRead];
  await scan(segments);
  const holders = ['a', 'b'].map((name) => processes.get(name)!);
  for (const holder of holders) holder.signal('storage', 'SIGSTOP');
  try {
    await expectUnreachable(only);
  } finally {
    for (const holder of holders) holder.signal('storage', 'SIGCONT');
  }
});

test('a daemon that is stopped is late, and another replica answers', { timeout }, async () => {
  const { daemon, read } = await someFirstChoice();
  processes.get(daemon)!.signal('storage', 'SIGSTOP');
  try {
    const { rows, work } = await scan(read);
    expectWhole(rows, read);
    expect(work.map(told).sort()).toEqual(['first abandoned', 'hedge answered']);
    expectWhole((await scan(segments)).rows, segments);
  } finally {
    processes.get(daemon)!.signal('storage', 'SIGCONT');
  }
});

test('so it is when the link to it is cut without a word', { timeout }, async () => {
  const { daemon, read } = await someFirstChoice();
  links.get(daemon)!.cut();
  try {
    const { rows, work } = await scan(read);
    expectWhole(rows, read);
    expect(work.map(told).sort()).toEqual(['first abandoned', 'hedge answered']);
    expectWhole((await scan(segments)).rows, segments);
  } finally {
    links.get(daemon)!.mend();
  }
});

test('a daemon that goes in mid-stream is replaced, and nothing of what came counts twice', {
  timeout,
}, async () => {
  const { daemon, read } = await someFirstChoice();
  links.get(daemon)!.breakAfter(100_000);
  try {
    const { rows, work } = await scan(read);
    expectWhole(rows, read);
    const outcomes = Object.fromEntries(work.map((call) => [call.daemon, call.outcome]));
    expect(outcomes[daemon]).not.toBe('answered');
    expect(Object.values(outcomes)).toContain('answered');
  } finally {
    links.get(daemon)!.mend();
  }
});

test('when all replicas of a segment are gone the failure names them and may be tried again', {
  timeout,
}, async () => {
  const [only] = segments as [SegmentRead];
  for (const name of ['a', 'b']) await processes.get(name)!.end('storage', 'SIGKILL');
  await expectUnreachable(only);
  // The third one has the other segments.
  const others = segments.slice(1);
  expectWhole((await scan(others)).rows, others);
});
