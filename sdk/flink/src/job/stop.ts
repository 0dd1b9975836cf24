import type { JobDecision } from './decision.ts';
import { ended } from './ended.ts';
import { triggerIdOf } from './identity.ts';
import type { JobJournal } from './journal.ts';
import type { WantedJob } from './next-job-action.ts';
import { hasEnded, type ObservedJob, type ObservedRun } from './observed-job.ts';

/** Savepoints that are tried before the newest checkpoint has to do. */
const maxTries = 3;

/** Begins to stop a job such that it can go on: with a savepoint, or, where that is wanted or the job is not well, by cancelling it. */
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
  const bySavepoint = run.state === 'RUNNING' && (mode === 'savepoint' || !hasCheckpoint);
  return stop({
    ...journal,
    phase: { kind: 'stopping', by: bySavepoint ? 'savepoint' : 'cancel', tries: 1 },
  });
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
  const progress = observed.jobManager?.savepoints.get(triggerIdOf(deployed.jobId, phase.tries));
  if (hasEnded(run)) {
    const isOver = run.state === 'FINISHED' && !endedBySavepoint(observed, progress);
    return isOver
      ? { journal: { ...journal, phase: { kind: 'finished' } }, conditions: [] }
      : ended(observed, journal);
  }
  if (phase.by === 'cancel') return stop(journal);
  if (progress === undefined) return stop(journal);
  if (progress !== 'FAILED') {
    return { journal, waitsFor: 'the savepoint to be complete and the job to end', conditions: [] };
  }
  return savepointFailed(journal, run, phase.tries);
}

/** A job that is stopped with a savepoint ends like one that has no more input. */
function endedBySavepoint({ newestState }: ObservedJob, progress: string | undefined): boolean {
  if (progress === 'COMPLETED') return true;
  // Not decided while the directory cannot be read: then `ended` waits.
  return newestState === 'unknown' || (newestState !== 'none' && newestState.kind === 'savepoint');
}

function savepointFailed(journal: JobJournal, run: ObservedRun, tries: number): JobDecision {
  const again = run.state === 'RUNNING' && tries < maxTries;
  const decision = stop({
    ...journal,
    phase: again
      ? { kind: 'stopping', by: 'savepoint', tries: tries + 1 }
      : { kind: 'stopping', by: 'cancel', tries },
  });
  return {
    ...decision,
    conditions: [
      {
        reason: 'SAVEPOINT_FAILED',
        message: again
          ? `Savepoint ${tries} of ${maxTries} has failed; another one is tried.`
          : 'No savepoint could be made; the job is cancelled and goes on from its newest checkpoint.',
      },
    ],
  };
}
