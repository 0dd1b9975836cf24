import { resourceIdOf } from '@tessera/base';
import type { Deployed, JobJournal, JobPhase, StatePoint } from '@tessera/flink';
import { flink, type Timestamp } from '@tessera/proto';
import { type ConditionReport, conditionsOf } from './cluster-status.ts';
import { jobSpecOf, jobSpecToProto } from './job-spec.ts';
import { savepointOf, savepointToProto } from './requested-savepoints.ts';

/** Between the status of a job in metadata and its journal. */

const {
  FLINK_JOB_PHASE_STOPPED,
  FLINK_JOB_PHASE_STARTING,
  FLINK_JOB_PHASE_RUNNING,
  FLINK_JOB_PHASE_STOPPING,
  FLINK_JOB_PHASE_FINISHED,
} = flink.FlinkJobPhase;

const phases: Readonly<Record<JobPhase['kind'], flink.FlinkJobPhase>> = {
  stopped: FLINK_JOB_PHASE_STOPPED,
  starting: FLINK_JOB_PHASE_STARTING,
  running: FLINK_JOB_PHASE_RUNNING,
  stopping: FLINK_JOB_PHASE_STOPPING,
  finished: FLINK_JOB_PHASE_FINISHED,
};

export function jobStatusName(job: string): string {
  return `flink-job-statuses/${resourceIdOf(job)}`;
}

/** Whether an attempt of it may run. */
export function isActive({ phase }: flink.FlinkJobStatus): boolean {
  return (
    phase === FLINK_JOB_PHASE_STARTING ||
    phase === FLINK_JOB_PHASE_RUNNING ||
    phase === FLINK_JOB_PHASE_STOPPING
  );
}

export function jobJournalOf(status: flink.FlinkJobStatus): JobJournal {
  const { attempt, deployed, restore, stableSpec, rejectedDigests } = status;
  const { failureCount, lastFailure } = status;
  return {
    attempt: Number(attempt),
    phase: phaseOf(status),
    ...(deployed !== undefined && { deployed: deployedOf(deployed) }),
    ...(restore !== undefined && { restore: statePointOf(restore) }),
    ...(stableSpec !== undefined && { stable: jobSpecOf(stableSpec) }),
    rejected: rejectedDigests,
    failures: failureCount,
    ...(status.size !== undefined && { size: status.size }),
    ...(lastFailure !== '' && { failure: lastFailure }),
    ...(status.savepoints.length > 0 && { savepoints: status.savepoints.map(savepointOf) }),
  };
}

export interface JobReport {
  /** `flink-jobs/{job}`. */
  readonly job: string;
  readonly version: bigint;
  readonly journal: JobJournal;
  /** In words; absent: all is as wanted. */
  readonly waitsFor?: string;
  readonly conditions: readonly ConditionReport[];
}

/** @param before as it was written last, which says what it replaces and since when conditions hold */
export function jobStatusOf(
  { job, version, journal, waitsFor = '', conditions }: JobReport,
  before: flink.FlinkJobStatus | undefined,
  now: Timestamp,
): flink.FlinkJobStatus {
  const { attempt, phase, deployed, restore, stable, rejected, size } = journal;
  const { failures, failure = '', savepoints = [] } = journal;
  const { name: _, ...kept } = before ?? flink.FlinkJobStatus.create();
  return flink.FlinkJobStatus.create({
    ...kept,
    name: jobStatusName(job),
    version,
    phase: phases[phase.kind],
    attempt: BigInt(attempt),
    deployed: deployed && deployedToProto(deployed),
    ...triesOf(phase),
    restore: restore && statePointToProto(restore),
    stableSpec: stable && jobSpecToProto(stable),
    rejectedDigests: [...rejected],
    failureCount: failures,
    size: size && { parallelism: { ...size.parallelism }, slots: size.slots },
    lastFailure: failure,
    savepoints: savepoints.map((one) => {
      const known = before?.savepoints.find(({ request }) => request === one.request);
      return savepointToProto(one, known, now);
    }),
    waitsFor,
    conditions: conditionsOf(conditions, before?.conditions ?? [], now),
  });
}

/** Whether two statuses say the same, whenever they were written. */
export function isSameJobStatus(a: flink.FlinkJobStatus, b: flink.FlinkJobStatus): boolean {
  return Buffer.compare(said(a), said(b)) === 0;
}

/** All but what metadata itself says of it. */
function said(status: flink.FlinkJobStatus): Uint8Array {
  const none = flink.FlinkJobStatus.create();
  const { name, uid, etag, revision, createTime, updateTime, jobUid } = none;
  const own = { ...status, name, uid, etag, revision, createTime, updateTime, jobUid };
  return flink.FlinkJobStatus.encode(own).finish();
}

function phaseOf({ phase, savepointTries: tries, cancelling }: flink.FlinkJobStatus): JobPhase {
  switch (phase) {
    case FLINK_JOB_PHASE_STARTING:
      return { kind: 'starting' };
    case FLINK_JOB_PHASE_RUNNING:
      return { kind: 'running' };
    case FLINK_JOB_PHASE_STOPPING:
      return { kind: 'stopping', by: cancelling ? 'cancel' : 'savepoint', tries };
    case FLINK_JOB_PHASE_FINISHED:
      return { kind: 'finished' };
    default:
      return { kind: 'stopped' };
  }
}

function triesOf(phase: JobPhase): Pick<flink.FlinkJobStatus, 'savepointTries' | 'cancelling'> {
  if (phase.kind !== 'stopping') return { savepointTries: 0, cancelling: false };
  return { savepointTries: phase.tries, cancelling: phase.by === 'cancel' };
}

function deployedOf({ spec, from, ...rest }: flink.DeployedFlinkJob): Deployed {
  const { jobId, hasState, jobManagerRun } = rest;
  return {
    jobId,
    spec: jobSpecOf(spec ?? flink.FlinkJobSpec.create()),
    ...(from !== undefined && { from: statePointOf(from) }),
    hasState,
    jobManagerRun,
  };
}

function deployedToProto({ spec, from, ...rest }: Deployed): flink.DeployedFlinkJob {
  return { ...rest, spec: jobSpecToProto(spec), from: from && statePointToProto(from) };
}

function statePointOf({ savepoint, path, id }: flink.FlinkStatePoint): StatePoint {
  return { kind: savepoint ? 'savepoint' : 'checkpoint', path, id: Number(id) };
}

function statePointToProto({ kind, path, id }: StatePoint): flink.FlinkStatePoint {
  return { savepoint: kind === 'savepoint', path, id: BigInt(id) };
}
