import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, isTesseraError } from '@tessera/base';
import { type Connection, connect, query } from '@tessera/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyFile } from '../test-platform.ts';
import { ended, listening, started } from './command-line.ts';
import { cube, writeModel, writeSales } from './sales.ts';

/** Daemons that are told to stop while they are used, as processes of their own. */
const root = join(import.meta.dirname, '..', '..', '..');
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

/** Runs a daemon's own command on a free port; `address` is what its log says. */
async function daemon(name: string, ...args: string[]) {
  const main = join(root, 'daemons', name, 'src', 'main.ts');
  const options = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...options, main, '--address', '127.0.0.1:0', ...args], {
    cwd: folder,
    env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (more) => {
      text += more;
      const line = text.split('\n').find((each) => each.includes(`${name}.started`));
      const found = line === undefined ? null : /"address":"([^"]+)"/.exec(line);
      if (found !== null) resolve(found[1]!);
    });
    child.on('close', (code) => reject(new Error(`${name} ended with ${code}: ${text}`)));
  });
  return { child, address, client: connected(address) };
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
    const failed = expect(query(client.queries, endless)).rejects.toMatchObject({
      reason: 'SHUTTING_DOWN',
      retryAfterMs: expect.any(Number),
    });
    await untilRunning(client);
    expect(await stopped(child)).toBe(0);
    await failed;
  });

  test('ends at once when it is told again', async () => {
    writeSales(folder);
    const { child, client } = await up('--drain-timeout', '600');
    await applyFile(client, writeModel(folder));
    const failed = expect(query(client.queries, endless)).rejects.toBeDefined();
    await untilRunning(client);
    const end = ended(child);
    child.kill('SIGTERM');
    const again = setInterval(() => child.kill('SIGTERM'), 100);
    expect((await end).code).toBe(1);
    clearInterval(again);
    await failed;
  });
});

async function untilRunning(client: Connection): Promise<void> {
  for (;;) {
    const { queries } = await client.queries.listQueries({});
    if (queries.some(({ sql, queued }) => sql === endless && !queued)) return;
  }
}

describe('a daemon that is told to stop', { timeout: 240_000 }, () => {
  test('answers or says where to go, whichever it is, and the process ends well', async () => {
    const metadata = await daemon('metadata', '--file', 'metadata.db');
    const of = ['--metadata', metadata.address];
    const storage = await daemon('storage', '--directory', 'storage');
    const query = await daemon('query', ...of, '--storage', storage.address, '--work', 'query');
    const scheduler = await daemon(
      ...(['scheduler', ...of, '--storage', storage.address, '--query', query.address] as const),
      ...(['--work', 'scheduler'] as const),
    );
    const host = await daemon('host', ...of, '--name', 'node1', '--directory', 'host');
    const loads = [
      { of: host, load: new Load(4, () => host.client.host.listProcesses({})) },
      { of: scheduler, load: new Load(4, () => scheduler.client.operations.listOperations({})) },
      { of: query, load: new Load(4, () => query.client.queries.listQueries({})) },
      { of: storage, load: new Load(4, () => storage.client.storage.getStats({})) },
    ];
    const names: string[] = [];
    const writes = new Load(4, async (caller, time) => {
      const projectId = `p${caller}-${time}`;
      await metadata.client.projects.createProject({ projectId });
      names.push(`projects/${projectId}`);
    });
    await Promise.all([writes, ...loads.map(({ load }) => load)].map((load) => load.underWay()));
    for (const { of: daemon, load } of loads) {
      expect(await stopped(daemon.child)).toBe(0);
      expect(unexpected(await load.done)).toEqual([]);
    }
    // The leader gave its lease back: nobody waits for it to run out.
    const lease = { name: 'leases/scheduler', holder: 'next', ttl: { seconds: 60n, nanos: 0 } };
    await metadata.client.leases.acquireLease(lease);
    expect(await stopped(metadata.child)).toBe(0);
    expect(unexpected(await writes.done)).toEqual([]);
    const again = await daemon('metadata', '--file', 'metadata.db');
    for (const name of names) await again.client.projects.getProject({ name });
  });
});
