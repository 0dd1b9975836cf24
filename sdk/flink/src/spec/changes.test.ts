import { describe, expect, test } from 'vitest';
import { clusterChanges, effectOf, jobChanges } from './changes.ts';
import type { FlinkClusterSpec } from './cluster-spec.ts';
import { digestOf } from './digest.ts';
import type { FlinkJobSpec } from './job-spec.ts';

const gib = 2 ** 30;
const cluster: FlinkClusterSpec = {
  flinkVersion: '2.3.0',
  bundle: 'b1',
  jobManager: { processBytes: gib },
  taskManager: { processBytes: 2 * gib, slots: 2 },
  taskManagerCount: 2,
  stateDirectory: 'file:///shared',
  configuration: { 'state.backend.type': 'rocksdb' },
};
const job: FlinkJobSpec = {
  cluster: 'orders',
  program: { kind: 'jar', jar: 'j1' },
  parallelism: 2,
  upgradeMode: 'savepoint',
  state: 'running',
  rollback: true,
};

describe('a change of a cluster', () => {
  test.each<[string, Partial<FlinkClusterSpec>, string]>([
    ['nothing', {}, 'ignore'],
    ['the headroom', { headroom: 3 }, 'ignore'],
    ['the count', { taskManagerCount: 3 }, 'rescale'],
    [
      'the size of TaskManagers',
      { taskManager: { processBytes: 4 * gib, slots: 2 } },
      'roll-taskmanagers',
    ],
    [
      'a key of TaskManagers',
      { configuration: { ...cluster.configuration, 'taskmanager.memory.segment-size': '4kb' } },
      'roll-taskmanagers',
    ],
    ['another key', { configuration: {} }, 'redeploy'],
    ['the version', { flinkVersion: '2.4.0', taskManagerCount: 3 }, 'redeploy'],
  ])('of %s', (_, change, effect) => {
    expect(effectOf(clusterChanges(cluster, { ...cluster, ...change }))).toBe(effect);
  });

  test('names each field and key', () => {
    const after = { ...cluster, taskManagerCount: 3, configuration: { a: '1' } };
    expect(clusterChanges(cluster, after).map(({ field }) => field)).toEqual([
      'taskManagerCount',
      'configuration.a',
      'configuration.state.backend.type',
    ]);
  });
});

describe('a change of a job', () => {
  test.each<[string, Partial<FlinkJobSpec>, string]>([
    ['its parallelism', { parallelism: 4 }, 'rescale'],
    ['how it is upgraded', { upgradeMode: 'last-state' }, 'ignore'],
    ['its program', { program: { kind: 'sql', script: 'INSERT …' } }, 'redeploy'],
    ['its arguments', { program: { kind: 'jar', jar: 'j1', arguments: ['--x'] } }, 'redeploy'],
    ['its configuration', { configuration: { 'pipeline.object-reuse': 'true' } }, 'redeploy'],
  ])('of %s', (_, change, effect) => {
    expect(effectOf(jobChanges(job, { ...job, ...change }))).toBe(effect);
  });
});

test('digests do not depend on the order of fields', () => {
  expect(digestOf({ a: 1, b: [{ c: 2, d: undefined }] })).toBe(digestOf({ b: [{ c: 2 }], a: 1 }));
  expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: '1' }));
});
