import { effectOf, jobChanges } from '../spec/changes.ts';
import type { FlinkJobSpec } from '../spec/job-spec.ts';
import type { JobDecision } from './decision.ts';
import { ended, failed, rejectedWith } from './ended.ts';
import { jobIdOf, specDigest } from './identity.ts';
import { type JobSize, withSize } from './job-size.ts';
import type { Deployed, JobJournal, StatePoint } from './journal.ts';
import { withLastingConditions } from './lasting-conditions.ts';
import {
  hasEnded,
  type ObservedJob,
  type ObservedJobManager,
  type ObservedRun,
} from './observed-job.ts';
import { withRequestedSavepoint } from './requested-savepoint.ts';
import { resize } from './resize.ts';
import { withRestarts } from './restarting.ts';
import { withShortage } from './shortage.ts';
import { because, isStable, isStuck, specToRun, stuckFor } from './stability.ts';
import { beginStop, whileStopping } from './stop.ts';

/** A job as it is wanted. */
export interface WantedJob {
  /** Of the resource: never that of another job, not even of a later one of the same name. */
  readonly uid: string;
  /** Absent: the job is to end, with its state kept. */
  readonly spec?: FlinkJobSpec;
  /** What scaling wants of its vertices. Absent: all have the parallelism of the spec. */
  readonly size?: JobSize;
  /** Asks for one savepoint while it goes on; another word asks for another one. Absent: for none. */
  readonly savepointRequest?: string;
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
  const decision = decide(wanted, observed, journal);
  const told = withRestarts(observed, withShortage(wanted, observed, decision));
  return withLastingConditions(wanted.spec, withRequestedSavepoint(wanted, observed, told));
}

function decide(wanted: WantedJob, observed: ObservedJob, journal: JobJournal): JobDecision {
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
  { uid, spec, size }: WantedJob,
  observed: ObservedJob,
  journal: JobJournal,
): JobDecision {
  if (spec === undefined || spec.state === 'suspended') return { journal, conditions: [] };
  const { jobManager, slots } = observed;
  const target = specToRun(spec, journal);
  if (target === undefined) {
    return {
      journal,
      waitsFor: 'the spec to be changed: it failed too often, and there is no other',
      conditions: [
        {
          reason: 'GIVEN_UP',
          message: `The job has failed too often, and no other spec of it has proved stable. Change the spec to try again.${because(journal.failure)}`,
        },
      ],
    };
  }
  if (jobManager === undefined) {
    return waits(journal, 'JOBMANAGER_SILENT', 'the JobManager to answer');
  }
  if (slots < 1) return waits(journal, 'SLOTS_SHORT', 'a TaskManager with a free slot');
  const attempt = journal.attempt + 1;
  const from = restorePoint(journal, spec);
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
    ...withSize(journal, size),
    attempt,
    phase: { kind: 'starting' },
    deployed,
    failures: isSame ? journal.failures : 0,
  });
}

/** Of what a job was given to begin with: lower than any that Flink gives. */
const initialId = 0;

/** State of its own, once there is any. Until then it begins with what it is given, which may be given otherwise when that cannot be restored. */
function restorePoint(
  { attempt, restore }: JobJournal,
  { initialSavepoint }: FlinkJobSpec,
): StatePoint | undefined {
  const isFresh = attempt === 0 || restore?.id === initialId;
  if (!isFresh || initialSavepoint === undefined) return restore;
  return { kind: 'savepoint', path: initialSavepoint, id: initialId };
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
      ...(journal.size !== undefined && { size: journal.size }),
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

function whenEnded(observed: ObservedJob, journal: JobJournal, run: ObservedRun): JobDecision {
  if (run.state === 'FINISHED') {
    return { journal: { ...journal, phase: { kind: 'finished' } }, conditions: [] };
  }
  if (run.state === 'FAILED') return failed(observed, journal, run);
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
  const judged = isStuck(run, spec, journal) ? rejectedAsStuck(journal, run) : journal;
  const next = specToRun(spec, judged);
  if (next === undefined && judged !== journal) return beginStop(wanted, observed, judged, run);
  const target = next ?? deployed.spec;
  const effect = effectOf(jobChanges(deployed.spec, target));
  if (effect === 'redeploy') return beginStop(wanted, observed, judged, run);
  const adopted = { ...judged, deployed: { ...deployed, spec: target } };
  // Of a batch job another parallelism counts from its next attempt on.
  if (run.isBatch) return { journal: adopted, conditions: [] };
  return resize(wanted, observed, adopted, run);
}

function rejectedAsStuck(journal: JobJournal, run: ObservedRun): JobJournal {
  const rejected = rejectedWith(journal, specDigest(journal.deployed!.spec));
  return { ...journal, rejected, failure: stuckFor(run) };
}

export function waits(
  journal: JobJournal,
  reason: JobDecision['conditions'][number]['reason'],
  waitsFor: string,
): JobDecision {
  return { journal, waitsFor, conditions: [{ reason, message: `Waits for ${waitsFor}.` }] };
}
