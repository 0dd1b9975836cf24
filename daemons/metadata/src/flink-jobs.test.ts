import { listAll } from '@tessera/client';
import { flink } from '@tessera/proto';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { artifact, type Fixture, flinkClusterSpec, flinkJobSpec, startFixture } from './fixture.ts';
import { flinkClusterStatusKind, flinkJobStatusKind } from './resources/kinds.ts';

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

test('a savepoint is asked for without another version, and nothing else is changed by that', async () => {
  const { flinkJobs } = fixture.clients;
  const { spec } = await create();
  const ask = (savepointRequest: string) =>
    flinkJobs.updateFlinkJob({
      flinkJob: { name, savepointRequest },
      updateMask: ['savepoint_request'],
    });
  expect(await ask('s-1')).toMatchObject({ version: 1n, spec, savepointRequest: 's-1' });
  const { flinkJobs: versions } = await flinkJobs.listFlinkJobVersions({ name });
  expect(versions).toHaveLength(1);
  await expectReason(ask('two words'), 'FLINK_JOB_INVALID');
});

describe('a job is refused', () => {
  const reserved = 'FLINK_CONFIGURATION_RESERVED';
  test.each<[string, Partial<flink.FlinkJobSpec>, string, string]>([
    ['without a program', { program: undefined }, 'program', 'FLINK_PROGRAM_MISSING'],
    ['without a statement', sql(' \n'), 'sql.script', 'FLINK_PROGRAM_MISSING'],
    ['with comments alone', sql('-- later\n'), 'sql.script', 'FLINK_PROGRAM_MISSING'],
    [
      'with two jobs in one script',
      sql('INSERT INTO a SELECT 1; INSERT INTO b SELECT 2'),
      'sql.script',
      'FLINK_SQL_SEVERAL_JOBS',
    ],
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

  const [options, bounds, windows, rollback] = ['OPTIONS', 'BOUNDS', 'WINDOW', 'ROLLBACK'].map(
    (what) => `FLINK_SCALING_${what}_INVALID`,
  );
  const night = { name: 'nights', rule: 'freeze', timeZone: 'UTC', from: '22:00', to: '06:00' };
  const rules = { enabled: true, stabilizationMs: 1, windowMs: 1, tolerance: 0.1, avoidMs: 1 };
  const veto = '@tessera/veto';
  test.each<[string, object, string, string | undefined]>([
    [
      'a strategy that is no package',
      { strategy: 'The Best' },
      'strategy',
      'FLINK_SCALING_PACKAGE_INVALID',
    ],
    ['a strategy by path', { strategy: '../x' }, 'strategy', 'FLINK_SCALING_PACKAGE_INVALID'],
    ['a veto without a name', { vetoes: [{}] }, 'vetoes[0].veto', 'FLINK_SCALING_PACKAGE_INVALID'],
    ['eleven vetoes', { vetoes: Array(11).fill({ veto }) }, 'vetoes', ''],
    ['options that are no JSON', { options: '{' }, 'options', options],
    ['options that are a list', { options: '[1]' }, 'options', options],
    ['endless options', { options: `{"a":"${'x'.repeat(100_000)}"}` }, 'options', options],
    ['options of a veto', { vetoes: [{ veto, options: '1' }] }, 'vetoes[0].options', options],
    ['no lag at all', { maxLag: { seconds: 0n } }, 'max_lag', 'FLINK_SCALING_TIME_INVALID'],
    [
      'a negative cooldown',
      { cooldownBeforeUp: { seconds: -1n } },
      'cooldown_before_up',
      'FLINK_SCALING_TIME_INVALID',
    ],
    [
      'two days of it',
      { cooldownBeforeDown: { seconds: 172_800n } },
      'cooldown_before_down',
      'FLINK_SCALING_TIME_INVALID',
    ],
    ['no subtask', { bounds: { minParallelism: 0 } }, 'bounds.min_parallelism', bounds],
    ['half a subtask', { bounds: { maxParallelism: 1.5 } }, 'bounds.max_parallelism', bounds],
    ['no number', { bounds: { maxSlots: Number.NaN } }, 'bounds.max_slots', bounds],
    [
      'bounds upside down',
      { bounds: { minParallelism: 4, maxParallelism: 2 } },
      'bounds.min_parallelism',
      bounds,
    ],
    [
      'more subtasks than slots',
      { bounds: { minParallelism: 4, maxSlots: 2 } },
      'bounds.min_parallelism',
      bounds,
    ],
    [
      'bounds of a vertex upside down',
      { bounds: { vertices: { a: { min: 3, max: 2 } } } },
      'bounds.vertices.a.min',
      bounds,
    ],
    ['an unknown rule', { windows: [{ ...night, rule: 'never' }] }, 'windows[0].rule', windows],
    ['an unknown day', { windows: [{ ...night, days: ['so'] }] }, 'windows[0].days', windows],
    ['an unknown zone', { windows: [{ ...night, timeZone: 'Mars' }] }, 'windows[0]', windows],
    ['an hour that is none', { windows: [{ ...night, from: '24:00' }] }, 'windows[0]', windows],
    ['endless windows', { windows: Array(101).fill(night) }, 'windows', windows],
    ['a share above one', { rollback: { ...rules, tolerance: 2 } }, 'rollback.tolerance', rollback],
    ['a time that is none', { rollback: { ...rules, avoidMs: -1 } }, 'rollback.avoid_ms', rollback],
  ])('with %s for its scaling, with its field', async (_, given, field, reason) => {
    const scaling = flink.FlinkScaling.fromPartial(given);
    const refused = await create({ scaling }).catch((error) => error);
    expect(refused.reason).toBe('FLINK_JOB_INVALID');
    expect(refused.violations.map((one: { field: string }) => one.field)).toEqual([
      `scaling.${field}`,
    ]);
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
    scaling: flink.FlinkScaling.fromPartial({
      ...{ paused: true, strategy: '@tessera/strategy-threshold', options: '{"target":0.5}' },
      ...{ maxLag: { seconds: 30n }, cooldownBeforeUp: { seconds: 0n }, priority: -3 },
      bounds: { minParallelism: 2, maxParallelism: 2, vertices: { a: { min: 1, max: 1 } } },
      windows: [{ name: '', rule: 'only', timeZone: 'Europe/Berlin', from: '22:00', to: '06:00' }],
      rollback: { enabled: false, tolerance: 1 },
      vetoes: [{ veto: 'our-veto', options: '{}' }],
    }),
  };
  expect((await create(spec)).spec).toEqual(flinkJobSpec(spec));
});

test('a log keeps every field that a message has for it', () => {
  const byDaemon = ['name', 'uid', 'etag', 'revision', 'createTime', 'updateTime'];
  const written = (message: object, ...more: string[]) =>
    Object.keys(message)
      .filter((field) => ![...byDaemon, ...more].includes(field))
      .sort();
  expect(Object.values(flinkJobStatusKind.fields).sort()).toEqual(
    written(flink.FlinkJobStatus.fromPartial({}), 'jobUid'),
  );
  expect(Object.values(flinkClusterStatusKind.fields).sort()).toEqual(
    written(flink.FlinkClusterStatus.fromPartial({}), 'clusterUid'),
  );
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
