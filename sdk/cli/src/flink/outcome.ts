import { resourceIdOf } from '@tessera/base';
import { diffResources } from '@tessera/cube';
import { flink } from '@tessera/proto';
import { flinkJobFromProto } from '../flink-resources.ts';
import type { WatchedCluster, WatchedJob } from '../flink-view.ts';

/** Whether what is wanted of Flink has come about, and what is in its way. Pure: of what metadata says at one time. */

export interface Outcome {
  /** All is as wanted. */
  readonly isDone: boolean;
  /** What keeps it from being so that somebody may have to look at. */
  readonly hindrance?: Hindrance;
}

export interface Hindrance {
  /** Of the condition; never renamed. */
  readonly reason: string;
  readonly message: string;
  /** It goes away only when somebody changes something. Others may pass by themselves. */
  readonly isLasting: boolean;
}

const done: Outcome = { isDone: true };
const going: Outcome = { isDone: false };
const lasting = (reason: string, message: string): Outcome => {
  return { isDone: false, hindrance: { reason, message, isLasting: true } };
};

/** Conditions that tell of something, and keep a cluster from nothing. */
const harmless = new Set([
  'RACKS_UNEVEN',
  'HEADROOM_SHORT',
  'DRAIN_BLOCKED',
  'QUOTA_OVERDRAWN',
  'FILE_CHANGED_BY_HAND',
]);

export function clusterOutcome({ name, wanted, status }: WatchedCluster): Outcome {
  if (wanted?.paused) {
    const message = `Cluster ${name} is paused: nothing is started or stopped. Apply it with 'paused: false' to let it go on.`;
    return lasting('CLUSTER_PAUSED', message);
  }
  if (wanted === undefined || status?.version !== wanted.version) return going;
  const rejected = status.conditions.find(({ reason }) => reason === 'CLUSTER_SPEC_REJECTED');
  if (status.waitsFor === '') return rejected ? lasting(rejected.reason, rejected.message) : done;
  const found = status.conditions.filter(({ reason }) => !harmless.has(reason));
  return hindered(found, ({ reason }) => reason.startsWith('FLINK_'));
}

/** What a job does not get over by itself. */
const jobHindrances = new Set(['STATE_UNKNOWN', 'GIVEN_UP']);

/** What it may get over by itself. */
const passingHindrances = new Set(['STATE_DIRECTORY_UNREADABLE', 'RUNS_SMALLER', 'JOB_RESTARTING']);

/** What a job waits for because of its cluster. */
const ofCluster = new Set(['JOBMANAGER_SILENT', 'SLOTS_SHORT']);

export interface JobOutcomeOptions {
  /** It is done only when what is wanted has proved stable. */
  readonly untilStable?: boolean;
  /** What is in the way of its cluster is in its own. */
  readonly cluster?: WatchedCluster | undefined;
}

export function jobOutcome(job: WatchedJob, options: JobOutcomeOptions = {}): Outcome {
  const { untilStable = false, cluster } = options;
  const { wanted, status } = job;
  if (wanted === undefined || status?.version !== wanted.version) return going;
  const { phase, waitsFor, conditions } = status;
  const needsHelp = conditions.some(({ reason }) => jobHindrances.has(reason));
  const passing = conditions.filter(({ reason }) => passingHindrances.has(reason));
  if (waitsFor !== '' && !needsHelp && waitsForCluster(job) && cluster !== undefined) {
    return { ...clusterOutcome(cluster), isDone: false };
  }
  if (waitsFor !== '') return hindered(needsHelp ? conditions : passing, () => needsHelp);
  switch (phase) {
    case flink.FlinkJobPhase.FLINK_JOB_PHASE_FINISHED:
      return finished(job);
    case flink.FlinkJobPhase.FLINK_JOB_PHASE_STOPPED:
      return wanted.spec?.suspended ? done : going;
    case flink.FlinkJobPhase.FLINK_JOB_PHASE_RUNNING:
      return running(job, untilStable);
    default:
      return going;
  }
}

/** Whether a job waits for its JobManager or for slots. */
export function waitsForCluster({ status }: WatchedJob): boolean {
  return status?.conditions.some(({ reason }) => ofCluster.has(reason)) ?? false;
}

function running({ name, wanted, status }: WatchedJob, untilStable: boolean): Outcome {
  if (wanted?.spec?.suspended) return going;
  if (!isSameProgram(wanted?.spec, status?.deployed?.spec)) {
    const message = `Version ${wanted?.version} of job ${name} did not become stable, and is not tried again: the last stable one runs instead. Change it, or go back with 'tessera flink job rollback ${name}'.`;
    return lasting('ROLLED_BACK', message);
  }
  if (untilStable && !isSameProgram(wanted?.spec, status?.stableSpec)) return going;
  return done;
}

/** Its state is gone with its end: what is changed afterwards is another job. */
function finished({ name, wanted, status }: WatchedJob): Outcome {
  if (isSameProgram(wanted?.spec, status?.deployed?.spec)) return done;
  const message = `Job ${name} has come to its end by itself and is not started again, whatever is changed. Delete it, and apply it again.`;
  return lasting('JOB_FINISHED', message);
}

/** Whether two specs are of the same program in the same way, running or not, and whatever looks after its size. */
export function isSameProgram(
  a: flink.FlinkJobSpec | undefined,
  b: flink.FlinkJobSpec | undefined,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  return diffResources([comparable(a)], [comparable(b)]).length === 0;
}

function comparable(spec: flink.FlinkJobSpec) {
  const running = { ...spec, suspended: false, scaling: undefined };
  return flinkJobFromProto(flink.FlinkJob.fromPartial({ name: 'flink-jobs/j', spec: running }));
}

function hindered(
  conditions: readonly flink.FlinkCondition[],
  isLasting: (first: flink.FlinkCondition) => boolean,
): Outcome {
  const [first] = conditions;
  if (first === undefined) return going;
  const message = told(conditions.map((one) => one.message));
  return {
    isDone: false,
    hindrance: { reason: first.reason, message, isLasting: isLasting(first) },
  };
}

/** As sentences, without those that another one tells as well: what a job was given up for is in why it was. */
function told(messages: readonly string[]): string {
  const news = messages.filter((one, i) => {
    return !messages.some((other, j) => i !== j && other.includes(one) && (other !== one || j < i));
  });
  return news.map((one) => (/[.!?]$/.test(one) ? one : `${one}.`)).join(' ');
}

/** Id of the cluster that a job is wanted on, or was last. */
export function clusterOfJob({ wanted, status }: WatchedJob): string {
  return resourceIdOf(wanted?.spec?.cluster ?? status?.deployed?.spec?.cluster ?? '');
}
