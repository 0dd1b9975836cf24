import type { Quota } from '@tessera/flink';
import type { flink } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import type { SeenHost } from '../hosts/observe-hosts.ts';
import { clusterStatusOf } from './cluster-status.ts';
import { bundle, clusterOf, gib, hostOf, processOf } from './fixture.ts';
import { flinkHostOf } from './flink-hosts.ts';
import { observedClusterOf } from './observe-cluster.ts';
import { type ClusterPlan, planClusters } from './plan-clusters.ts';

const now = { seconds: 1n, nanos: 0 };

function plan(
  clusters: readonly flink.FlinkCluster[],
  hosts: readonly SeenHost[],
  statuses: ReadonlyMap<string, flink.FlinkClusterStatus> = new Map(),
  quotas: ReadonlyMap<string, Quota> = new Map(),
): ClusterPlan[] {
  return planClusters({
    clusters,
    statuses,
    quotas,
    hosts: hosts.flatMap((host) => flinkHostOf(host) ?? []),
    addresses: new Map(hosts.map(({ name }) => [name.slice('hosts/'.length), '10.0.0.1'])),
    sqlClusters: new Set(['sql']),
    neededSlots: () => 0,
    registered: new Map(),
  });
}

function statusOf({ id, placement }: ClusterPlan): flink.FlinkClusterStatus {
  const started = [{ id: `${id}-tm-9`, role: 'taskmanager' as const, host: 'gone' }];
  const report = { cluster: `flink-clusters/${id}`, version: 1n, placement, haltsJobs: false };
  return clusterStatusOf({ ...report, journal: { started }, conditions: [] }, undefined, now);
}

describe('what is wanted of clusters', () => {
  test('is one JobManager and its TaskManagers, with the bundle, their files and ports of the upper half', () => {
    const [planned] = plan([clusterOf('c')], [hostOf('a')]);
    const [jobManager, ...workers] = [...planned!.processes.values()];
    expect(jobManager).toMatchObject({ id: 'c-jm-1', role: 'jobmanager', host: 'a' });
    expect(workers.map(({ id }) => id)).toEqual(['c-tm-1', 'c-tm-2']);
    const { environment, artifacts, files } = jobManager!.spec;
    expect(environment).toMatchObject({
      TESSERA_FLINK_CLUSTER: 'c',
      TESSERA_FLINK_ROLE: 'jobmanager',
      TESSERA_FLINK_REST: expect.stringMatching(/^10\.0\.0\.1:20[5-9]\d\d$/),
    });
    expect(artifacts).toEqual([{ artifact: bundle, path: 'flink', unpack: true }]);
    expect(files.map(({ path }) => path)).toEqual(['conf/config.yaml', 'conf/log4j.properties']);
  });

  test('changes TaskManagers alone with a key of theirs, and everything with another one', () => {
    const changed = (configuration: Record<string, string>) => {
      const [before, after] = [{}, configuration].map(
        (keys) => plan([clusterOf('c', { configuration: keys })], [hostOf('a')])[0]!.processes,
      );
      const ids = [...before!.keys()];
      return ids.filter((id) => before!.get(id)!.fingerprint !== after!.get(id)!.fingerprint);
    };
    expect(changed({ 'taskmanager.memory.segment-size': '4kb' })).toEqual(['c-tm-1', 'c-tm-2']);
    expect(changed({ 'state.backend.type': 'rocksdb' })).toHaveLength(3);
  });

  test('has a SQL gateway where jobs are scripts', () => {
    const [planned] = plan([clusterOf('sql')], [hostOf('a')]);
    expect([...planned!.processes.keys()]).toContain('sql-sql-1');
  });

  test('stays where it is, and a number is not given again that may still be in use', () => {
    const hosts = [hostOf('a'), hostOf('b'), hostOf('c')];
    const [first] = plan([clusterOf('c')], hosts);
    const statuses = new Map([['c', statusOf(first!)]]);
    expect(plan([clusterOf('c')], hosts, statuses)[0]!.placement).toEqual(first!.placement);
    const more = plan([clusterOf('c', { taskManagerCount: 9 })], hosts, statuses)[0]!;
    expect(more.processes.size).toBe(10);
    expect([...more.processes.keys()]).not.toContain('c-tm-9');
  });

  test('is left as it is when it fits nowhere or says what is computed, and others go on', () => {
    const huge = clusterOf('huge', {
      taskManagerSizing: {
        $case: 'taskManager',
        value: {
          ...{ slots: 2, cpuMillis: 0, processBytes: BigInt(500 * gib), taskHeapBytes: undefined },
          ...{ taskOffHeapBytes: 0n, managed: undefined, network: undefined, diskBytes: 0n },
          ...{ frameworkHeapBytes: 0n, frameworkOffHeapBytes: 0n, metaspaceBytes: 0n },
          overhead: undefined,
        },
      },
    });
    const reserved = clusterOf('reserved', { configuration: { 'rest.port': '1' } });
    const tiny = clusterOf('tiny', {
      jobManager: {
        ...{ processBytes: 1n, offHeapBytes: 0n, metaspaceBytes: 0n, cpuMillis: 0 },
        overhead: undefined,
      },
    });
    const plans = plan([huge, reserved, tiny, clusterOf('c')], [hostOf('a')]);
    const told = plans.map(({ id, blocked, conditions }) => [
      id,
      blocked,
      conditions.map(({ reason }) => reason),
    ]);
    expect(told).toEqual([
      ['huge', 'hosts with room for it', ['PROCESS_TOO_LARGE']],
      ['reserved', 'its specification to be changed', ['FLINK_CONFIGURATION_RESERVED']],
      ['tiny', 'its specification to be changed', ['FLINK_MEMORY_TOO_SMALL']],
      ['c', undefined, []],
    ]);
  });

  test('fills its hosts where it asks for that, and leaves room for the JobManager', () => {
    const fitting = clusterOf('c', {
      taskManagerSizing: { $case: 'fitToHosts', value: { cpuMillisPerSlot: 0, maxSlots: 4 } },
    });
    const [planned] = plan([fitting], [hostOf('a'), hostOf('b')]);
    expect(planned!.blocked).toBeUndefined();
    expect(planned!.spec!.taskManager.slots).toBeGreaterThan(0);
    expect(planned!.processes.size).toBe(3);
  });
});

describe('a quota', () => {
  const team = { quota: 'team' };
  const hosts = [hostOf('a'), hostOf('b')];
  const countsOf = ({ processes }: ClusterPlan) =>
    Map.groupBy(processes.values(), ({ role }) => role).get('taskmanager')?.length ?? 0;
  const reasonsOf = ({ conditions }: ClusterPlan) => conditions.map(({ reason }) => reason);

  test.each<{ of: string; quota: Quota }>([
    { of: 'slots', quota: { slots: 7 } },
    { of: 'processors', quota: { cpuMillis: 2 * 500 + 7_000 } },
    { of: 'memory', quota: { memoryBytes: 9 * gib } },
    { of: 'all of these', quota: { slots: 7, cpuMillis: 100_000, memoryBytes: 100 * gib } },
  ])('of $of is shared: who finds too little left of it waits for that, whole', ({ quota }) => {
    const clusters = [clusterOf('c', team), clusterOf('d', team), clusterOf('free')];
    const plans = plan(clusters, hosts, new Map(), new Map([['team', quota]]));
    expect(plans.map(countsOf)).toEqual([2, 0, 2]);
    expect(plans.map(({ blocked }) => blocked)).toEqual([
      undefined,
      'room in its quota',
      undefined,
    ]);
    expect(plans[1]!.conditions).toMatchObject([
      { reason: 'QUOTA_EXCEEDED', metadata: { quota: 'team', lacking: '1' } },
    ]);
  });

  test('bounds the slots that jobs of a cluster may wish for', () => {
    const clusters = [clusterOf('c', { ...team, maxTaskManagerCount: 9 }), clusterOf('d', team)];
    const mostWith = (quotas: Record<string, Quota>) =>
      plan(clusters, hosts, new Map(), new Map(Object.entries(quotas)))[0]!.mostSlots;
    expect([mostWith({ team: { slots: 10 } }), mostWith({ team: {} })]).toEqual([6, 10]);
    expect(mostWith({})).toBeUndefined();
  });

  test('that is not declared lets nothing start, and says so', () => {
    const quotas = new Map([['teem', {}]]);
    const [planned, other] = plan([clusterOf('c', team), clusterOf('d')], hosts, new Map(), quotas);
    expect([planned, other].map((one) => countsOf(one!))).toEqual([0, 2]);
    expect(planned!.blocked).toBe('its quota to be declared');
    expect(planned!.conditions).toMatchObject([
      { reason: 'FLINK_QUOTA_UNDECLARED', metadata: { quota: 'team' } },
    ]);
  });

  test('that is not declared any more leaves a cluster what it has, also when its host is gone, and no more', () => {
    const [first] = plan([clusterOf('c')], [hostOf('a')]);
    const statuses = new Map([['c', statusOf(first!)]]);
    const growing = clusterOf('c', { ...team, taskManagerCount: 5, headroom: 9 });
    const [stays] = plan([growing], hosts, statuses);
    expect(stays!.placement).toEqual(first!.placement);
    expect([stays!.blocked, reasonsOf(stays!)]).toEqual([undefined, ['FLINK_QUOTA_UNDECLARED']]);
    const [moved] = plan([growing], [hostOf('b')], statuses);
    expect(moved!.placement.map(({ role, host }) => `${role} on ${host}`)).toEqual([
      'jobmanager on b',
      'taskmanager on b',
      'taskmanager on b',
    ]);
    const smaller = clusterOf('c', { ...team, taskManagerCount: 1 });
    expect(countsOf(plan([smaller], hosts, statuses)[0]!)).toBe(1);
  });
});

describe('what was seen of a cluster', () => {
  const [planned] = plan([clusterOf('c')], [hostOf('a')]);
  const jobManager = planned!.processes.get('c-jm-1')!;
  const look = (hosts: readonly SeenHost[], started: readonly string[] = []) =>
    observedClusterOf({
      plan: planned!,
      hosts,
      journal: {
        started: started.map((host) => ({ id: 'c-tm-7', role: 'taskmanager' as const, host })),
      },
      jobManager: undefined,
      activeJobs: 0,
      left: new Set(['hosts/left']),
      isLost: () => false,
      ageMs: () => 7,
      words: new Map(),
    });

  test('are its own processes, by what they say and by their names', () => {
    const own = processOf('c-jm-1', jobManager.spec);
    const byHand = processOf('c-tm-1', { ...jobManager.spec, environment: {} });
    const other = processOf('d-tm-1', {
      ...jobManager.spec,
      environment: { TESSERA_FLINK_CLUSTER: 'd', TESSERA_FLINK_ROLE: 'taskmanager' },
    });
    const processes = new Map([own, byHand, other].map((one) => [one.id, one]));
    const [host] = look([hostOf('a', { processes })]).hosts;
    expect(host).toMatchObject({ id: 'a', state: 'seen' });
    expect(host!.processes.map(({ id, role }) => [id, role])).toEqual([
      ['c-jm-1', 'jobmanager'],
      ['c-tm-1', 'taskmanager'],
    ]);
    expect(host!.processes[0]!.fingerprint).toBe(jobManager.fingerprint);
    expect(host!.processes[1]!.fingerprint).not.toBe(jobManager.fingerprint);
  });

  test('says which hosts are silent, which were removed, and which have not the bundle', () => {
    const { processes: _, ...silent } = hostOf('silent');
    const bare = hostOf('bare', { artifacts: new Map() });
    const found = look([silent, hostOf('left'), bare], ['silent', 'removed']).hosts;
    expect(found.map(({ id, state, lacks }) => [id, state, lacks])).toEqual([
      ['silent', 'silent', undefined],
      ['left', 'silent', undefined],
      ['bare', 'seen', 'the bundle of Flink'],
      ['removed', 'lost', undefined],
    ]);
  });
});
