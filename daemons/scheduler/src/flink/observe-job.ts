import { isTesseraError } from '@tessera/base';
import {
  hasEnded,
  type JobJournal,
  jobIdOf,
  manyRestarts,
  type ObservedJobManager,
  type ObservedRun,
  type ObservedSavepoint,
  type RunState,
  requestedTriggerIdOf,
  triggerIdOf,
} from '@tessera/flink';
import type { Checkpoints, JobSummary, JobVertex } from '@tessera/flink-rest';
import { failureOf, newestFailureOf } from './job-failure.ts';
import type { SeenJobManager } from './job-manager.ts';
import type { LateRestarts } from './late-restarts.ts';
import type { KnownDetails, RunDetails } from './run-details.ts';

/** What a JobManager says of one job. */

export interface JobView {
  readonly uid: string;
  readonly journal: JobJournal;
  readonly jobManager: SeenJobManager;
  /** How long an attempt has been seen on a run of a JobManager. */
  readonly ageMs: (key: string) => number;
  readonly details: KnownDetails;
  readonly restarts: LateRestarts;
  /** It has proved stable and is as it is wanted. */
  readonly isSettled: boolean;
  /** Why this run has refused submissions, by job id: such an attempt never ran. */
  readonly refused: ReadonlyMap<string, string>;
  /** Whether that of an attempt grows, or may do so, which has been seen for so long. */
  readonly isLagGrowing: (jobId: string, ageMs: number) => boolean;
  /** Attempts that this run has refused to change in place. */
  readonly unscalable: { has(jobId: string): boolean };
}

/** Attempts that are looked for, the newest first: older ones have ended long ago. */
const maxAttempts = 32;

export async function observedRuns(
  view: JobView,
  signal: AbortSignal,
): Promise<ObservedJobManager> {
  const { jobManager, refused } = view;
  const jobs = new Map<string, ObservedRun>();
  for (const jobId of attemptsOf(view)) {
    const summary = jobManager.jobs.find(({ id }) => id === jobId);
    const failure = refused.get(jobId);
    if (summary !== undefined) jobs.set(jobId, await observedRun(view, summary, signal));
    else if (failure !== undefined) jobs.set(jobId, { ...neverRan, failure });
  }
  const savepoints = await savepointsOf(view, signal);
  return { run: jobManager.run, jobs, savepoints };
}

/** Ids of the latest attempts of a job, the newest first. */
export function attemptsOf({
  uid,
  journal: { attempt },
}: {
  readonly uid: string;
  readonly journal: Pick<JobJournal, 'attempt'>;
}): string[] {
  const count = Math.min(attempt, maxAttempts);
  return Array.from({ length: count }, (_, i) => jobIdOf(uid, attempt - i));
}

/** Nothing is known of it but how it ended. */
export const neverRan: ObservedRun = {
  state: 'FAILED',
  parallelism: 0,
  checkpoints: 0,
  unbrokenCheckpoints: 0,
  restarts: 0,
  isLagGrowing: false,
  ageMs: 0,
};

async function observedRun(
  view: JobView,
  summary: JobSummary,
  signal: AbortSignal,
): Promise<ObservedRun> {
  const { jobManager, journal, ageMs, details, restarts, isSettled } = view;
  const state = stateOf(summary.state);
  const key = `${jobManager.run}/${summary.id}`;
  const refusesRescale = view.unscalable.has(summary.id);
  const seen = { ...neverRan, state, ageMs: ageMs(key), ...(refusesRescale && { refusesRescale }) };
  const unready = () => ({ unreadyMs: ageMs(`${key} is not ready`) });
  // What the journal has taken in is not asked for again.
  const isNews = journal.phase.kind !== 'stopped' && summary.id === journal.deployed?.jobId;
  if (state === 'FAILED' && isNews) {
    return { ...seen, ...(await failureOf(jobManager, summary.id, signal)) };
  }
  if (hasEnded(seen)) return seen;
  if (state !== 'RUNNING' && state !== 'RESTARTING') return { ...seen, ...unready() };
  // Flink says nothing more about it: it has no checkpoints, and the parallelism that it was given.
  if (summary.isBatch) {
    return { ...seen, isBatch: true, parallelism: journal.deployed?.spec.parallelism ?? 0 };
  }
  const read = () => readDetails(jobManager, summary.id, signal);
  const isKnown = isSettled && state === 'RUNNING';
  const { allTasksRun, countedRestarts, ...facts } = await details.of(key, isKnown, read);
  const isReady = allTasksRun && state === 'RUNNING';
  const isLagGrowing = view.isLagGrowing(summary.id, seen.ageMs);
  const told = { ...seen, ...facts, isLagGrowing, ...(isReady ? {} : unready()) };
  const lateRestarts = restarts.late(key, { ...facts, restarts: countedRestarts });
  if (lateRestarts < manyRestarts) return { ...told, lateRestarts };
  return { ...told, lateRestarts, ...(await newestFailureOf(jobManager, summary.id, signal)) };
}

async function readDetails(
  { rest }: SeenJobManager,
  jobId: string,
  signal: AbortSignal,
): Promise<RunDetails> {
  const [job, requirements, checkpoints, metrics] = await Promise.all([
    rest.job(jobId, signal),
    rest.resourceRequirements(jobId, signal),
    rest.checkpoints(jobId, signal),
    rest.metrics({ kind: 'job', jobId }, ['numRestarts'], signal),
  ]);
  const counted = metrics.get('numRestarts');
  const vertices = [...requirements].map(([id, { upperBound }]) => [id, upperBound] as const);
  return {
    parallelism: Math.max(0, ...vertices.map(([, most]) => most)),
    vertices: Object.fromEntries(vertices),
    subtasks: Math.max(0, ...job.vertices.map(({ parallelism }) => parallelism)),
    ...proofOf(checkpoints),
    // Missing is not none.
    restarts: counted ?? 1,
    ...(counted !== undefined && { countedRestarts: counted }),
    allTasksRun: job.vertices.length > 0 && job.vertices.every(allSubtasksRun),
  };
}

/** What checkpoints say for a job: those that it has completed, and what has become of them since it was restored last. */
function proofOf({ completed, history, restoredAtMs = 0 }: Checkpoints) {
  const over = history.filter(({ status }) => status !== 'IN_PROGRESS');
  const unbroken = over.filter(
    ({ status, triggeredAtMs }) => status === 'COMPLETED' && triggeredAtMs >= restoredAtMs,
  );
  return {
    checkpoints: completed,
    unbrokenCheckpoints: unbroken.length,
    checkpointsFail: over[0]?.status === 'FAILED',
  };
}

/** A subtask that has nothing left to read has finished. */
function allSubtasksRun({ parallelism, tasks }: JobVertex): boolean {
  return (tasks.RUNNING ?? 0) + (tasks.FINISHED ?? 0) === parallelism;
}

/** Those that a job without a JobManager would be in are as good as begun. */
function stateOf(state: JobSummary['state']): RunState {
  return state === 'SUSPENDED' || state === 'RECONCILING' ? 'INITIALIZING' : state;
}

/** Those that the journal says are being made, by their trigger ids. */
async function savepointsOf(
  view: JobView,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ObservedSavepoint>> {
  const { phase, deployed, savepoints = [] } = view.journal;
  const tried =
    phase.kind === 'stopping' && deployed !== undefined && phase.tries > 0
      ? [{ jobId: deployed.jobId, triggerId: triggerIdOf(deployed.jobId, phase.tries) }]
      : [];
  const requested = savepoints
    .filter(({ outcome }) => outcome.kind === 'in progress')
    .map(({ jobId, request }) => ({ jobId, triggerId: requestedTriggerIdOf(jobId, request) }));
  const seen = await Promise.all(
    [...tried, ...requested].map((asked) => savepointOf(view, asked, signal)),
  );
  return new Map(seen.flat());
}

async function savepointOf(
  { jobManager: { rest, run }, ageMs }: JobView,
  asked: { readonly jobId: string; readonly triggerId: string },
  signal: AbortSignal,
): Promise<[string, ObservedSavepoint][]> {
  const { triggerId } = asked;
  try {
    const savepoint = await rest.savepoint(asked, signal);
    if (savepoint === undefined) return [];
    const { status: progress, ...result } = savepoint;
    return [[triggerId, { progress, ageMs: ageMs(`${run}/${triggerId} ${progress}`), ...result }]];
  } catch (error) {
    // Of a job that this JobManager does not know.
    if (isTesseraError(error, 'FLINK_NOT_FOUND')) return [];
    throw error;
  }
}
