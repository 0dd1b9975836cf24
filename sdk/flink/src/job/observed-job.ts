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
}

export interface ObservedJobManager {
  /** Another one after each start. */
  readonly run: string;
  /** The attempts that it knows, by job id, those that have ended included. */
  readonly jobs: ReadonlyMap<string, ObservedRun>;
  /** Savepoints that were asked for, by trigger id. */
  readonly savepoints: ReadonlyMap<string, SavepointProgress>;
}

export interface ObservedRun {
  readonly state: RunState;
  /** Of its widest vertex, as it is wanted now. */
  readonly parallelism: number;
  /** Checkpoints that this attempt has completed. */
  readonly checkpoints: number;
  /** Restarts that Flink made by itself. */
  readonly restarts: number;
  readonly isLagGrowing: boolean;
  readonly ageMs: number;
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

export type SavepointProgress = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';

export function hasEnded({ state }: ObservedRun): boolean {
  return state === 'FAILED' || state === 'CANCELED' || state === 'FINISHED';
}
