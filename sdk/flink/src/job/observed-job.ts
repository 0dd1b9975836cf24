import type { VertexParallelism } from './job-size.ts';
import type { StatePoint } from './journal.ts';

/** What was seen of a job. It may be old, but it was true once, and later than what was seen before. */
export interface ObservedJob {
  /** Of the cluster. Absent: it does not answer, which says nothing about the job. */
  readonly jobManager?: ObservedJobManager;
  /**
   * The newest complete checkpoint or savepoint of the present attempt in the state directory; `none` when there is none, `unknown` when the directory could not be read.
   */
  readonly newestState: StatePoint | 'none' | 'unknown';
  /** Task slots that the cluster has. */
  readonly slots: number;
  /** Those that the job can have, what it has included: without those that other jobs need. Absent: enough. */
  readonly room?: number;
}

export interface ObservedJobManager {
  /** Another one after each start. */
  readonly run: string;
  /** The attempts that it knows, by job id, those that have ended included, even if only an earlier one has seen that. */
  readonly jobs: ReadonlyMap<string, ObservedRun>;
  /** Savepoints that were asked for, by trigger id. */
  readonly savepoints: ReadonlyMap<string, ObservedSavepoint>;
}

export interface ObservedRun {
  readonly state: RunState;
  /** It has no checkpoints, cannot be rescaled, and begins anew when it is started again. */
  readonly isBatch?: boolean;
  /** Of its widest vertex, as it is wanted now. */
  readonly parallelism: number;
  /** The same of each vertex. Absent: not known now. */
  readonly vertices?: VertexParallelism;
  /** Of its widest vertex, as it runs now. Absent: not known. */
  readonly subtasks?: number;
  /** Flink has refused to change it in place. */
  readonly refusesRescale?: boolean;
  /** Checkpoints that this attempt has completed. */
  readonly checkpoints: number;
  /** Those that were begun after Flink restored it last, of the newest that it keeps. */
  readonly unbrokenCheckpoints: number;
  /** The newest that is over has failed. */
  readonly checkpointsFail?: boolean;
  /** Restarts that Flink made by itself. */
  readonly restarts: number;
  /** Those of the last minutes, since its newest checkpoint. Absent: none are known. */
  readonly lateRestarts?: number;
  /** What waits in front of its sources grows, or it cannot be known yet whether it does. */
  readonly isLagGrowing: boolean;
  readonly ageMs: number;
  /** How long not all of its tasks have been running. Absent: all run, so that a savepoint can be made. */
  readonly unreadyMs?: number;
  /** Why it failed, or is restarted again and again, in words, as far as that is known. */
  readonly failure?: string;
}

export type RunState =
  | 'INITIALIZING'
  | 'CREATED'
  | 'RUNNING'
  | 'RESTARTING'
  | 'FAILING'
  | 'CANCELLING'
  | 'FAILED'
  | 'CANCELED'
  | 'FINISHED';

export interface ObservedSavepoint {
  readonly progress: SavepointProgress;
  /** Of one that is complete, as a URI. */
  readonly path?: string;
  /** Why it failed, in words, as far as that is known. */
  readonly failure?: string;
  /** How long it has been seen so. */
  readonly ageMs: number;
}

export type SavepointProgress = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';

export function hasEnded({ state }: ObservedRun): boolean {
  return state === 'FAILED' || state === 'CANCELED' || state === 'FINISHED';
}
