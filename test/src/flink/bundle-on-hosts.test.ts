import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@tessera/daemon';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PlainHosts } from './plain-hosts.ts';

const names = ['a', 'b', 'c'] as const;
const poll = { timeout: 180_000, interval: 50 };

let stack: AsyncDisposableStack;
let hosts: PlainHosts;
let folder: string;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  folder = mkdtempSync(join(tmpdir(), 'tessera-transfers-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  stack.defer(() => void vi.unstubAllEnvs());
  // What is started with the bundle runs, and does nothing.
  writeFileSync(join(folder, 'java'), '#!/bin/sh\nexec sleep 100000\n');
  chmodSync(join(folder, 'java'), 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
  hosts = stack.use(await PlainHosts.start());
});
afterEach(() => stack.disposeAsync(), 60_000);

function bundle(): Buffer {
  mkdirSync(join(folder, 'lib'));
  writeFileSync(join(folder, 'lib/flink.jar'), 'a jar');
  execFileSync('tar', ['-czf', join(folder, 'bundle.tgz'), '-C', folder, 'lib']);
  return readFileSync(join(folder, 'bundle.tgz'));
}

/** Counts what the daemons of a host have begun to receive from others. */
function counting(received: string[], host: string): Logger {
  const info: Logger['info'] = (_, message) => {
    if (message === 'artifact.pulling') received.push(host);
  };
  return { ...silentLogger, info, child: () => counting(received, host) };
}

/** Of processes that run, by id. */
async function running(): Promise<ReadonlyMap<string, number>> {
  const all = await Promise.all(names.map((name) => hosts.processes(name)));
  const found = all.flat().filter(({ pid }) => pid > 0);
  return new Map(found.map(({ name, pid }) => [name.replace('processes/', ''), pid]));
}
const jobManagers = async () =>
  [...(await running()).keys()].filter((id) => id.includes('-jm-')).sort();

test('each host receives a bundle once, whatever clusters use it and whatever is started again', async () => {
  const received: string[] = [];
  for (const name of names) await hosts.run(name, counting(received, name));
  const spec = { bundle: await hosts.put('a', bundle()), taskManagerCount: names.length };
  const unpacked = async () => {
    const all = await Promise.all(names.map((name) => hosts.artifacts(name)));
    return all.map((artifacts) => artifacts.map((artifact) => artifact.unpacked));
  };

  await Promise.all(['one', 'two'].map((id) => hosts.apply(id, spec)));
  await expect.poll(unpacked, poll).toEqual([[true], [true], [true]]);
  await expect.poll(jobManagers, poll).toEqual(['one-jm-1', 'two-jm-1']);
  expect(received.toSorted()).toEqual(['b', 'c']);

  for (const [id, pid] of await running()) {
    process.kill(pid, 'SIGKILL');
    await expect.poll(async () => (await running()).get(id) ?? pid, poll).not.toBe(pid);
  }

  for (const name of names) await hosts.run(name, counting(received, name));
  await hosts.apply('three', spec);
  await expect.poll(jobManagers, poll).toEqual(['one-jm-1', 'three-jm-1', 'two-jm-1']);
  expect(await unpacked()).toEqual([[true], [true], [true]]);
  expect(received.toSorted()).toEqual(['b', 'c']);
}, 400_000);

describe('a process of a cluster is put right', () => {
  const id = 'one-jm-1';
  let host: string;
  let work: string;
  beforeEach(async () => {
    for (const name of names) await hosts.run(name);
    await hosts.apply('one', { bundle: await hosts.put('a', bundle()), taskManagerCount: 1 });
    await expect.poll(jobManagers, poll).toEqual([id]);
    host = (await hosts.status('one')).started[0]!.host.replace('hosts/', '');
    work = join(hosts.folder, host, 'processes', id, 'work');
  });
  const pid = async () => (await running()).get(id);

  test.each([
    { what: 'a jar', path: 'flink/lib/flink.jar' },
    { what: 'its configuration', path: 'conf/config.yaml' },
  ])(
    'when somebody changes $what beside it; it runs on',
    async ({ path }) => {
      const [file, before] = [join(work, path), await pid()];
      const right = readFileSync(file, 'utf8');
      chmodSync(file, 0o644);
      appendFileSync(file, 'changed');
      const content = async () => readFileSync(file, 'utf8');
      await expect.poll(content, poll).toBe(right);
      expect(await pid()).toBe(before);
    },
    400_000,
  );

  test('when it is killed', async () => {
    const before = (await pid())!;
    process.kill(before, 'SIGKILL');
    await expect.poll(async () => (await pid()) ?? before, poll).not.toBe(before);
  }, 400_000);

  test('when somebody has started it with another flag', async () => {
    const argv = async () => (await hosts.processes(host))[0]?.spec?.argv;
    const right = await argv();
    await hosts.pause('one', true);
    await expect.poll(async () => (await hosts.status('one')).waitsFor, poll).toContain('paused');
    await hosts.startOtherwise(host, id, (spec) => ({ ...spec, argv: [...spec.argv, '-Dother'] }));
    expect(await argv()).toEqual([...right!, '-Dother']);
    await hosts.pause('one', false);
    await expect.poll(argv, poll).toEqual(right);
    await expect.poll(jobManagers, poll).toEqual([id]);
  }, 400_000);
});
