import { isTesseraError, messageOf } from '@tessera/base';
import { timestampToProto } from '@tessera/client';
import { withDeadline } from '@tessera/daemon';
import {
  digestOf,
  emptyJournal,
  type JobDecision,
  type JobJournal,
  type JobSize,
  nextJobAction,
  type ObservedJob,
  type ObservedJobManager,
  specDigest,
  type WantedJob,
} from '@tessera/flink';
import type { flink } from '@tessera/proto';
import { type ConditionReport, conditionOf } from './cluster-status.ts';
import { archivedEnd, deleteEnds, withArchivedEnd } from './ended-jobs.ts';
import type { FailedSteps } from './failed-steps.ts';
import type { FlinkOptions } from './flink-options.ts';
import type { JobCluster } from './job-cluster.ts';
import { registeredSlots } from './job-manager.ts';
import { jobSpecOf } from './job-spec.ts';
import { isSameJobStatus, jobJournalOf, jobStatusName, jobStatusOf } from './job-status.ts';
import type { LateRestarts } from './late-restarts.ts';
import { attemptsOf, type JobView, observedRuns } from './observe-job.ts';
import type { Refusals } from './refusals.ts';
import type { KnownDetails } from './run-details.ts';
import { newestState } from './state-directory.ts';
import { takeJobStep } from './take-job-step.ts';
import type { UnaskedEnds } from './unasked-ends.ts';

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
  readonly restarts: LateRestarts;
  readonly refusals: Refusals;
  /** Attempts that their JobManager has refused to change in place. */
  readonly unscalable: Refusals;
  /** What scaling wants of it. Absent: nothing. */
  readonly size?: JobSize;
  /** Slots that other jobs of its cluster need. */
  readonly otherSlots: number;
  /** Why it is not kept the right size. */
  readonly scalingCondition: ConditionReport | undefined;
  readonly failedSteps: FailedSteps;
  readonly unaskedEnds: UnaskedEnds;
  readonly isLagGrowing: JobView['isLagGrowing'];
  readonly signal: AbortSignal;
}

export const ownFileSystem = { newestState, archivedEnd, deleteEnds };

/** Takes the next step of one job, written down before it is taken. */
export async function carryOutJob(work: JobWork): Promise<void> {
  const { id, job, before, log, refusals, failedSteps } = work;
  const journal = before === undefined ? emptyJournal : jobJournalOf(before);
  const decision = await decide(work, journal);
  const { step } = decision;
  const known = [
    refusals.of(journal.deployed?.jobId),
    work.scalingCondition,
    step && failedSteps.conditionOf(id, step.key),
  ].filter((condition) => condition !== undefined);
  const status = await write(work, before, decision, known);
  const { kind } = decision.journal.phase;
  if (job === undefined && (kind === 'stopped' || kind === 'finished')) {
    failedSteps.forget(id);
    const { etag } = status;
    const name = jobStatusName(id);
    await work.clients.flinkJobs.deleteFlinkJobStatus({ name, etag, allowMissing: true });
    leaveEnds(work, attemptsOf({ uid: status.jobUid, journal: decision.journal }));
    return;
  }
  if (step === undefined) return failedSteps.forget(id);
  if (!failedSteps.isDue(id, step.key)) return;
  try {
    await act(work, decision);
    failedSteps.forget(id);
    if (job !== undefined && step.kind === 'submit') {
      const [_, ...earlier] = attemptsOf({ uid: job.uid, journal: decision.journal });
      leaveEnds(work, earlier);
    }
    log.info({ job: id, step: step.kind, key: step.key }, 'flink-job.step');
  } catch (error) {
    log.warn({ job: id, step: step.kind, error: messageOf(error) }, 'flink-job.step-failed');
    if (!isTesseraError(error) || work.authority.over.aborted) throw error;
    await failed(work, status, decision, error);
  }
}

/** How these attempts have ended is asked of no archive again. */
function leaveEnds({ cluster, unaskedEnds }: JobWork, jobIds: readonly string[]): void {
  if (cluster.stateDirectory !== undefined) unaskedEnds.add(cluster.stateDirectory, jobIds);
}

async function decide(work: JobWork, journal: JobJournal): Promise<JobDecision> {
  const { jobManager, stateDirectory } = work.cluster;
  const { states = ownFileSystem } = work;
  const wanted = wantedOf(work);
  const seen = await seenRuns(work, wanted, journal);
  const known = seen && (await withArchivedEnd(seen, journal, stateDirectory, states.archivedEnd));
  const runs = known === 'unknown' ? seen : known;
  const observed: ObservedJob = {
    ...(runs !== undefined && { jobManager: runs }),
    newestState: 'unknown',
    slots: jobManager === undefined ? 0 : registeredSlots(jobManager),
    ...(jobManager && { room: registeredSlots(jobManager) - work.otherSlots }),
  };
  const first = nextJobAction(wanted, observed, journal);
  if (!first.conditions.some(({ reason }) => reason === 'STATE_DIRECTORY_UNREADABLE')) return first;
  const jobId = journal.deployed?.jobId;
  if (jobId === undefined || stateDirectory === undefined || known === 'unknown') return first;
  const newest = await states.newestState(stateDirectory, jobId);
  return nextJobAction(wanted, { ...observed, newestState: newest }, journal);
}

/** Attempts of the job as its JobManager tells of them; `undefined` when it does not. */
async function seenRuns(
  work: JobWork,
  wanted: WantedJob,
  journal: JobJournal,
): Promise<ObservedJobManager | undefined> {
  const { jobManager } = work.cluster;
  const {
    signal: parent,
    clock,
    ageMs,
    details,
    restarts,
    refusals,
    unscalable,
    isLagGrowing,
  } = work;
  if (jobManager === undefined) return undefined;
  const { uid } = wanted;
  const view = {
    ...{ uid, journal, jobManager, ageMs, details, restarts, isLagGrowing },
    isSettled: isSettled(wanted, journal),
    refused: refusals.onRun(jobManager.run),
    unscalable: unscalable.onRun(jobManager.run),
  };
  const slow = { what: `asking for ${work.id}`, reason: 'JOBMANAGER_SLOW', parent, clock };
  const asked = (signal: AbortSignal) => observedRuns(view, signal);
  return await withDeadline(lookDeadlineMs, asked, slow).catch((error: unknown) => {
    // What one job's answers are not says nothing about the others.
    if (isTesseraError(error) && !parent.aborted) return undefined;
    throw error;
  });
}

/** While its cluster changes in a way that takes jobs with it, a job is wanted as if it were suspended. */
function wantedOf({ job, before, cluster, size }: JobWork): WantedJob {
  if (job === undefined) return { uid: before?.jobUid ?? '' };
  const spec = jobSpecOf(job.spec!);
  const { uid, savepointRequest } = job;
  return {
    uid,
    spec: cluster.haltsJobs ? { ...spec, state: 'suspended' } : spec,
    ...(size !== undefined && { size }),
    ...(savepointRequest !== '' && { savepointRequest }),
  };
}

function isSettled(
  { spec, size }: WantedJob,
  { phase, deployed, stable, size: before }: JobJournal,
): boolean {
  if (digestOf(size) !== digestOf(before)) return false;
  if (spec?.state !== 'running' || stable === undefined || phase.kind !== 'running') return false;
  const digest = specDigest(spec);
  return digest === specDigest(stable) && digest === specDigest(deployed!.spec);
}

async function act(work: JobWork, { step }: JobDecision): Promise<void> {
  const { cluster, authority, clock } = work;
  const { jobManager, stateDirectory, gateway, jars } = cluster;
  if (step === undefined || jobManager === undefined || stateDirectory === undefined) return;
  authority.fence(); // Flink knows no fence: nothing is sent once there is no right to.
  const parent = AbortSignal.any([work.signal, authority.over]);
  const taken = (signal: AbortSignal) =>
    takeJobStep(step, { jobManager, stateDirectory, gateway, jars, signal });
  const slow = { what: `${step.kind} of ${work.id}`, reason: 'FLINK_SLOW', parent, clock };
  await withDeadline(stepDeadlineMs, taken, slow);
}

/** What a script or a program is refused for is not tried again under the same id; everything else is, but not at once. */
async function failed(
  work: JobWork,
  status: flink.FlinkJobStatus,
  decision: JobDecision,
  error: unknown,
): Promise<void> {
  const { id, cluster, refusals, unscalable, failedSteps } = work;
  const { step } = decision;
  const condition = conditionOf(error);
  const run = isFinal(condition) ? cluster.jobManager?.run : undefined;
  if (step?.kind === 'submit' && run !== undefined) {
    refusals.add(step.jobId, run, condition);
  } else if (step?.kind === 'rescale' && run !== undefined) {
    unscalable.add(step.jobId, run, condition);
  } else if (step !== undefined && condition.reason !== 'SQL_GATEWAY_SILENT') {
    failedSteps.add(id, step.key, condition); // What nobody was asked for costs nothing to look at again.
  }
  await write(work, status, decision, [condition]);
}

/** The same program fails again until it is changed. */
function isFinal({ reason }: ConditionReport): boolean {
  return ['FLINK_REFUSED', 'FLINK_STATEMENT_FAILED'].includes(reason) || /^FLINK_SQL_/.test(reason);
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
