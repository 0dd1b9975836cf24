import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect, type TesseraClient, watchAll } from '@tessera/client';
import { type EtcdServers, etcdProgram, startEtcd } from '@tessera/testkit/etcd';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DaemonProcesses } from '../daemon-processes.ts';

const installed = etcdProgram() !== undefined;
/** Ample: no call may come near it, though one of the daemons is always away. */
const deadlineMs = 20_000;
const patience = { timeout: 40_000, interval: 20 } as const;

/** Writes numbers one after the other, each on top of the version that the one before gave. */
class Writer {
  readonly name: string;
  readonly #client: TesseraClient;
  readonly #stopped = new AbortController();
  /** Ends when it is stopped, or with the first failure of a call. */
  readonly running: Promise<void>;
  acknowledged = 0;

  constructor(client: TesseraClient, id: string) {
    this.#client = client;
    this.name = `projects/${id}`;
    this.running = this.#run(id);
    this.running.catch(() => {}); // Whoever waits for it is told.
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.running;
  }

  async #run(projectId: string): Promise<void> {
    const { projects } = this.#client;
    const options = () => ({ signal: AbortSignal.timeout(deadlineMs) });
    const project = { description: '0' };
    let { etag } = await projects.createProject({ projectId, project }, options());
    while (!this.#stopped.signal.aborted) {
      const description = `${this.acknowledged + 1}`;
      const changed = { name: this.name, etag, description };
      const written = await projects.updateProject({ project: changed }, options());
      expect(written.description).toBe(description);
      etag = written.etag;
      this.acknowledged++;
    }
  }
}

/** Everything that a watch tells of each project. */
class Watcher {
  readonly seen = new Map<string, string[]>();
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  snapshots = 0;

  constructor(client: TesseraClient) {
    this.#running = this.#run(client);
    this.#running.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running.catch((error) => {
      if (error.reason !== 'CANCELLED') throw error;
    });
  }

  async #run(client: TesseraClient): Promise<void> {
    for await (const event of watchAll(client, 'projects', { signal: this.#stopped.signal })) {
      if (event.kind === 'snapshot') this.snapshots++;
      if (event.kind !== 'put') continue;
      const { name, description } = event.resource;
      this.seen.set(name, [...(this.seen.get(name) ?? []), description]);
    }
  }
}

describe.skipIf(!installed)('clients of two metadata daemons', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-failover-'));
  let servers: EtcdServers;
  let daemons: { readonly process: DaemonProcesses; readonly address: string }[] = [];
  let client: Connection | undefined;
  const config = join(folder, 'metadata.json');

  beforeAll(async () => {
    servers = await startEtcd({ members: 1 });
    const store = { driver: 'etcd', endpoints: servers.endpoints, prefix: 'failover' };
    writeFileSync(config, JSON.stringify({ store }));
    for (let i = 0; i < 2; i++) {
      const process = new DaemonProcesses();
      daemons.push({ process, address: await process.start('metadata', { config }) });
    }
  }, 60_000);
  afterEach(() => client?.close());
  afterAll(async () => {
    for (const { process } of daemons) process.signal('metadata', 'SIGCONT');
    for (const { process } of daemons) await process[Symbol.asyncDispose]();
    daemons = [];
    await servers?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Until it serves again. */
  const serves = async (address: string) => {
    using own = connect(address);
    await expect
      .poll(
        () =>
          own.projects.listProjects({ pageSize: 1 }).then(
            () => true,
            () => false,
          ),
        patience,
      )
      .toBe(true);
  };

  test('lose no write, make none twice and miss no event while one after the other is killed or hangs', async () => {
    client = connect(daemons.map(({ address }) => address));
    const watchers = Array.from({ length: 3 }, () => new Watcher(client!));
    await expect
      .poll(() => watchers.every(({ snapshots }) => snapshots === 1), patience)
      .toBe(true);
    const writers = Array.from({ length: 4 }, (_, i) => new Writer(client!, `w${i}`));
    /** Writers get on, and watchers hear of what is written from now on. */
    const goesOn = async () => {
      const goals = new Map(writers.map(({ name, acknowledged }) => [name, acknowledged + 5]));
      const reached = () =>
        [...goals].every(([name, goal]) =>
          watchers.every(({ seen }) => Number(seen.get(name)?.at(-1) ?? -1) >= goal),
        );
      const failed = Promise.race(writers.map(({ running }) => running));
      await Promise.race([failed, expect.poll(reached, patience).toBe(true)]);
    };
    await goesOn();
    for (const { process, address } of daemons) {
      await process.end('metadata', 'SIGKILL');
      await goesOn();
      await process.start('metadata', { config, address });
      await serves(address);
      process.signal('metadata', 'SIGSTOP');
      await goesOn();
      process.signal('metadata', 'SIGCONT');
      await serves(address);
    }
    for (const writer of writers) await writer.stop();
    for (const { name, acknowledged } of writers) {
      expect(acknowledged).toBeGreaterThan(20);
      const { description } = await client.projects.getProject({ name });
      expect(description).toBe(`${acknowledged}`);
      const written = Array.from({ length: acknowledged + 1 }, (_, i) => `${i}`);
      for (const { seen } of watchers) {
        await expect.poll(() => seen.get(name)?.length, patience).toBe(written.length);
        expect(seen.get(name)).toEqual(written);
      }
    }
    for (const watcher of watchers) await watcher.stop();
  });

  test('start while one of them hangs, and do not ask that one again until it is well', async () => {
    const [hung, well] = daemons;
    hung!.process.signal('metadata', 'SIGSTOP');
    client = connect([hung!.address, well!.address]);
    for (let i = 0; i < 20; i++) {
      const signal = AbortSignal.timeout(deadlineMs);
      await client.projects.listProjects({ pageSize: 1 }, { signal });
    }
    hung!.process.signal('metadata', 'SIGCONT');
    await serves(hung!.address);
    await well!.process.end('metadata', 'SIGKILL');
    const { projects } = await client.projects.listProjects({ pageSize: 1 });
    expect(projects).toHaveLength(1);
    await well!.process.start('metadata', { config, address: well!.address });
  });

  test('fail at once when there is none', async () => {
    client = connect(['127.0.0.1:1', '127.0.0.1:2']);
    await expect(client.projects.listProjects({})).rejects.toMatchObject({
      reason: 'DAEMON_UNAVAILABLE',
    });
  });
});
