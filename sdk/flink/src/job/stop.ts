import type { JobCondition, JobDecision } from './decision.ts';
import { ended } from './ended.ts';
import { triggerIdOf } from './identity.ts';
import type { JobJournal } from './journal.ts';
import type { WantedJob } from './next-job-action.ts';
import { hasEnded, type ObservedJob, type ObservedRun } from './observed-job.ts';

/** Savepoints that are tried before the newest checkpoint has to do. */
const maxTries = 3;

/** From the first one that fails to the next; four times as long from that to the third. */
const firstPauseMs = 2_000;

/** How long a job may take until all of its tasks run again: as long as it takes to replace a TaskManager. */
export const readyPatienceMs = 60_000;

/** Begins to stop a job such that it can go on: with a savepoint, or, where that is wanted or the job is not well, by cancelling it. Of a batch job none can be made. */
export function beginStop(
  { spec }: WantedJob,
  observed: ObservedJob,
  journal: JobJournal,
  run: ObservedRun,
): JobDecision {
  const deployed = journal.deployed!;
  if (observed.newestState === 'unknown') {
    return {
      journal,
      waitsFor: 'the state directory to be readable: the job is not stopped before that',
      conditions: [
        {
          reason: 'STATE_DIRECTORY_UNREADABLE',
          message:
            'The state directory cannot be read, so that it is not certain what a stopped job could go on from.',
        },
      ],
    };
  }
  const mode = (spec ?? deployed.spec).upgradeMode;
  const hasCheckpoint = observed.newestState !== 'none';
  const wantsSavepoint = !neverRan(run) && !run.isBatch && (mode === 'savepoint' || !hasCheckpoint);
  if (wantsSavepoint && mayBecomeReady(run)) {
    return {
      journal,
      waitsFor: 'all tasks of the job to run, so that it can be stopped with a savepoint',
      conditions: [],
    };
  }
  const by = wantsSavepoint && run.unreadyMs === undefined ? 'savepoint' : 'cancel';
  return stop({ ...journal, phase: { kind: 'stopping', by, tries: 1 } });
}

function neverRan({ state }: ObservedRun): boolean {
  return state === 'INITIALIZING' || state === 'CREATED';
}

/** Not all of its tasks run, and that is not a lasting state yet. */
function mayBecomeReady({ unreadyMs }: ObservedRun): boolean {
  return unreadyMs !== undefined && unreadyMs < readyPatienceMs;
}

/** The step that belongs to a journal that says stopping. */
function stop(journal: JobJournal): JobDecision {
  const { jobId } = journal.deployed!;
  const { phase } = journal;
  if (phase.kind !== 'stopping' || phase.by === 'cancel') {
    const step = { kind: 'cancel', key: `${jobId}/cancel`, jobId } as const;
    return { journal, step, waitsFor: 'the job to be cancelled', conditions: [] };
  }
  const triggerId = triggerIdOf(jobId, phase.tries);
  const key = `${jobId}/savepoint/${phase.tries}`;
  const step = { kind: 'stopWithSavepoint', key, jobId, triggerId } as const;
  return { journal, step, waitsFor: `savepoint ${triggerId}`, conditions: [] };
}

/** Goes on with a stop that was begun. What is wanted meanwhile is looked at when it has stopped. */
export function whileStopping(
  observed: ObservedJob,
  journal: JobJournal,
  run: ObservedRun,
): JobDecision {
  const { phase, deployed } = journal;
  if (phase.kind !== 'stopping' || deployed === undefined) return { journal, conditions: [] };
  const savepoint = observed.jobManager?.savepoints.get(triggerIdOf(deployed.jobId, phase.tries));
  if (hasEnded(run)) {
    const isOver = run.state === 'FINISHED' && !endedBySavepoint(observed, savepoint?.progress);
    return isOver
      ? { journal: { ...journal, phase: { kind: 'finished' } }, conditions: [] }
      : ended(observed, journal);
  }
  if (phase.by === 'cancel') return stop(journal);
  if (savepoint === undefined) return isHopeless(run) ? cancelInstead(journal) : stop(journal);
  if (savepoint.progress !== 'FAILED') {
    return { journal, waitsFor: 'the savepoint to be complete and the job to end', conditions: [] };
  }
  return savepointFailed(journal, run, savepoint.ageMs);
}

/** A job that is stopped with a savepoint ends like one that has no more input. */
function endedBySavepoint({ newestState }: ObservedJob, progress: string | undefined): boolean {
  if (progress === 'COMPLETED') return true;
  // Not decided while the directory cannot be read: then `ended` waits.
  return newestState === 'unknown' || (newestState !== 'none' && newestState.kind === 'savepoint');
}

/** One that failed because tasks were being started, or because of something that has passed, is made when it is tried again later: the job goes on meanwhile. */
function savepointFailed(journal: JobJournal, run: ObservedRun, ageMs: number): JobDecision {
  const { phase } = journal;
  const tries = phase.kind === 'stopping' ? phase.tries : maxTries;
  if (tries >= maxTries || isHopeless(run)) return cancelInstead(journal);
  const conditions: JobCondition[] = [
    {
      reason: 'SAVEPOINT_FAILED',
      message: `Savepoint ${tries} of ${maxTries} has failed; another one is tried when all tasks run.`,
    },
  ];
  const isDue = run.unreadyMs === undefined && ageMs >= firstPauseMs * 4 ** (tries - 1);
  if (!isDue) return { journal, waitsFor: `savepoint ${tries + 1} to be tried`, conditions };
  const again = { kind: 'stopping', by: 'savepoint', tries: tries + 1 } as const;
  return { ...stop({ ...journal, phase: again }), conditions };
}

function isHopeless(run: ObservedRun): boolean {
  return run.unreadyMs !== undefined && !mayBecomeReady(run);
}

function cancelInstead(journal: JobJournal): JobDecision {
  const tries = journal.phase.kind === 'stopping' ? journal.phase.tries : maxTries;
  const decision = stop({ ...journal, phase: { kind: 'stopping', by: 'cancel', tries } });
  const condition: JobCondition = {
    reason: 'SAVEPOINT_FAILED',
    message:
      'No savepoint could be made; the job is cancelled and goes on from its newest checkpoint.',
  };
  return { ...decision, conditions: [condition] };
}
