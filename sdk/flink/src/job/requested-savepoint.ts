import type { JobDecision } from './decision.ts';
import { requestedTriggerIdOf } from './identity.ts';
import type { JobJournal, RequestedSavepoint, SavepointOutcome } from './journal.ts';
import type { WantedJob } from './next-job-action.ts';
import type { ObservedJob } from './observed-job.ts';

/** So many of them are remembered. */
const maxRemembered = 10;

/**
 * A decision, and with it what becomes of a savepoint that somebody has asked for: made once while the job runs as it is wanted, in a step of its own. What the job itself needs comes first; that it waits for slots to grow holds nothing up. An attempt that ends takes the savepoint with it
 * that was being made of it: whoever asked has to ask again.
 */
export function withRequestedSavepoint(
  wanted: WantedJob,
  observed: ObservedJob,
  decision: JobDecision,
): JobDecision {
  const settled = settle(observed, decision);
  const { journal, step } = settled;
  if (step !== undefined || journal.phase.kind !== 'running') return settled;
  const open = openOf(journal) ?? begun(wanted, journal);
  if (open === undefined) return settled;
  const { jobId, request } = open;
  const run = observed.jobManager?.jobs.get(jobId);
  if (run === undefined) return settled;
  if (run.isBatch) {
    const failure = 'a batch job has no state to make one of';
    return {
      ...settled,
      journal: remember(journal, { ...open, outcome: { kind: 'failed', failure } }),
    };
  }
  if (run.unreadyMs !== undefined) {
    return { ...settled, waitsFor: 'all tasks of the job to run, so that a savepoint can be made' };
  }
  const triggerId = requestedTriggerIdOf(jobId, request);
  const known = observed.jobManager?.savepoints.get(triggerId);
  const noted = openOf(journal) === undefined ? remember(journal, open) : journal;
  return {
    ...settled,
    journal: noted,
    waitsFor: 'the savepoint that was asked for to be complete',
    // Asked for again with the same id it is the same savepoint.
    ...(known === undefined && {
      step: { kind: 'savepoint', key: `${jobId}/requested/${triggerId}`, jobId, triggerId },
    }),
  };
}

function openOf({ savepoints = [] }: JobJournal): RequestedSavepoint | undefined {
  return savepoints.find(({ outcome }) => outcome.kind === 'in progress');
}

function begun(
  { savepointRequest: request }: WantedJob,
  { deployed, savepoints = [] }: JobJournal,
): RequestedSavepoint | undefined {
  if (request === undefined || savepoints.some((one) => one.request === request)) return undefined;
  return deployed && { request, jobId: deployed.jobId, outcome: { kind: 'in progress' } };
}

function remember(journal: JobJournal, savepoint: RequestedSavepoint): JobJournal {
  const { savepoints = [] } = journal;
  return { ...journal, savepoints: [...savepoints, savepoint].slice(-maxRemembered) };
}

/** The decision with what has become of the savepoint that was being made. */
function settle(observed: ObservedJob, decision: JobDecision): JobDecision {
  const { journal } = decision;
  const open = openOf(journal);
  if (open === undefined) return decision;
  const outcome = outcomeOf(open, observed, journal);
  if (outcome === undefined) return decision;
  const savepoints = journal.savepoints?.map((one) => (one === open ? { ...one, outcome } : one));
  return { ...decision, journal: { ...journal, ...(savepoints && { savepoints }) } };
}

/** `undefined`: it is still being made, as far as is known. */
function outcomeOf(
  { jobId, request }: RequestedSavepoint,
  { jobManager }: ObservedJob,
  { phase, deployed }: JobJournal,
): SavepointOutcome | undefined {
  const known = jobManager?.savepoints.get(requestedTriggerIdOf(jobId, request));
  if (known?.progress === 'COMPLETED' && known.path !== undefined) {
    return { kind: 'completed', path: known.path };
  }
  if (known?.progress === 'FAILED') {
    return { kind: 'failed', failure: known.failure ?? 'Flink does not say why' };
  }
  const isOver = phase.kind === 'stopped' || phase.kind === 'finished' || deployed?.jobId !== jobId;
  return isOver
    ? { kind: 'failed', failure: 'the job was stopped before it was complete' }
    : undefined;
}
