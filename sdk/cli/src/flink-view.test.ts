import { flink } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { clusterRow, jobRow } from './flink-view.ts';

const { FLINK_JOB_PHASE_RUNNING, FLINK_JOB_PHASE_STOPPED, FLINK_JOB_PHASE_FINISHED } =
  flink.FlinkJobPhase;
const cluster = (paused = false) =>
  flink.FlinkCluster.fromPartial({
    ...{ name: 'flink-clusters/orders', version: 2n, paused },
    spec: { flinkVersion: '2.3.0', taskManagerCount: 3 },
  });
const clusterStatus = (changes: object) =>
  flink.FlinkClusterStatus.fromPartial({ version: 2n, ...changes });
const job = (suspended = false) =>
  flink.FlinkJob.fromPartial({
    ...{ name: 'flink-jobs/sums', version: 2n },
    spec: { cluster: 'flink-clusters/orders', parallelism: 4, suspended },
  });
const jobStatus = (changes: object) =>
  flink.FlinkJobStatus.fromPartial({ version: 2n, ...changes });

describe('how far a cluster is', () => {
  const started = [{ process: 'processes/a', host: 'hosts/a' }];
  test.each([
    ['nobody has looked', cluster(), undefined, 'NEW', 'a scheduler to look at it'],
    [
      'another version was seen',
      cluster(),
      clusterStatus({ version: 1n }),
      'CHANGING',
      'the scheduler to look at version 2',
    ],
    ['it waits', cluster(), clusterStatus({ waitsFor: 'host a' }), 'WAITING', 'host a'],
    ['all is as wanted', cluster(), clusterStatus({ started }), 'RUNNING', ''],
    ['nothing runs', cluster(), clusterStatus({}), 'STOPPED', ''],
    ['it is paused', cluster(true), clusterStatus({ waitsFor: 'host a' }), 'PAUSED', ''],
    ['it is paused from the start', cluster(true), undefined, 'PAUSED', ''],
  ])('is told when %s', (_, wanted, status, word, waitsFor) => {
    const row = clusterRow({ name: 'orders', wanted, ...(status && { status }) });
    expect(row).toEqual(['orders', '2.3.0', '3', word, waitsFor]);
  });

  test('is told of one that was deleted', () => {
    const status = clusterStatus({ started, waitsFor: 'host a to answer' });
    expect(clusterRow({ name: 'orders', status })).toEqual([
      ...['orders', '', '', 'ENDING', 'host a to answer'],
    ]);
  });
});

test('a cluster that follows its jobs is told with the least and the most of its TaskManagers', () => {
  const wanted = flink.FlinkCluster.fromPartial({
    spec: { flinkVersion: '2.3.0', taskManagerCount: 1, maxTaskManagerCount: 4 },
  });
  expect(clusterRow({ name: 'orders', wanted })[2]).toBe('1 to 4');
});

describe('how far a job is', () => {
  test.each([
    ['nobody has looked', job(), undefined, 'NEW', 'a scheduler to look at it'],
    ['it runs', job(), jobStatus({ phase: FLINK_JOB_PHASE_RUNNING }), 'RUNNING', ''],
    [
      'it waits',
      job(),
      jobStatus({ phase: FLINK_JOB_PHASE_STOPPED, waitsFor: 'a slot' }),
      'STOPPED',
      'a slot',
    ],
    ['it is at rest', job(true), jobStatus({ phase: FLINK_JOB_PHASE_STOPPED }), 'SUSPENDED', ''],
    ['it has ended', job(), jobStatus({ phase: FLINK_JOB_PHASE_FINISHED }), 'FINISHED', ''],
    ['nothing is decided', job(), jobStatus({}), 'NEW', ''],
  ])('is told when %s', (_, wanted, status, word, waitsFor) => {
    const row = jobRow({ name: 'sums', wanted, ...(status && { status }) });
    expect(row).toEqual(['sums', 'orders', '4', word, waitsFor]);
  });

  test('is told of one that is scaled, with what its widest vertex has now', () => {
    const { name, spec } = job();
    const status = jobStatus({ size: { parallelism: { source: 1, work: 7 }, slots: 7 } });
    const scaled = flink.FlinkJob.fromPartial({ name, spec: { ...spec, scaling: {} } });
    expect(jobRow({ name: 'sums', wanted: scaled, status })[2]).toBe('7');
    expect(jobRow({ name: 'sums', wanted: scaled })[2]).toBe('4');
  });

  test('is told of one that was deleted, with where it runs', () => {
    const spec = { cluster: 'flink-clusters/orders', parallelism: 2 };
    const status = jobStatus({ deployed: { spec } });
    expect(jobRow({ name: 'sums', status })).toEqual([
      ...['sums', 'orders', '2', 'ENDING', 'the scheduler to stop what is left'],
    ]);
  });
});
