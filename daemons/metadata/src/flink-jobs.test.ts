import { listAll } from '@tessera/client';
import { flink } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { artifact, type Fixture, flinkClusterSpec, flinkJobSpec, startFixture } from './fixture.ts';

const name = 'flink-jobs/sums';
const statusName = 'flink-job-statuses/sums';
const jar = (program: Partial<flink.JarProgram>) => ({
  program: {
    $case: 'jar' as const,
    value: flink.JarProgram.fromPartial({ artifact, ...program }),
  },
});
const sql = (script: string) => ({ program: { $case: 'sql' as const, value: { script } } });

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
  for (const flinkClusterId of ['orders', 'others']) {
    await fixture.clients.flinkClusters.createFlinkCluster({
      flinkClusterId,
      flinkCluster: { spec: flinkClusterSpec() },
    });
  }
});
afterEach(() => fixture[Symbol.asyncDispose]());

const create = (changes: Partial<flink.FlinkJobSpec> = {}) =>
  fixture.clients.flinkJobs.createFlinkJob({
    flinkJobId: 'sums',
    flinkJob: { spec: flinkJobSpec(changes) },
  });
const update = (changes: Partial<flink.FlinkJobSpec>) =>
  fixture.clients.flinkJobs.updateFlinkJob({ flinkJob: { name, spec: flinkJobSpec(changes) } });
const writeStatus = (status: object) =>
  fixture.clients.flinkJobs.updateFlinkJobStatus({
    flinkJobStatus: { name: statusName, ...status },
  });

test('every change of what is wanted of a job is a version that one can go back to', async () => {
  const { flinkJobs } = fixture.clients;
  expect((await create()).version).toBe(1n);
  expect((await update({})).version).toBe(1n);
  expect((await update({ parallelism: 4 })).version).toBe(2n);
  expect((await update({ parallelism: 4, suspended: true })).version).toBe(3n);
  const restored = await flinkJobs.rollbackFlinkJob({ name, version: 1n });
  expect(restored).toMatchObject({ version: 4n, spec: flinkJobSpec() });
  const { flinkJobs: versions } = await flinkJobs.listFlinkJobVersions({ name });
  expect(versions.map(({ version }) => version)).toEqual([4n, 3n, 2n, 1n]);
  await expectReason(flinkJobs.getFlinkJob({ name, version: 9n }), 'FLINK_JOB_VERSION_UNKNOWN');
});

describe('a job is refused', () => {
  const reserved = 'FLINK_CONFIGURATION_RESERVED';
  test.each<[string, Partial<flink.FlinkJobSpec>, string, string]>([
    ['without a program', { program: undefined }, 'program', 'FLINK_PROGRAM_MISSING'],
    ['without a statement', sql(' \n'), 'sql.script', 'FLINK_PROGRAM_MISSING'],
    ['with comments alone', sql('-- later\n'), 'sql.script', 'FLINK_PROGRAM_MISSING'],
    ['with too long a script', sql(`SELECT ${'1'.repeat(100_001)};`), 'sql.script', ''],
    ['with a jar by name', jar({ artifact: 'x.jar' }), 'jar.artifact', 'FLINK_ARTIFACT_INVALID'],
    ['with a class that is none', jar({ entryClass: 'a b' }), 'jar.entry_class', ''],
    ['with endless arguments', jar({ arguments: ['x'.repeat(100_001)] }), 'jar.arguments', ''],
    ['with a cluster by id', { cluster: 'orders' }, 'cluster', ''],
    ['without parallelism', { parallelism: 0 }, 'parallelism', ''],
    ['with more parts than key groups', { parallelism: 40_000 }, 'parallelism', ''],
    ['with an unknown way to upgrade', { upgradeMode: 9 as 1 }, 'upgrade_mode', ''],
    [
      'with a savepoint that is no URI',
      { initialSavepoint: 'savepoint-1' },
      'initial_savepoint',
      'FLINK_LOCATION_INVALID',
    ],
    ...[
      'execution.checkpointing.dir',
      'execution.state-recovery.path',
      'execution.savepoint.path',
      '$internal.pipeline.job-id',
      'rest.address',
    ].map((key): [string, Partial<flink.FlinkJobSpec>, string, string] => [
      `with ${key} of its own`,
      { configuration: { [key]: 'x' } },
      `configuration.${key}`,
      reserved,
    ]),
  ])('%s, with its field', async (_, changes, field, reason) => {
    const refused = await create(changes).catch((error) => error);
    expect(refused.reason).toBe('FLINK_JOB_INVALID');
    expect(refused.violations.map((one: { field: string }) => one.field)).toEqual([field]);
    expect(refused.metadata.reasons).toBe(reason);
  });

  test('on a cluster that is not there, also when it moves or goes back to it', async () => {
    const { flinkClusters, flinkJobs } = fixture.clients;
    const cluster = 'flink-clusters/none';
    const refused = await create({ cluster }).catch((error) => error);
    expect(refused).toMatchObject({
      reason: 'FLINK_CLUSTER_NOT_FOUND',
      violations: [{ field: 'cluster' }],
    });
    await create({ cluster: 'flink-clusters/others' });
    await expectReason(update({ cluster }), 'FLINK_CLUSTER_NOT_FOUND');
    await update({ cluster: 'flink-clusters/orders' });
    await flinkClusters.deleteFlinkCluster({ name: 'flink-clusters/others' });
    await expectReason(
      flinkJobs.rollbackFlinkJob({ name, version: 1n }),
      'FLINK_CLUSTER_NOT_FOUND',
    );
  });
});

test('a job with everything that can be said is taken as it is', async () => {
  const spec = {
    ...jar({ entryClass: 'com.example.Orders$Main', arguments: ['--x', '1'] }),
    configuration: { 'pipeline.object-reuse': 'true', 'execution.checkpointing.interval': '5 s' },
    upgradeMode: flink.UpgradeMode.UPGRADE_MODE_LAST_STATE,
    rollbackDisabled: true,
    initialSavepoint: 's3://bucket/savepoint-1',
    allowNonRestoredState: true,
  };
  expect((await create(spec)).spec).toEqual(flinkJobSpec(spec));
});

test('the log of a job outlives it with its uid, and keeps the name until it is gone', async () => {
  const { flinkJobs } = fixture.clients;
  await expectReason(writeStatus({}), 'FLINK_JOB_NOT_FOUND');
  const { uid } = await create();
  const deployed = {
    ...{ jobId: 'a'.repeat(32), hasState: true, jobManagerRun: 'r1', spec: flinkJobSpec() },
    from: { savepoint: true, path: 's3://bucket/savepoint-1', id: 7n },
  };
  const status = await writeStatus({ attempt: 1n, deployed });
  expect(status).toMatchObject({ jobUid: uid, attempt: 1n, deployed });
  await expectReason(writeStatus({ attempt: 2n }), 'FLINK_JOB_STATUS_EXISTS');
  const remove = () => flinkJobs.deleteFlinkJobStatus({ name: statusName });
  await expectReason(remove(), 'FLINK_JOB_PRESENT');
  await flinkJobs.deleteFlinkJob({ name });
  await expectReason(create(), 'FLINK_JOB_ENDING');
  const phase = flink.FlinkJobPhase.FLINK_JOB_PHASE_STOPPED;
  expect(await writeStatus({ ...status, phase })).toMatchObject({ jobUid: uid, phase });
  await remove();
  await create();
  expect((await listAll(fixture.clients, 'flinkJobStatuses')).resources).toEqual([]);
});
