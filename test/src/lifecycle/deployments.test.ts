import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, connect } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { type RunningHost, runHost } from '@tessera/host';
import { host as wire } from '@tessera/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tessera } from './command-line.ts';
import { ScratchPlatform } from './scratch-platform.ts';

/** Deployments carried out by the scheduler of a platform on real hosts with real processes. */
const timeout = 120_000;
const settings = { scheduler: { deploymentIntervalMs: 50 } };
const name = 'deployments/cluster';
let platform: ScratchPlatform;
let hosts: Map<string, RunningHost>;

beforeEach(async () => {
  platform = await ScratchPlatform.start(settings);
  hosts = new Map();
});
afterEach(async () => {
  await platform.client.deployments.deleteDeployment({ name, allowMissing: true });
  for (const id of hosts.keys()) await expect.poll(() => processesOf(id)).toEqual([]);
  for (const host of hosts.values()) await host[Symbol.asyncDispose]();
  await platform[Symbol.asyncDispose]();
});

async function startHost(id: string, rack: string): Promise<void> {
  const config = { name: id, directory: join(platform.folder, id), rack, leaseTtlMs: 1_000 };
  const addresses = { address: '127.0.0.1:0', metadataAddress: platform.address };
  hosts.set(id, await runHost(config, addresses, silentLogger));
}

async function onHost<T>(id: string, work: (host: Connection['host']) => Promise<T>): Promise<T> {
  using connection = connect(hosts.get(id)!.address);
  return await work(connection.host); // Before the connection is closed.
}

/** Such as `cluster.a RUNNING 1`, with the version that it runs. */
async function processesOf(id: string): Promise<string[]> {
  const { processes } = await onHost(id, (host) => host.listProcesses({}));
  return processes.map(({ name, state, spec }) => {
    const [known] = Object.entries(wire.ProcessState).find(([, value]) => value === state)!;
    const word = known.replace('PROCESS_STATE_', '');
    return `${name.slice('processes/'.length)} ${word} ${spec?.argv[1]}`;
  });
}

const pidsOf = async (id: string) =>
  onHost(id, async (host) => (await host.listProcesses({})).processes.map(({ pid }) => pid));

const daemon = (id: string, seconds: number, rest: object = {}) => ({
  name: id,
  argv: ['sleep', String(seconds)],
  ...rest,
});

function deploy(...daemons: object[]) {
  const deployment = { name, daemons } as Parameters<
    typeof platform.client.deployments.updateDeployment
  >[0]['deployment'] & {};
  return platform.client.deployments.updateDeployment({ deployment, allowMissing: true });
}

test('daemons run on the hosts that are selected, are changed one after the other, and end with it', {
  timeout,
}, async () => {
  await startHost('a', 'r1');
  await startHost('b', 'r2');
  await deploy(daemon('x', 1001), daemon('y', 2001, { hosts: { racks: ['r2'] } }));
  await expect.poll(() => processesOf('a')).toEqual(['cluster.x RUNNING 1001']);
  const both = ['cluster.x RUNNING 1001', 'cluster.y RUNNING 2001'];
  await expect.poll(() => processesOf('b')).toEqual(both);
  const [, kept] = await pidsOf('b');
  await deploy(daemon('x', 1002), daemon('y', 2001, { hosts: { racks: ['r2'] } }));
  await expect.poll(() => processesOf('a')).toEqual(['cluster.x RUNNING 1002']);
  await expect.poll(() => processesOf('b')).toEqual(['cluster.x RUNNING 1002', both[1]]);
  expect((await pidsOf('b'))[1]).toBe(kept);
  await deploy(daemon('x', 1002));
  await expect.poll(() => processesOf('b')).toEqual(['cluster.x RUNNING 1002']);
  await startHost('c', 'r3');
  await expect.poll(() => processesOf('c')).toEqual(['cluster.x RUNNING 1002']);
});

test('what runs is left alone when the scheduler or a host daemon is replaced, and what was ended is started', {
  timeout,
}, async () => {
  await startHost('a', 'r1');
  await deploy(daemon('x', 1001));
  await expect.poll(() => processesOf('a')).toEqual(['cluster.x RUNNING 1001']);
  const before = await pidsOf('a');
  await hosts.get('a')![Symbol.asyncDispose]();
  await startHost('a', 'r1');
  const manual = { argv: ['sleep', '60'] };
  await onHost('a', (host) => host.startProcess({ processId: 'by-hand', spec: manual }));
  await platform.restart(settings);
  hosts.set('a', await reconnected('a'));
  const all = ['by-hand RUNNING 60', 'cluster.x RUNNING 1001'];
  await expect.poll(() => processesOf('a')).toEqual(all);
  expect(await pidsOf('a')).toContain(before[0]);
  await onHost('a', (host) => host.stopProcess({ name: 'processes/cluster.x' }));
  const isAnother = async () => {
    const pids = await pidsOf('a');
    return pids.every((pid) => pid !== 0 && pid !== before[0]);
  };
  await expect.poll(isAnother).toBe(true);
  await onHost('a', (host) => host.stopProcess({ name: 'processes/by-hand' }));
  const untilGone = () =>
    onHost('a', (host) =>
      host.deleteProcess({ name: 'processes/by-hand', allowMissing: true }).then(
        () => true,
        () => false,
      ),
    );
  await expect.poll(untilGone).toBe(true);
});

const run = (...args: string[]) =>
  tessera(args, { cwd: platform.folder, address: platform.address });

/** Applies a deployment of one daemon, as a user does. */
async function apply(seconds: number, rest = ''): Promise<void> {
  const yaml = `apiVersion: tessera/v1
kind: Deployment
name: cluster
daemons:
  - { name: x, argv: [sleep, "${seconds}"] }
${rest}`;
  writeFileSync(join(platform.folder, 'cluster.yaml'), yaml);
  expect(await run('apply', '-f', 'cluster.yaml')).toMatchObject({ code: 0, err: '' });
}

async function drifts(): Promise<[string, boolean][]> {
  const { out } = await run('--json', 'deployment', 'status', 'cluster');
  return JSON.parse(out).drifts.map(
    (drift: { readonly reason: string; readonly mendedTime?: unknown }) =>
      [drift.reason, drift.mendedTime !== undefined] as const,
  );
}

test('what somebody does by hand is found, shown with its reason, and mended', {
  timeout,
}, async () => {
  const poll = { timeout: 30_000 };
  await startHost('a', 'r1');
  await apply(1001);
  await expect
    .poll(() => run('deployment', 'status', 'cluster').then(({ code }) => code), poll)
    .toBe(0);
  expect(await run('deployment', 'diff', 'cluster')).toMatchObject({ out: 'no difference\n' });
  expect((await run('host', 'stop', 'a', 'cluster.x')).code).toBe(0);
  await expect.poll(drifts, poll).toEqual([['STOPPED_BY_HAND', true]]);
  await apply(1001, 'paused: true\n');
  expect((await run('host', 'stop', 'a', 'cluster.x')).code).toBe(0);
  const byHand = { argv: ['sleep', '7'] };
  await onHost('a', async (host) => {
    await host.deleteProcess({ name: 'processes/cluster.x' });
    await host.startProcess({ processId: 'cluster.x', spec: byHand });
  });
  await expect.poll(async () => (await drifts())[0], poll).toEqual(['STARTED_BY_HAND', false]);
  const shown = await run('describe', 'deployment', 'cluster');
  expect(shown.out).toContain('paused: true');
  expect(shown.out).toMatch(
    /STARTED_BY_HAND +It was not started .*argv\[1\]: "7", wanted is "1001"/,
  );
  const differs = await run('deployment', 'diff', 'cluster');
  expect(differs).toMatchObject({ code: 1, out: expect.stringContaining('argv[1]: "7"') });
  const degraded = (await run('status')).out;
  expect(degraded).toMatch(/DEPLOYMENT_DRIFT cluster: .*STARTED_BY_HAND/);
  await apply(1001);
  await expect.poll(async () => (await drifts())[0], poll).toEqual(['STARTED_BY_HAND', true]);
  expect(await processesOf('a')).toEqual(['cluster.x RUNNING 1001']);
});

test('versions are listed, compared and taken back; faults are told where they stand', {
  timeout,
}, async () => {
  await apply(1001);
  await apply(1002);
  const change = 'daemons[x].argv: ["sleep","1001"] → ["sleep","1002"]';
  const diff = await run('deployment', 'diff', 'cluster', '1', '2');
  expect(diff).toMatchObject({ code: 1, out: expect.stringContaining(change) });
  expect(await run('diff', '-f', 'cluster.yaml')).toMatchObject({ code: 0 });
  expect((await run('deployment', 'rollback', 'cluster', '1')).out).toContain('as version 3');
  const history = (await run('deployment', 'history', 'cluster')).out.split('\n').slice(2);
  expect(history[0]).toMatch(/^ *3 .* as version 1$/);
  expect(history[1]).toMatch(/^ *2 .* daemons\[x\]\.argv$/);
  expect(await run('diff', '-f', 'cluster.yaml')).toMatchObject({ code: 1 });
  expect((await run('get', 'deployment')).out).toMatch(/^Deployment +cluster +x$/m);
  writeFileSync(join(platform.folder, 'bad.yaml'), exportedWith('replicas: 3'));
  const refused = await run('apply', '-f', 'bad.yaml');
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('bad.yaml:7:5') });
  writeFileSync(join(platform.folder, 'bad.yaml'), exportedWith('healthAddress: "{{up}}:1"'));
  const unknown = await run('apply', '-f', 'bad.yaml');
  expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('bad.yaml:7:20') });
  const missing = await run('deployment', 'rollback', 'cluster', '9');
  expect(missing.err).toContain('DEPLOYMENT_VERSION_UNKNOWN');
  expect((await run('delete', 'deployment', 'cluster')).code).toBe(0);
  expect((await run('deployment', 'history', 'cluster')).code).toBe(3);
});

function exportedWith(line: string): string {
  return `apiVersion: tessera/v1
kind: Deployment
name: cluster
daemons:
  - name: x
    argv: [sleep, "1"]
    ${line}
`;
}

/** The platform listens on another port after a restart: the host is started anew with it. */
async function reconnected(id: string): Promise<RunningHost> {
  await hosts.get(id)![Symbol.asyncDispose]();
  await startHost(id, 'r1');
  return hosts.get(id)!;
}
