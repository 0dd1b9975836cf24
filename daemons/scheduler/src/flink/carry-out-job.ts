import { isTesseraError, messageOf } from '@tessera/base';
import { timestampToProto } from '@tessera/client';
import { withDeadline } from '@tessera/daemon';
import {
  emptyJournal,
  type JobDecision,
  type JobJournal,
  nextJobAction,
  type ObservedJob,
  specDigest,
  type WantedJob,
} from '@tessera/flink';
import type { flink } from '@tessera/proto';
import { type ConditionReport, conditionOf } from './cluster-status.ts';
import type { FlinkOptions } from './flink-options.ts';
import type { JobCluster } from './job-cluster.ts';
import type { SeenJobManager } from './job-manager.ts';
import { jobSpecOf } from './job-spec.ts';
import { isSameJobStatus, jobJournalOf, jobStatusName, jobStatusOf } from './job-status.ts';
import { observedRuns } from './observe-job.ts';
import type { Refusals } from './refusals.ts';
import type { KnownDetails } from './run-details.ts';
import { newestState } from './state-directory.ts';
import { takeJobStep } from './take-job-step.ts';

/** Uploads of programs and their main methods take their time. */
const stepDeadlineMs = 180_000;
const lookDeadlineMs = 5_000;

export interface JobWork extends FlinkOptions {
  readonly id: string;
  /** Absent: it was deleted, and is being ended. */
  readonly job: flink.FlinkJob | undefined;
  /** As it was written last. */
  readonly before: flink.FlinkJobStatus | undefined;
  readonly cluster: JobCluster;
  readonly ageMs: (key: string) => number;
  readonly details: KnownDetails;
  readonly refusals: Refusals;
  readonly signal: AbortSignal;
}

/** Takes the next step of one job, written down before it is taken. */
export async function carryOutJob(work: JobWork): Promise<void> {
  const { id, job, before, log, refusals } = work;
  const journal = before === undefined ? emptyJournal : jobJournalOf(before);
  const decision = await decide(work, journal);
  const refusal = refusals.of(journal.deployed?.jobId);
  const status = await write(work, before, decision, refusal === undefined ? [] : [refusal]);
  const { step } = decision;
  const { kind } = decision.journal.phase;
  if (job === undefined && (kind === 'stopped' || kind === 'finished')) {
    const { etag } = status;
    const name = jobStatusName(id);
    await work.clients.flinkJobs.deleteFlinkJobStatus({ name, etag, allowMissing: true });
    return;
  }
  if (step === undefined) return;
  try {
    await act(work, decision);
    log.info({ job: id, step: step.kind, key: step.key }, 'flink-job.step');
  } catch (error) {
    log.warn({ job: id, step: step.kind, error: messageOf(error) }, 'flink-job.step-failed');
    if (!isTesseraError(error) || work.authority.over.aborted) throw error;
    await failed(work, status, decision, error);
  }
}

async function decide(work: JobWork, journal: JobJournal): Promise<JobDecision> {
  const { cluster, signal: parent } = work;
  const wanted = wantedOf(work);
  const { jobManager, stateDirectory } = cluster;
  const view = {
    ...{ uid: wanted.uid, journal, ageMs: work.ageMs, details: work.details },
    isSettled: isSettled(wanted, journal),
    refused: work.refusals.onRun(jobManager?.run),
  };
  const slow = { what: `asking for ${work.id}`, reason: 'JOBMANAGER_SLOW', parent };
  const runs =
    jobManager &&
    (await withDeadline(
      lookDeadlineMs,
      (signal) => observedRuns({ ...view, jobManager }, signal),
      slow,
    ).catch((error: unknown) => {
      // What one job's answers are not says nothing about the others.
      if (isTesseraError(error) && !parent.aborted) return undefined;
      throw error;
    }));
  const observed: ObservedJob = {
    ...(runs !== undefined && { jobManager: runs }),
    newestState: 'unknown',
    slots: slotsOf(jobManager),
  };
  const first = nextJobAction(wanted, observed, journal);
  if (!first.conditions.some(({ reason }) => reason === 'STATE_DIRECTORY_UNREADABLE')) return first;
  const jobId = journal.deployed?.jobId;
  if (jobId === undefined || stateDirectory === undefined) return first;
  const newest = await newestState(stateDirectory, jobId);
  return nextJobAction(wanted, { ...observed, newestState: newest }, journal);
}

/** While its cluster changes in a way that takes jobs with it, a job is wanted as if it were suspended. */
function wantedOf({ job, before, cluster }: JobWork): WantedJob {
  if (job === undefined) return { uid: before?.jobUid ?? '' };
  const spec = jobSpecOf(job.spec!);
  return { uid: job.uid, spec: cluster.haltsJobs ? { ...spec, state: 'suspended' } : spec };
}

function isSettled({ spec }: WantedJob, { phase, deployed, stable }: JobJournal): boolean {
  if (spec === undefined || stable === undefined || phase.kind !== 'running') return false;
  const digest = specDigest(spec);
  return digest === specDigest(stable) && digest === specDigest(deployed!.spec);
}

function slotsOf(jobManager: SeenJobManager | undefined): number {
  const known = [...(jobManager?.taskManagers.values() ?? [])];
  return known.reduce((sum, { slots }) => sum + slots, 0);
}

async function act(work: JobWork, { step }: JobDecision): Promise<void> {
  const { cluster, authority } = work;
  const { jobManager, stateDirectory, gateway, jars } = cluster;
  if (step === undefined || jobManager === undefined || stateDirectory === undefined) return;
  authority.fence(); // Flink knows no fence: nothing is sent once there is no right to.
  const parent = AbortSignal.any([work.signal, authority.over]);
  const taken = (signal: AbortSignal) =>
    takeJobStep(step, { jobManager, stateDirectory, gateway, jars, signal });
  const slow = { what: `${step.kind} of ${work.id}`, reason: 'FLINK_SLOW', parent };
  await withDeadline(stepDeadlineMs, taken, slow);
}

/** What Flink has refused is not tried again under the same id; everything else is. */
async function failed(
  work: JobWork,
  status: flink.FlinkJobStatus,
  decision: JobDecision,
  error: unknown,
): Promise<void> {
  const { cluster, refusals } = work;
  const { step } = decision;
  const condition = conditionOf(error);
  const isFinal = ['FLINK_REFUSED', 'FLINK_STATEMENT_FAILED'].includes(condition.reason);
  if (step?.kind === 'submit' && isFinal && cluster.jobManager !== undefined) {
    refusals.add(step.jobId, cluster.jobManager.run, condition);
  }
  await write(work, status, decision, [condition]);
}

async function write(
  { clients, clock, id, job }: JobWork,
  last: flink.FlinkJobStatus | undefined,
  { journal, waitsFor, conditions }: JobDecision,
  more: readonly ConditionReport[],
): Promise<flink.FlinkJobStatus> {
  const report = {
    job: `flink-jobs/${id}`,
    version: job?.version ?? last?.version ?? 0n,
    journal,
    ...(waitsFor !== undefined && { waitsFor }),
    conditions: [...conditions, ...more],
  };
  const flinkJobStatus = jobStatusOf(report, last, timestampToProto(clock.now()));
  if (last !== undefined && isSameJobStatus(last, flinkJobStatus)) return last;
  return await clients.flinkJobs.updateFlinkJobStatus({ flinkJobStatus });
}
