import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, isTesseraError } from '@tessera/base';
import { type Connection, connect, query } from '@tessera/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DaemonProcesses } from '../daemon-processes.ts';
import { applyFile } from '../test-platform.ts';
import { ended, listening, started } from './command-line.ts';
import { cube, writeModel, writeSales } from './sales.ts';

/** Daemons that are told to stop while they are used, as processes of their own. */
/** By which a caller knows that the same call may be made again, here or elsewhere. */
const retryable: readonly Code[] = [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED];
/** More rows than are counted while a test runs. */
const endless =
  'select count(*) from sales a, sales b, sales c, sales d, sales e, sales f, sales g where a.amount + b.amount + c.amount + d.amount + e.amount + f.amount + g.amount = -1';

let folder: string;
let running: ChildProcess[];
let stack: DisposableStack;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-draining-'));
  running = [];
  stack = new DisposableStack();
});

afterEach(async () => {
  stack.dispose();
  for (const child of running.toReversed()) child.kill('SIGKILL');
  await Promise.all(running.map((child) => child.exitCode ?? child.signalCode ?? ended(child)));
  rmSync(folder, { recursive: true, force: true });
});

function connected(address: string): Connection {
  return stack.use(connect(address, { maxAttempts: 1 }));
}

async function up(...args: string[]): Promise<{ child: ChildProcess; client: Connection }> {
  const child = started(['up', '--data', 'data', '--port', '0', '--memory', '64', ...args], folder);
  running.push(child);
  return { child, client: connected(await listening(child)) };
}

/** Calls again and again until one fails. */
class Load {
  readonly done: Promise<readonly unknown[]>;
  count = 0;
  readonly #busy = Promise.withResolvers<void>();

  constructor(callers: number, call: (caller: number, time: number) => Promise<unknown>) {
    this.done = Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        for (let time = 0; ; time++) {
          try {
            await call(caller, time);
          } catch (error) {
            return error;
          }
          if (++this.count === 5 * callers) this.#busy.resolve();
        }
      }),
    );
  }

  /** Resolves when there were calls enough, or all of them have failed. */
  async underWay(): Promise<void> {
    await Promise.race([this.#busy.promise, this.done]);
  }
}

async function stopped(child: ChildProcess): Promise<number | null> {
  const end = ended(child);
  child.kill('SIGTERM');
  return (await end).code;
}

function unexpected(failures: readonly unknown[]): unknown[] {
  return failures.filter((error) => !isTesseraError(error) || !retryable.includes(error.code));
}

describe('a platform that is told to stop', { timeout: 240_000 }, () => {
  test('fails no call but by what may be tried again, and loses nothing that it acknowledged', async () => {
    writeSales(folder);
    const first = await up();
    await applyFile(first.client, writeModel(folder));
    await first.client.builds.buildSegments({ cube });
    const sql = 'select channel, count(*) from sales group by 1 order by 1';
    const expected = (await query(first.client.queries, sql)).rows;
    const acknowledged: string[] = [];
    const queries = new Load(8, async () => {
      expect((await query(first.client.queries, sql)).rows).toEqual(expected);
    });
    const writes = new Load(4, async (caller, time) => {
      const projectId = `p${caller}-${time}`;
      await first.client.projects.createProject({ projectId });
      acknowledged.push(`projects/${projectId}`);
    });
    await Promise.all([queries.underWay(), writes.underWay()]);
    expect(await stopped(first.child)).toBe(0);
    expect(unexpected([...(await queries.done), ...(await writes.done)])).toEqual([]);
    const second = await up();
    const found = new Set<string>();
    for (let pageToken = ''; ; ) {
      const page = await second.client.projects.listProjects({ pageSize: 1_000, pageToken });
      for (const { name } of page.projects) found.add(name);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(acknowledged.filter((name) => !found.has(name))).toEqual([]);
    expect((await query(second.client.queries, sql)).rows).toEqual(expected);
  });

  test('ends a statement that takes longer than draining may, and the process', async () => {
    writeSales(folder);
    const { child, client } = await up('--drain-timeout', '1');
    await applyFile(client, writeModel(folder));
    const failed = query(client.queries, endless).catch((error: unknown) => error);
    await untilRunning(client, failed);
    expect(await stopped(child)).toBe(0);
    const retryAfterMs = expect.any(Number);
    expect(await failed).toMatchObject({ reason: 'SHUTTING_DOWN', retryAfterMs });
  });

  test('ends at once when it is told again', async () => {
    writeSales(folder);
    const { child, client } = await up('--drain-timeout', '600');
    await applyFile(client, writeModel(folder));
    const failed = query(client.queries, endless).catch((error: unknown) => error);
    await untilRunning(client, failed);
    const end = ended(child);
    child.kill('SIGTERM');
    const again = setInterval(() => child.kill('SIGTERM'), 100);
    expect((await end).code).toBe(null);
    clearInterval(again);
    expect(child.signalCode).toBe('SIGKILL');
    expect(await failed).toMatchObject({ code: Code.UNAVAILABLE });
  });
});

async function untilRunning(client: Connection, failed: Promise<unknown>): Promise<void> {
  let ended: unknown;
  void failed.then((outcome) => {
    ended = outcome;
  });
  for (;;) {
    if (ended !== undefined) throw ended;
    const { queries } = await client.queries.listQueries({});
    if (queries.some(({ sql, queued }) => sql === endless && !queued)) return;
  }
}

describe('a daemon that is told to stop', { timeout: 240_000 }, () => {
  test('answers or says where to go, whichever it is, and the process ends well', async () => {
    await using daemons = new DaemonProcesses();
    const file = join(folder, 'metadata.db');
    const metadata = await daemons.start('metadata', { file });
    const storage = await daemons.start('storage', { directory: join(folder, 'storage') });
    const work = (name: string) => ({ metadata, work: join(folder, name) });
    const query = await daemons.start('query', { ...work('query'), storage });
    const scheduler = await daemons.start('scheduler', { ...work('scheduler'), storage, query });
    const host = await daemons.start('host', {
      ...{ metadata, name: 'node1', directory: join(folder, 'host') },
    });
    const catalog = connected(metadata);
    const names: string[] = [];
    const writes = new Load(4, async (caller, time) => {
      const projectId = `p${caller}-${time}`;
      await catalog.projects.createProject({ projectId });
      names.push(`projects/${projectId}`);
    });
    const load = (address: string, call: (client: Connection) => Promise<unknown>) => {
      const client = connected(address);
      return new Load(4, () => call(client));
    };
    const loads = [
      ['host', load(host, (client) => client.host.listProcesses({}))],
      ['scheduler', load(scheduler, (client) => client.operations.listOperations({}))],
      ['query', load(query, (client) => client.queries.listQueries({}))],
      ['storage', load(storage, (client) => client.storage.getStats({}))],
    ] as const;
    await Promise.all([writes, ...loads.map(([, each]) => each)].map((each) => each.underWay()));
    for (const [name, each] of loads) {
      expect([name, await daemons.end(name, 'SIGTERM')]).toEqual([name, 0]);
      expect(unexpected(await each.done)).toEqual([]);
    }
    // The leader gave its lease back: nobody waits for it to run out.
    const lease = { name: 'leases/scheduler', holder: 'next', ttl: { seconds: 60n, nanos: 0 } };
    await catalog.leases.acquireLease(lease);
    expect(await daemons.end('metadata', 'SIGTERM')).toBe(0);
    expect(unexpected(await writes.done)).toEqual([]);
    const again = connected(await daemons.start('metadata', { file }));
    for (const name of names) await again.projects.getProject({ name });
  });
});
