import { silentLogger } from '@tessera/daemon';
import { flink, host as wire } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { expect, test } from 'vitest';
import type { SeenState } from '../hosts/observe-hosts.ts';
import { variables } from '../hosts/process-spec.ts';
import { clusterOf, hostOf, processOf } from './fixture.ts';
import { jobClusterOf } from './job-cluster.ts';
import { newMemory } from './memory.ts';
import { roleToProto } from './roles.ts';

const role = roleToProto('jobmanager');

function hostWith(id: string, state: SeenState) {
  const environment = {
    [variables.flinkCluster]: 'c',
    [variables.flinkRole]: 'jobmanager',
    [variables.flinkRest]: `${id}:8081`,
  };
  const process = processOf('c-jm-1', wire.ProcessSpec.fromPartial({ environment }), { state });
  return hostOf(id, { processes: new Map([[process.id, process]]) });
}

const startedOn = (...hosts: readonly string[]) =>
  flink.FlinkClusterStatus.fromPartial({
    name: 'flink-cluster-statuses/c',
    started: hosts.map((host) => ({ process: 'processes/c-jm-1', role, host: `hosts/${host}` })),
  });

test.each([
  ['the only one', startedOn('a'), [hostWith('a', 'RUNNING')], ['http://a:8081']],
  [
    'the one that runs, when another has ended',
    startedOn('a'),
    [hostWith('a', 'RUNNING'), hostWith('b', 'EXITED')],
    ['http://a:8081'],
  ],
  [
    'none of two that run',
    startedOn('a'),
    [hostWith('a', 'RUNNING'), hostWith('b', 'RUNNING')],
    [],
  ],
  [
    'none, when another may run on a silent host',
    startedOn('a', 'b'),
    [hostWith('a', 'RUNNING')],
    [],
  ],
] as const)('of its JobManagers a job asks %s', async (_, status, hosts, asked) => {
  const clock = new ManualClock();
  const urls: string[] = [];
  const connectFlink = (url: string): never => {
    urls.push(url);
    throw new Error('It is asked for nothing.');
  };
  const look = {
    clusters: new Map([['c', clusterOf('c')]]),
    clusterStatuses: new Map([['c', status]]),
    ...{ jobs: new Map(), jobStatuses: new Map(), hosts: [...hosts] },
  };
  const options = { clock, connectFlink, log: silentLogger, workDirectory: '' };
  const memory = newMemory(clock);
  const { signal } = new AbortController();
  await jobClusterOf('c', look, { ...options, hanging: memory.hanging } as never, signal).catch(
    () => {},
  );
  expect(urls).toEqual(asked);
});
