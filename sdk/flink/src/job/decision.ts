import type { FlinkJobSpec } from '../spec/job-spec.ts';
import type { JobSize } from './job-size.ts';
import type { JobJournal, StatePoint } from './journal.ts';

/** One step at a time. The same step has the same key, however often it is decided. */
export type JobStep =
  | {
      readonly kind: 'submit';
      readonly key: string;
      readonly jobId: string;
      readonly spec: FlinkJobSpec;
      readonly from?: StatePoint;
      /** Vertices begin with it. Absent: with the parallelism of the spec. */
      readonly size?: JobSize;
    }
  | {
      readonly kind: 'stopWithSavepoint';
      readonly key: string;
      readonly jobId: string;
      readonly triggerId: string;
    }
  /** The job goes on meanwhile. */
  | {
      readonly kind: 'savepoint';
      readonly key: string;
      readonly jobId: string;
      readonly triggerId: string;
    }
  | { readonly kind: 'cancel'; readonly key: string; readonly jobId: string }
  | {
      readonly kind: 'rescale';
      readonly key: string;
      readonly jobId: string;
      /** Of vertices that the size does not name. */
      readonly parallelism: number;
      readonly size?: JobSize;
    };

export interface JobDecision {
  /** To be written before the step is taken. */
  readonly journal: JobJournal;
  readonly step?: JobStep;
  /** What has to happen before it goes on, in words. Absent: all is as wanted. */
  readonly waitsFor?: string;
  readonly conditions: readonly JobCondition[];
}

export interface JobCondition {
  readonly reason: JobReason;
  readonly message: string;
}

export type JobReason =
  /** It ran, and no state of it can be found: somebody has to say what to go on from. */
  | 'STATE_UNKNOWN'
  | 'JOBMANAGER_SILENT'
  | 'STATE_DIRECTORY_UNREADABLE'
  | 'SLOTS_SHORT'
  /** It runs with fewer subtasks than it is wanted with. */
  | 'RUNS_SMALLER'
  /** Flink restarts it again and again. */
  | 'JOB_RESTARTING'
  /** An attempt ended in failure, or was cancelled by somebody else. */
  | 'JOB_FAILED'
  | 'JOB_CANCELED_BY_OTHERS'
  | 'JOBMANAGER_LOST'
  | 'SAVEPOINT_FAILED'
  /** The wanted spec did not become stable; the last stable one is back. */
  | 'ROLLED_BACK'
  /** It failed too often. Change the spec to try again. */
  | 'GIVEN_UP';
