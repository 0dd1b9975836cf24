import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listAll } from '@tessera/client';
import { flink } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  artifact,
  collectUntil,
  type Fixture,
  flinkClusterSpec,
  flinkJobSpec,
  startFixture,
} from './fixture.ts';
import { openSqliteStore } from './store/sqlite-store.ts';

const name = 'flink-clusters/orders';
const statusName = 'flink-cluster-statuses/orders';
const mib = 2n ** 20n;
const jobManager = (size: Partial<flink.JobManagerSize>) => ({
  jobManager: flink.JobManagerSize.fromPartial({ processBytes: 1_600n * mib, ...size }),
});
const taskManager = (size: Partial<flink.TaskManagerSize>) => ({
  taskManagerSizing: {
    $case: 'taskManager' as const,
    value: flink.TaskManagerSize.fromPartial({ processBytes: 2_048n * mib, slots: 1, ...size }),
  },
});
const fitToHosts = (wish: Partial<flink.FitToHosts>) => ({
  taskManagerSizing: {
    $case: 'fitToHosts' as const,
    value: flink.FitToHosts.fromPartial(wish),
  },
});

let fixture: Fixture;
let folder: string | undefined;
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
  if (folder !== undefined) await rm(folder, { recursive: true });
  folder = undefined;
});

const create = (spec = flinkClusterSpec()) =>
  fixture.clients.flinkClusters.createFlinkCluster({
    flinkClusterId: 'orders',
    flinkCluster: { spec },
  });
const createJob = (changes = {}) =>
  fixture.clients.flinkJobs.createFlinkJob({
    flinkJobId: 'sums',
    flinkJob: { spec: flinkJobSpec(changes) },
  });

describe.each(['memory', 'sqlite'] as const)('a Flink cluster, in %s', (driver) => {
  beforeEach(async () => {
    const clock = new ManualClock();
    if (driver === 'memory') {
      fixture = await startFixture();
      return;
    }
    folder = await mkdtemp(join(tmpdir(), 'flink-clusters-'));
    const store = await openSqliteStore({ file: join(folder, 'metadata.db'), clock });
    fixture = await startFixture('in process', { clock, store });
  });

  test('has another version with every change of its spec; pausing is none', async () => {
    const { flinkClusters } = fixture.clients;
    const update = (spec: flink.FlinkClusterSpec, paused = false) =>
      flinkClusters.updateFlinkCluster({
        flinkCluster: { name, spec, paused },
        allowMissing: true,
      });
    expect((await update(flinkClusterSpec())).version).toBe(1n);
    expect((await update(flinkClusterSpec())).version).toBe(1n);
    expect((await update(flinkClusterSpec(), true)).version).toBe(1n);
    const keys = { 'a.b': '1', 'c.d': '2' };
    expect((await update(flinkClusterSpec({ configuration: keys }))).version).toBe(2n);
    const turned = { 'c.d': '2', 'a.b': '1' };
    expect((await update(flinkClusterSpec({ configuration: turned }))).version).toBe(2n);
    await expectReason(
      flinkClusters.updateFlinkCluster({
        flinkCluster: { name, etag: '1', spec: flinkClusterSpec() },
      }),
      'ETAG_MISMATCH',
    );
  });

  test('goes back to any of its versions, as a new one', async () => {
    const { flinkClusters } = fixture.clients;
    await create();
    for (const taskManagerCount of [3, 4]) {
      await flinkClusters.updateFlinkCluster({
        flinkCluster: { name, spec: flinkClusterSpec({ taskManagerCount }) },
      });
    }
    const restored = await flinkClusters.rollbackFlinkCluster({ name, version: 1n });
    expect(restored).toMatchObject({ version: 4n, spec: { taskManagerCount: 2 } });
    const { flinkClusters: all } = await flinkClusters.listFlinkClusterVersions({ name });
    expect(all.map(({ version, spec }) => [version, spec?.taskManagerCount])).toEqual([
      [4n, 2],
      [3n, 4],
      [2n, 3],
      [1n, 2],
    ]);
    expect(await flinkClusters.getFlinkCluster({ name, version: 2n })).toEqual(all[2]);
    await expectReason(
      flinkClusters.getFlinkCluster({ name, version: 5n }),
      'FLINK_CLUSTER_VERSION_UNKNOWN',
    );
    await flinkClusters.deleteFlinkCluster({ name });
    await create();
    await expectReason(
      flinkClusters.getFlinkCluster({ name, version: 2n }),
      'FLINK_CLUSTER_VERSION_UNKNOWN',
    );
  });

  test('is not deleted while a job names it, or still runs on it', async () => {
    const { flinkClusters, flinkJobs } = fixture.clients;
    await create();
    await createJob();
    const remove = () => flinkClusters.deleteFlinkCluster({ name });
    await expectReason(remove(), 'FLINK_CLUSTER_HAS_JOBS');
    const running = {
      name: 'flink-job-statuses/sums',
      phase: flink.FlinkJobPhase.FLINK_JOB_PHASE_RUNNING,
      deployed: { jobId: 'a'.repeat(32), spec: flinkJobSpec() },
    };
    const status = await flinkJobs.updateFlinkJobStatus({ flinkJobStatus: running });
    await flinkJobs.deleteFlinkJob({ name: 'flink-jobs/sums' });
    const refused = await remove().catch((error) => error);
    expect(refused.reason).toBe('FLINK_CLUSTER_HAS_JOBS');
    expect(refused.metadata.jobs).toBe('flink-jobs/sums');
    const phase = flink.FlinkJobPhase.FLINK_JOB_PHASE_STOPPED;
    await flinkJobs.updateFlinkJobStatus({ flinkJobStatus: { ...status, phase } });
    await remove();
    expect((await listAll(fixture.clients, 'flinkClusters')).resources).toEqual([]);
  });
});

describe('what cannot be carried out', () => {
  beforeEach(async () => {
    fixture = await startFixture();
  });

  test.each<[string, Partial<flink.FlinkClusterSpec>, string, string]>([
    ['no version', { flinkVersion: '' }, 'flink_version', ''],
    ['a version of another Flink', { flinkVersion: '1.20.0' }, 'flink_version', ''],
    ['a bundle by name', { bundle: 'flink.tgz' }, 'bundle', 'FLINK_ARTIFACT_INVALID'],
    ['a bundle of half a digest', { bundle: 'artifacts/ab' }, 'bundle', 'FLINK_ARTIFACT_INVALID'],
    ['no JobManager', { jobManager: undefined }, 'job_manager', ''],
    [
      'a JobManager that is too small',
      jobManager({ processBytes: 256n * mib }),
      'job_manager.process_bytes',
      'FLINK_MEMORY_TOO_SMALL',
    ],
    [
      'a negative part',
      jobManager({ metaspaceBytes: -1n }),
      'job_manager.metaspace_bytes',
      'FLINK_MEMORY_INVALID',
    ],
    [
      'more bytes than can be counted',
      jobManager({ processBytes: 2n ** 60n }),
      'job_manager.process_bytes',
      'FLINK_MEMORY_INVALID',
    ],
    ['no TaskManager', { taskManagerSizing: undefined }, 'task_manager', ''],
    [
      'parts that are more than the whole',
      taskManager({ managed: { $case: 'managedBytes', value: 4_096n * mib } }),
      'task_manager.process_bytes',
      'FLINK_MEMORY_TOO_SMALL',
    ],
    [
      'a fraction that is none',
      taskManager({ network: { fraction: 1.5, minBytes: undefined, maxBytes: undefined } }),
      'task_manager.network',
      'FLINK_MEMORY_INVALID',
    ],
    [
      'too much left for the network',
      taskManager({
        taskHeapBytes: 200n * mib,
        network: { fraction: undefined, minBytes: undefined, maxBytes: 64n * mib },
      }),
      'task_manager',
      'FLINK_NETWORK_MEMORY_OUT_OF_RANGE',
    ],
    [
      'memory with which batch jobs hang',
      taskManager({ frameworkOffHeapBytes: 64n * mib }),
      'task_manager.framework_off_heap_bytes',
      'FLINK_MEMORY_INVALID',
    ],
    ['no slot', taskManager({ slots: 0 }), 'task_manager.slots', 'FLINK_MEMORY_INVALID'],
    ['too many slots', taskManager({ slots: 5_000 }), 'task_manager.slots', ''],
    ['a negative disk', taskManager({ diskBytes: -1n }), 'task_manager.disk_bytes', ''],
    [
      'negative processors',
      taskManager({ cpuMillis: -1 }),
      'task_manager.cpu_millis',
      'FLINK_MEMORY_INVALID',
    ],
    ['endless processors', taskManager({ cpuMillis: 2e9 }), 'task_manager.cpu_millis', ''],
    ['fitting to nothing', fitToHosts({ maxSlots: -1 }), 'fit_to_hosts.max_slots', ''],
    ['too many TaskManagers', { taskManagerCount: 5_000 }, 'task_manager_count', ''],
    [
      'too many TaskManagers for jobs',
      { maxTaskManagerCount: 5_000 },
      'max_task_manager_count',
      '',
    ],
    [
      'fewer TaskManagers at most than at least',
      { taskManagerCount: 3, maxTaskManagerCount: 2 },
      'max_task_manager_count',
      'FLINK_TASK_MANAGER_RANGE_INVALID',
    ],
    ['negative headroom', { headroom: -1 }, 'headroom', ''],
    ['a host by id', { hosts: { labels: {}, racks: [], hosts: ['a'] } }, 'hosts.hosts[0]', ''],
    ['itself beside it', { apartFrom: [name] }, 'apart_from[0]', ''],
    ['a cluster by id beside it', { apartFrom: ['a'] }, 'apart_from[0]', ''],
    ['no state directory', { stateDirectory: '' }, 'state_directory', 'FLINK_LOCATION_INVALID'],
    [
      'a state directory without a scheme',
      { stateDirectory: '/shared' },
      'state_directory',
      'FLINK_LOCATION_INVALID',
    ],
    [
      'a slash at the end of it',
      { stateDirectory: 's3://bucket/' },
      'state_directory',
      'FLINK_LOCATION_INVALID',
    ],
    [
      'an address that is placed',
      { configuration: { 'rest.port': '8081' } },
      'configuration.rest.port',
      'FLINK_CONFIGURATION_RESERVED',
    ],
    [
      'memory that is computed',
      { configuration: { 'taskmanager.memory.process.size': '1g' } },
      'configuration.taskmanager.memory.process.size',
      'FLINK_CONFIGURATION_RESERVED',
    ],
    ['a key of two lines', { configuration: { 'a\nb': '1' } }, 'configuration.a\nb', ''],
    ['a huge configuration', { configuration: { a: 'x'.repeat(100_001) } }, 'configuration', ''],
  ])('is refused with its field: %s', async (_, changes, field, reason) => {
    const refused = await create(flinkClusterSpec({ ...changes, priority: 3 })).catch((e) => e);
    expect(refused.reason).toBe('FLINK_CLUSTER_INVALID');
    expect(refused.violations.map((one: { field: string }) => one.field)).toEqual([field]);
    expect(refused.metadata.reasons).toBe(reason);
  });

  test('is told with all faults at once, and nothing is written', async () => {
    const spec = flinkClusterSpec({ bundle: 'x', headroom: -1, stateDirectory: 'x' });
    const refused = await create(spec).catch((error) => error);
    expect(refused.violations).toHaveLength(3);
    expect(refused.metadata.reasons).toBe('FLINK_ARTIFACT_INVALID,FLINK_LOCATION_INVALID');
    expect((await listAll(fixture.clients, 'flinkClusters')).resources).toEqual([]);
  });

  test('a cluster without a spec is refused, and one that fits its hosts is not', async () => {
    const { flinkClusters } = fixture.clients;
    await expectReason(
      flinkClusters.createFlinkCluster({ flinkClusterId: 'orders', flinkCluster: {} }),
      'FLINK_CLUSTER_INVALID',
    );
    expect(await create(flinkClusterSpec(fitToHosts({})))).toMatchObject({ version: 1n });
    expect(artifact).toMatch(/^artifacts\//);
  });
});

describe('the status of a Flink cluster', () => {
  beforeEach(async () => {
    fixture = await startFixture();
  });

  const process = {
    process: 'processes/orders-jm',
    role: flink.FlinkProcessRole.FLINK_PROCESS_ROLE_JOB_MANAGER,
    host: 'hosts/a',
  };
  const write = (status: object, fence?: { readonly lease: string; readonly token: bigint }) =>
    fixture.clients.flinkClusters.updateFlinkClusterStatus({
      flinkClusterStatus: { name: statusName, version: 1n, ...status },
      ...(fence !== undefined && { fence }),
    });

  test('is begun for a cluster that is there, and never written over unread', async () => {
    await expectReason(write({}), 'FLINK_CLUSTER_NOT_FOUND');
    const { uid } = await create();
    const first = await write({ started: [process], clusterUid: 'forged' });
    expect(first).toMatchObject({ clusterUid: uid, started: [process] });
    await expectReason(write({ waitsFor: 'a host' }), 'FLINK_CLUSTER_STATUS_EXISTS');
    const second = await write({ ...first, waitsFor: 'a host' });
    expect(second).toMatchObject({ clusterUid: uid, waitsFor: 'a host', started: [process] });
    await expectReason(write({ ...first, started: [] }), 'ETAG_MISMATCH');
    await expectReason(
      write({ etag: '1', name: 'flink-cluster-statuses/x' }),
      'FLINK_CLUSTER_STATUS_NOT_FOUND',
    );
  });

  test('is written by the leader only, also when it is begun or deleted', async () => {
    await create();
    const lease = { name: 'leases/scheduler', holder: 'a', ttl: { seconds: 60n, nanos: 0 } };
    const { fencingToken: token } = await fixture.clients.leases.acquireLease(lease);
    const [now, before] = [
      { lease: lease.name, token },
      { lease: lease.name, token: token + 1n },
    ];
    await expectReason(write({}, before), 'FENCED');
    const first = await write({}, now);
    await expectReason(write({ ...first, waitsFor: 'x' }, before), 'FENCED');
    expect(await write({ ...first, waitsFor: 'x' }, now)).toMatchObject({ waitsFor: 'x' });
    const { flinkClusters } = fixture.clients;
    await flinkClusters.deleteFlinkCluster({ name });
    const remove = (fence: typeof now) =>
      flinkClusters.deleteFlinkClusterStatus({ name: statusName, fence });
    await expectReason(remove(before), 'FENCED');
    await remove(now);
  });

  test('outlives the cluster, and the name is free only when it is gone', async () => {
    const { flinkClusters } = fixture.clients;
    const { uid } = await create();
    const remove = () => flinkClusters.deleteFlinkClusterStatus({ name: statusName });
    const status = await write({ started: [process] });
    await expectReason(remove(), 'FLINK_CLUSTER_PRESENT');
    await flinkClusters.deleteFlinkCluster({ name });
    await expectReason(create(), 'FLINK_CLUSTER_ENDING');
    await expectReason(
      flinkClusters.updateFlinkCluster({
        flinkCluster: { name, spec: flinkClusterSpec() },
        allowMissing: true,
      }),
      'FLINK_CLUSTER_ENDING',
    );
    const ended = await write({ ...status, started: [] });
    expect(ended).toMatchObject({ clusterUid: uid, started: [] });
    await remove();
    const again = await create();
    expect(again.uid).not.toBe(uid);
    expect(await write({})).toMatchObject({ clusterUid: again.uid });
  });

  test('is followed without a gap', async () => {
    await create();
    const { revision } = await listAll(fixture.clients, 'flinkClusterStatuses');
    const first = await write({});
    const second = await write({ ...first, haltsJobs: true });
    const events = await collectUntil(
      fixture.clients.flinkClusters.watchFlinkClusterStatuses({ startRevision: revision + 1n }),
      second.revision,
    );
    expect(events.map(({ event }) => event?.value)).toEqual([first, second]);
    expect((await listAll(fixture.clients, 'flinkClusterStatuses')).resources).toEqual([second]);
  });
});
