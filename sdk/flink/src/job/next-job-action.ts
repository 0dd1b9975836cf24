import { effectOf, jobChanges } from '../spec/changes.ts';
import type { FlinkJobSpec } from '../spec/job-spec.ts';
import type { JobDecision } from './decision.ts';
import { ended, failed } from './ended.ts';
import { jobIdOf, specDigest } from './identity.ts';
import type { Deployed, JobJournal } from './journal.ts';
import {
  hasEnded,
  type ObservedJob,
  type ObservedJobManager,
  type ObservedRun,
} from './observed-job.ts';
import { isStable, isStuck, specToRun } from './stability.ts';
import { beginStop, whileStopping } from './stop.ts';

/** A job as it is wanted. */
export interface WantedJob {
  /** Of the resource: never that of another job, not even of a later one of the same name. */
  readonly uid: string;
  /** Absent: the job is to end, with its state kept. */
  readonly spec?: FlinkJobSpec;
}

/**
 * The next step that brings a job to what is wanted, or what it waits for. Pure and level-triggered: to be asked again whenever something has changed, however old the last answer is; the same
 * question has the same answer.
 *
 * Promises, as long as the journal is written before the step is taken and only one at a time asks and acts: two attempts never run side by side; an attempt goes on from the newest complete state of
 * those before it, never from nothing once there was state; where that cannot be known it waits.
 */
export function nextJobAction(
  wanted: WantedJob,
  observed: ObservedJob,
  journal: JobJournal,
): JobDecision {
  const { phase, deployed } = journal;
  // Its input is used up, and Flink has dropped its checkpoints: there is nothing that another attempt could go on from.
  if (phase.kind === 'finished') return { journal, conditions: [] };
  if (phase.kind === 'stopped' || deployed === undefined)
    return whenStopped(wanted, observed, journal);
  const { jobManager } = observed;
  if (jobManager === undefined) {
    return waits(journal, 'JOBMANAGER_SILENT', 'the JobManager to answer');
  }
  const stray = strayOf(jobManager, deployed);
  if (stray !== undefined) {
    const step = { kind: 'cancel', key: `${stray}/cancel`, jobId: stray } as const;
    return {
      journal,
      step,
      waitsFor: `attempt ${stray} to end, which is not the present one`,
      conditions: [],
    };
  }
  const run = jobManager.jobs.get(deployed.jobId);
  if (run === undefined) return whenUnknown(observed, jobManager, journal, deployed);
  if (phase.kind === 'stopping') return whileStopping(observed, journal, run);
  if (hasEnded(run)) return whenEnded(observed, journal, run);
  return whileRunning(wanted, observed, running(journal, deployed, jobManager, run), run);
}

function whenStopped(
  { uid, spec }: WantedJob,
  observed: ObservedJob,
  journal: JobJournal,
): JobDecision {
  if (spec === undefined || spec.state === 'suspended') return { journal, conditions: [] };
  const { jobManager, slots } = observed;
  const target = specToRun(spec, journal);
  if (target === undefined) {
    return waits(
      journal,
      'GIVEN_UP',
      'the spec to be changed: it failed too often, and there is no other',
    );
  }
  if (jobManager === undefined) {
    return waits(journal, 'JOBMANAGER_SILENT', 'the JobManager to answer');
  }
  if (slots < 1) return waits(journal, 'SLOTS_SHORT', 'a TaskManager with a free slot');
  const attempt = journal.attempt + 1;
  const from = journal.restore ?? initialState(journal, spec);
  const deployed: Deployed = {
    jobId: jobIdOf(uid, attempt),
    spec: target,
    ...(from !== undefined && { from }),
    hasState: false,
    jobManagerRun: jobManager.run,
  };
  const isSame =
    journal.deployed !== undefined && specDigest(journal.deployed.spec) === specDigest(target);
  return submit({
    ...journal,
    attempt,
    phase: { kind: 'starting' },
    deployed,
    failures: isSame ? journal.failures : 0,
  });
}

function initialState({ attempt }: JobJournal, { initialSavepoint }: FlinkJobSpec) {
  if (attempt > 0 || initialSavepoint === undefined) return undefined;
  return { kind: 'savepoint', path: initialSavepoint, id: 0 } as const;
}

function submit(journal: JobJournal): JobDecision {
  const { jobId, spec, from } = journal.deployed!;
  return {
    journal,
    step: {
      kind: 'submit',
      key: `${jobId}/submit`,
      jobId,
      spec,
      ...(from !== undefined && { from }),
    },
    waitsFor: 'the job to start',
    conditions: [],
  };
}

/** An attempt that runs and is not the present one: somebody has submitted it by hand. */
function strayOf({ jobs }: ObservedJobManager, { jobId }: Deployed): string | undefined {
  return [...jobs].find(([id, run]) => id !== jobId && !hasEnded(run))?.[0];
}

/** The JobManager does not know the attempt. */
function whenUnknown(
  observed: ObservedJob,
  { run }: ObservedJobManager,
  journal: JobJournal,
  { jobManagerRun }: Deployed,
): JobDecision {
  // The same JobManager refuses a job id that it has, so that submitting again does no harm.
  if (journal.phase.kind === 'starting' && run === jobManagerRun) return submit(journal);
  return ended(observed, journal, {
    reason: 'JOBMANAGER_LOST',
    message:
      'The JobManager has forgotten the job, as after a crash. It goes on from its newest state.',
  });
}

function whenEnded(
  observed: ObservedJob,
  journal: JobJournal,
  { state }: ObservedRun,
): JobDecision {
  if (state === 'FINISHED') {
    return { journal: { ...journal, phase: { kind: 'finished' } }, conditions: [] };
  }
  if (state === 'FAILED') return failed(observed, journal);
  return ended(observed, journal, {
    reason: 'JOB_CANCELED_BY_OTHERS',
    message: 'The job was cancelled by somebody else. It goes on from its newest state.',
  });
}

/** The journal, with what the run shows: that it started, that it has state, that it is stable. */
function running(
  journal: JobJournal,
  deployed: Deployed,
  jobManager: ObservedJobManager,
  run: ObservedRun,
): JobJournal {
  const seen: JobJournal = {
    ...journal,
    phase: { kind: 'running' },
    deployed: {
      ...deployed,
      jobManagerRun: jobManager.run,
      hasState: deployed.hasState || run.checkpoints > 0,
    },
  };
  return isStable(run) ? { ...seen, stable: deployed.spec, failures: 0 } : seen;
}

function whileRunning(
  wanted: WantedJob,
  observed: ObservedJob,
  journal: JobJournal,
  run: ObservedRun,
): JobDecision {
  const deployed = journal.deployed!;
  const { spec } = wanted;
  if (spec === undefined || spec.state === 'suspended')
    return beginStop(wanted, observed, journal, run);
  const isRejected = isStuck(run, spec, journal);
  const judged = isRejected
    ? { ...journal, rejected: [...journal.rejected, specDigest(deployed.spec)] }
    : journal;
  const target = specToRun(spec, judged) ?? deployed.spec;
  const effect = effectOf(jobChanges(deployed.spec, target));
  if (effect === 'redeploy') return beginStop(wanted, observed, judged, run);
  const adopted = { ...judged, deployed: { ...deployed, spec: target } };
  if (run.parallelism === target.parallelism) return { journal: adopted, conditions: [] };
  const { jobId } = deployed;
  const { parallelism } = target;
  return {
    journal: adopted,
    step: { kind: 'rescale', key: `${jobId}/rescale/${parallelism}`, jobId, parallelism },
    waitsFor: `parallelism ${parallelism}`,
    conditions: [],
  };
}

export function waits(
  journal: JobJournal,
  reason: JobDecision['conditions'][number]['reason'],
  waitsFor: string,
): JobDecision {
  return { journal, waitsFor, conditions: [{ reason, message: `Waits for ${waitsFor}.` }] };
}
