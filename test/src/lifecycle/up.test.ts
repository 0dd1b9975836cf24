import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, wait } from '@tessera/client';
import { scheduler } from '@tessera/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { applyFile } from '../test-platform.ts';
import { ended, listening, started, tessera } from './command-line.ts';
import { answers, cube, expected, writeModel, writeSales } from './sales.ts';

/** `tessera up` as a process. */
let folder: string;
let running: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-up-'));
  running = [];
});

afterEach(async () => {
  for (const child of running) child.kill('SIGTERM');
  await Promise.all(running.map((child) => child.exitCode ?? child.signalCode ?? ended(child)));
  rmSync(folder, { recursive: true, force: true });
});

async function up(...args: string[]): Promise<{ child: ChildProcess; address: string }> {
  const child = started(['up', '--data', 'data', '--port', '0', '--memory', '64', ...args], folder);
  running.push(child);
  return { child, address: await listening(child) };
}

describe('tessera up', { timeout: 240_000 }, () => {
  test('refuses a folder that another one uses, and a port that is taken', async () => {
    await up();
    const second = await tessera(['up', '--data', 'data', '--port', '0'], { cwd: folder });
    expect(second.err).toContain('STORE_LOCKED');
    expect(second.code).toBeGreaterThan(0);
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const third = await tessera(['up', '--data', 'other', '--port', String(port)], { cwd: folder });
    taken.close();
    expect(third.err).toContain('ADDRESS_IN_USE');
    expect(third.code).toBeGreaterThan(0);
  });

  test.each(['before', 'behind'])(
    'refuses --address %s the command, and says what to use',
    async (place) => {
      const address = ['--address', '127.0.0.1:0'];
      const args = ['up', '--data', 'data', '--port', '0'];
      const child = started(
        place === 'before' ? [...address, ...args] : [...args, ...address],
        folder,
      );
      running.push(child);
      // One that took it would not end.
      child.stdout!.once('data', () => child.kill('SIGTERM'));
      const { code, err } = await ended(child);
      expect(err).toMatch(/--host and --port.*ADDRESS_NOT_TAKEN/);
      expect(code).toBe(2);
    },
  );

  test('knows the quotas of Flink that it is told, and no others', async () => {
    const { address } = await up('--flink-quota', 'team=slots:4', '--flink-quota', 'two=cpu:2');
    using client = connect(address);
    const file = join(folder, 'flink.yaml');
    writeFileSync(file, ['team', 'two', 'three'].map(clusterWith).join('---\n'));
    await applyFile(client, file);
    const reasonOf = async (id: string) => {
      const name = `flink-cluster-statuses/${id}`;
      const status = await client.flinkClusters.getFlinkClusterStatus({ name });
      return status.conditions[0]?.reason;
    };
    const poll = { timeout: 60_000 };
    await expect.poll(() => reasonOf('three'), poll).toBe('FLINK_QUOTA_UNDECLARED');
    await expect.poll(() => reasonOf('two'), poll).toBe('HOST_NONE_ELIGIBLE');
    await expect.poll(() => reasonOf('team'), poll).toBe('HOST_NONE_ELIGIBLE');
  });

  test.each(['up', 'daemon scheduler'])(
    'refuses a quota of Flink that cannot be read: %s',
    async (command) => {
      const quota = ['--flink-quota', 'team=slots:many'];
      const child = started([...command.split(' '), ...quota], folder);
      running.push(child);
      // One that took it would not end.
      child.stdout!.once('data', () => child.kill('SIGTERM'));
      const { code, err } = await ended(child);
      expect(err).toContain('FLINK_QUOTA_INVALID');
      expect(code).not.toBe(0);
    },
  );

  test('ends with 0 when it is told to, and finds everything when it is started again', async () => {
    writeSales(folder);
    const first = await up();
    await build(first.address);
    const end = ended(first.child);
    first.child.kill('SIGTERM');
    expect((await end).code).toBe(0);
    await expectAnswers((await up()).address);
  });

  test('finds everything after kill -9', async () => {
    writeSales(folder);
    const first = await up();
    await build(first.address);
    const end = ended(first.child);
    first.child.kill('SIGKILL');
    await end;
    await expectAnswers((await up()).address);
  });
});

function clusterWith(quota: string): string {
  return `apiVersion: tessera/v1
kind: FlinkCluster
name: ${quota}
flinkVersion: 2.3.0
bundle: ${'b'.repeat(64)}
jobManager: { process: 1600 MiB }
taskManager: { process: 2 GiB, slots: 2 }
quota: ${quota}
stateDirectory: file:///shared/${quota}
`;
}

async function build(address: string): Promise<void> {
  using client = connect(address);
  await applyFile(client, writeModel(folder));
  const operation = await client.builds.buildSegments({ cube });
  await wait(client.operations, operation, { response: scheduler.BuildSegmentsResponse });
}

async function expectAnswers(address: string): Promise<void> {
  using client = connect(address);
  const found = await answers(client, 'always');
  expect(found.map(({ rows }) => rows)).toEqual(await expected(folder));
}
