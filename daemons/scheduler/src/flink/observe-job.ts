import { isTesseraError } from '@tessera/base';
import {
  type JobJournal,
  jobIdOf,
  type ObservedJobManager,
  type ObservedRun,
  type RunState,
  type SavepointProgress,
  triggerIdOf,
} from '@tessera/flink';
import type { JobSummary } from '@tessera/flink-rest';
import type { SeenJobManager } from './job-manager.ts';
import type { KnownDetails, RunDetails } from './run-details.ts';

/** What a JobManager says of one job. */

export interface JobView {
  readonly uid: string;
  readonly journal: JobJournal;
  readonly jobManager: SeenJobManager;
  /** How long an attempt has been seen on a run of a JobManager. */
  readonly ageMs: (key: string) => number;
  readonly details: KnownDetails;
  /** It has proved stable and is as it is wanted. */
  readonly isSettled: boolean;
  /** Submissions that this run has refused, by job id: such an attempt never ran. */
  readonly refused: ReadonlySet<string>;
}

/** Attempts that are looked for, the newest first: older ones have ended long ago. */
const maxAttempts = 32;

export async function observedRuns(
  view: JobView,
  signal: AbortSignal,
): Promise<ObservedJobManager> {
  const { journal, jobManager, refused } = view;
  const jobs = new Map<string, ObservedRun>();
  for (const jobId of attemptsOf(view)) {
    const summary = jobManager.jobs.find(({ id }) => id === jobId);
    if (summary !== undefined) jobs.set(jobId, await observedRun(view, summary, signal));
    else if (refused.has(jobId)) jobs.set(jobId, neverRan);
  }
  const savepoints = await savepointsOf(journal, jobManager, signal);
  return { run: jobManager.run, jobs, savepoints };
}

function attemptsOf({ uid, journal: { attempt } }: JobView): string[] {
  const count = Math.min(attempt, maxAttempts);
  return Array.from({ length: count }, (_, i) => jobIdOf(uid, attempt - i));
}

const neverRan: ObservedRun = {
  state: 'FAILED',
  parallelism: 0,
  checkpoints: 0,
  restarts: 0,
  isLagGrowing: false,
  ageMs: 0,
};

async function observedRun(
  { jobManager, ageMs, details, isSettled }: JobView,
  summary: JobSummary,
  signal: AbortSignal,
): Promise<ObservedRun> {
  const state = stateOf(summary.state);
  const key = `${jobManager.run}/${summary.id}`;
  const seen = { ...neverRan, state, ageMs: ageMs(key) };
  if (state !== 'RUNNING' && state !== 'RESTARTING') return seen;
  const read = () => readDetails(jobManager, summary.id, signal);
  return { ...seen, ...(await details.of(key, isSettled && state === 'RUNNING', read)) };
}

async function readDetails(
  { rest }: SeenJobManager,
  jobId: string,
  signal: AbortSignal,
): Promise<RunDetails> {
  const [requirements, checkpoints, metrics] = await Promise.all([
    rest.resourceRequirements(jobId, signal),
    rest.checkpoints(jobId, signal),
    rest.metrics({ kind: 'job', jobId }, ['numRestarts'], signal),
  ]);
  return {
    parallelism: Math.max(0, ...[...requirements.values()].map(({ upperBound }) => upperBound)),
    checkpoints: checkpoints.completed,
    // Missing is not none.
    restarts: metrics.get('numRestarts') ?? 1,
  };
}

/** Those that a job without a JobManager would be in are as good as begun. */
function stateOf(state: JobSummary['state']): RunState {
  return state === 'SUSPENDED' || state === 'RECONCILING' ? 'INITIALIZING' : state;
}

/** The savepoint that the journal says is tried. */
async function savepointsOf(
  { phase, deployed }: JobJournal,
  { rest }: SeenJobManager,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SavepointProgress>> {
  if (phase.kind !== 'stopping' || deployed === undefined || phase.tries === 0) return new Map();
  const { jobId } = deployed;
  const triggerId = triggerIdOf(jobId, phase.tries);
  try {
    const savepoint = await rest.savepoint({ jobId, triggerId }, signal);
    return new Map(savepoint === undefined ? [] : [[triggerId, savepoint.status]]);
  } catch (error) {
    // Of a job that this JobManager does not know.
    if (isTesseraError(error, 'FLINK_NOT_FOUND')) return new Map();
    throw error;
  }
}
