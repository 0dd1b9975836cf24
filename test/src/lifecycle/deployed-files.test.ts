import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { type RunningHost, runHost } from '@tessera/host';
import { metadata } from '@tessera/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tessera } from './command-line.ts';
import { ScratchPlatform } from './scratch-platform.ts';

/** What a deployment brings to hosts: artifacts that are put once, and configuration files. */
const timeout = 120_000;
const { ROLLOUT_STATE_CURRENT } = metadata.RolloutState;
const poll = { timeout: 30_000 };
const name = 'deployments/cluster';
let platform: ScratchPlatform;
let hosts: RunningHost[];

beforeEach(async () => {
  platform = await ScratchPlatform.start({ scheduler: { deploymentIntervalMs: 50 } });
  hosts = [];
  for (const id of ['a', 'b']) {
    const config = { name: id, directory: join(platform.folder, id), leaseTtlMs: 10_000 };
    const addresses = { address: '127.0.0.1:0', metadataAddress: platform.address };
    hosts.push(await runHost(config, addresses, silentLogger));
  }
});
afterEach(async () => {
  await platform.client.deployments.deleteDeployment({ name, allowMissing: true });
  for (const { address } of hosts) {
    await expect.poll(() => processesAt(address), poll).toEqual([]);
  }
  for (const host of hosts) await host[Symbol.asyncDispose]();
  await platform[Symbol.asyncDispose]();
});

async function processesAt(address: string) {
  using connection = connect(address);
  return (await connection.host.listProcesses({})).processes;
}

const run = (...args: string[]) =>
  tessera(args, { cwd: platform.folder, address: platform.address });
const file = (host: string, path: string) =>
  join(platform.folder, host, 'processes/cluster.app/work', path);

/** Packs a program that prints its configuration as `app.tgz`; gives the archive's digest. */
function pack(version: string): string {
  const folder = join(platform.folder, 'app');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'run'), `#!/bin/sh\necho ${version}\ncat app.conf\nexec sleep 1000\n`);
  chmodSync(join(folder, 'run'), 0o755);
  const archive = join(platform.folder, 'app.tgz');
  execFileSync('tar', ['-czf', archive, '-C', platform.folder, 'app']);
  return createHash('sha256').update(readFileSync(archive)).digest('hex');
}

async function apply(artifact: string, level: string): Promise<void> {
  const yaml = `apiVersion: tessera/v1
kind: Deployment
name: cluster
daemons:
  - name: app
    argv: [app/app/run]
    artifacts: [{ artifact: ${artifact}, path: app, unpack: true }]
    files:
      - path: app.conf
        content: |
          host = {{host}}
          level = ${level}
`;
  writeFileSync(join(platform.folder, 'cluster.yaml'), yaml);
  expect(await run('apply', '-f', 'cluster.yaml')).toMatchObject({ code: 0, err: '' });
}

const status = () =>
  platform.client.deployments.getDeploymentStatus({ name: 'deployment-statuses/cluster' });
/** Waits until all runs as the newest version says. */
async function current(): Promise<void> {
  const isCurrent = async () => {
    const { version } = await platform.client.deployments.getDeployment({ name });
    const seen = await status();
    return seen.version === version && seen.state === ROLLOUT_STATE_CURRENT;
  };
  await expect.poll(isCurrent, poll).toBe(true);
}
const printed = async (host: string) => (await run('host', 'logs', host, 'cluster.app')).out;

test('an artifact that is put once is on every host that needs it, and is not deleted while one does', {
  timeout,
}, async () => {
  const first = pack('one');
  await apply(first, 'low');
  const stateOfAll = async () => {
    const { processes, message } = await status();
    return [processes.map(({ state }) => state), message];
  };
  const nowhere = expect.stringContaining('tessera artifact put');
  await expect.poll(stateOfAll, poll).toEqual([['FETCHING', 'FETCHING'], nowhere]);
  const put = await run('artifact', 'put', 'app.tgz', '--host', 'b');
  expect(put).toMatchObject({ code: 0, err: '', out: expect.stringContaining(first) });
  await current();
  expect(await printed('a')).toBe('one\nhost = a\nlevel = low\n');
  const listed = JSON.parse((await run('--json', 'artifact', 'list')).out);
  expect(listed).toMatchObject([{ digest: first, displayName: 'app.tgz', hosts: ['a', 'b'] }]);
  expect(await run('artifact', 'delete', first.slice(0, 8))).toMatchObject({
    code: 5,
    err: expect.stringContaining('ARTIFACT_IN_USE'),
  });
  expect((await run('artifact', 'prune')).out).toBe('nothing is unused\n');

  const second = pack('two');
  expect((await run('artifact', 'put', 'app.tgz')).code).toBe(0);
  await apply(second, 'low');
  await current();
  expect(await printed('a')).toContain('two');
  expect((await run('artifact', 'prune')).out).toBe('nothing is unused\n');
  const unused = await run('artifact', 'prune', '--old-versions', '--dry-run');
  expect(unused.out).toBe(`would delete ${first} app.tgz\n`);
  expect((await run('artifact', 'delete', first)).out).toContain('from a, b');
  expect((await run('artifact')).out).not.toContain(first);
  await run('deployment', 'rollback', 'cluster', '1');
  await expect.poll(async () => (await status()).message, poll).toContain(first);
  const { processes } = await status();
  expect(processes.map(({ state }) => state)).toEqual(['RUNNING', 'RUNNING']);
  await run('deployment', 'rollback', 'cluster', '2');
  await current();
});

test('configuration files are versioned, changed one host after the other, and put right when somebody changes them', {
  timeout,
}, async () => {
  const artifact = pack('one');
  await run('artifact', 'put', 'app.tgz');
  await apply(artifact, 'low');
  await current();
  await apply(artifact, 'high');
  await current();
  expect(await printed('b')).toContain('level = high');
  const diff = await run('deployment', 'diff', 'cluster', '1', '2');
  expect(diff.out).toContain(
    'files[app.conf].content:\n      - level = low\n      + level = high\n',
  );

  const [before] = await processesAt(hosts[0]!.address);
  writeFileSync(file('a', 'app.conf'), 'level = mine\n');
  const drifts = async () =>
    (await status()).drifts.map(({ reason, host, mendedTime }) => [
      ...[reason, host, mendedTime !== undefined],
    ]);
  await expect.poll(drifts, poll).toEqual([['FILE_CHANGED_BY_HAND', 'hosts/a', true]]);
  expect(readFileSync(file('a', 'app.conf'), 'utf8')).toBe('host = a\nlevel = high\n');
  const [after] = await processesAt(hosts[0]!.address);
  expect(after!.pid).toBe(before!.pid);
  expect((await run('describe', 'deployment', 'cluster')).out).toContain(
    'Changed or removed: app.conf.',
  );

  await run('deployment', 'rollback', 'cluster', '1');
  await current();
  expect(readFileSync(file('b', 'app.conf'), 'utf8')).toBe('host = b\nlevel = low\n');
});
