import { join } from 'node:path';
import { type Connection, connect } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { type RunningHost, runHost } from '@tessera/host';
import { host as wire } from '@tessera/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
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

/** The platform listens on another port after a restart: the host is started anew with it. */
async function reconnected(id: string): Promise<RunningHost> {
  await hosts.get(id)![Symbol.asyncDispose]();
  await startHost(id, 'r1');
  return hosts.get(id)!;
}
