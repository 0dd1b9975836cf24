import { specDigest } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { expect, test } from 'vitest';
import { SlotNeeds } from '../scaling/slot-needs.ts';
import { jobSpec } from './fake-world.ts';
import { jobSpecOf } from './job-spec.ts';
import { presentSpec } from './present-spec.ts';

const { FLINK_JOB_PHASE_STOPPED, FLINK_JOB_PHASE_RUNNING } = flink.FlinkJobPhase;

const wanted = { ...jobSpec, cluster: 'flink-clusters/new', parallelism: 3 };
const job = flink.FlinkJob.fromPartial({ name: 'flink-jobs/j', spec: wanted });
const statusOf = (change: Parameters<typeof flink.FlinkJobStatus.fromPartial>[0]) =>
  flink.FlinkJobStatus.fromPartial({ phase: FLINK_JOB_PHASE_STOPPED, ...change });
const rejectedDigests = [specDigest(jobSpecOf(wanted))];

test.each<[string, flink.FlinkJobStatus | undefined, string | undefined, number | undefined]>([
  ['is new begins where it is wanted', undefined, 'new', 3],
  [
    'runs elsewhere is there until it has been stopped',
    statusOf({ phase: FLINK_JOB_PHASE_RUNNING, deployed: { spec: jobSpec } }),
    ...(['c', 1] as const),
  ],
  [
    'goes back to its last stable spec does so on the cluster of that',
    statusOf({ rejectedDigests, stableSpec: jobSpec }),
    ...(['c', 1] as const),
  ],
  ['was given up needs no slot', statusOf({ rejectedDigests }), undefined, undefined],
])('a job that %s', (_, status, cluster, slots) => {
  expect(presentSpec(job, status)?.cluster).toBe(cluster);
  const statuses = new Map(status && [['j', status]]);
  const needs = new SlotNeeds(new Map([['j', job]]), statuses, () => undefined);
  expect(needs.of(cluster ?? 'new').get('j')).toBe(slots);
});
