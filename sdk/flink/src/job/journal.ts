import type { FlinkJobSpec } from '../spec/job-spec.ts';
import type { JobSize } from './job-size.ts';

/**
 * What is remembered of a job: a write-ahead log. A decision hands back the journal to record and, with it, at most one step; the step is taken only after the journal is written. So whoever comes
 * after a crash knows every step that may have been taken.
 */
export interface JobJournal {
  /** How often it was started. Each attempt has a job id of its own; 0: never. */
  readonly attempt: number;
  readonly phase: JobPhase;
  /** The present attempt, or the last one. Absent: there was none. */
  readonly deployed?: Deployed;
  /** Where the next attempt goes on from. Absent: there is no state yet. */
  readonly restore?: StatePoint;
  /** The last spec that proved stable. */
  readonly stable?: FlinkJobSpec;
  /** Digests of specs that did not become stable: not tried again, unless the job has none other to return to and is changed. */
  readonly rejected: readonly string[];
  /** Attempts of the deployed spec that failed, in a row. */
  readonly failures: number;
  /** What scaling wants of it, and attempts begin with. Absent: every vertex has the parallelism of the spec. */
  readonly size?: JobSize;
  /** What the last attempt that failed did so with, or why a spec was rejected, in words. */
  readonly failure?: string;
  /** The last savepoints that were asked for while it went on, the newest last. Absent: none was. */
  readonly savepoints?: readonly RequestedSavepoint[];
}

/** A savepoint that somebody has asked for. It is nothing that the job goes on from: whoever asked for it may delete it. */
export interface RequestedSavepoint {
  /** What it was asked for by. */
  readonly request: string;
  /** The attempt that it is of. */
  readonly jobId: string;
  readonly outcome: SavepointOutcome;
}

export type SavepointOutcome =
  | { readonly kind: 'in progress' }
  | { readonly kind: 'completed'; readonly path: string }
  | { readonly kind: 'failed'; readonly failure: string };

export interface Deployed {
  readonly jobId: string;
  readonly spec: FlinkJobSpec;
  readonly from?: StatePoint;
  /** A checkpoint of it was seen: then there must be state to go on from. */
  readonly hasState: boolean;
  /** The run of the JobManager that it was handed to: another one knows nothing of it. */
  readonly jobManagerRun: string;
}

export type JobPhase =
  /** Nothing runs. */
  | { readonly kind: 'stopped' }
  /** It was submitted, or is about to be. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'running' }
  /** It is being stopped with a savepoint, or cancelled. */
  | {
      readonly kind: 'stopping';
      readonly by: 'savepoint' | 'cancel';
      /** How many savepoints were tried for this stop. */
      readonly tries: number;
    }
  /** It came to its end by itself, and is not started again: that would be another job. */
  | { readonly kind: 'finished' };

/** A checkpoint or savepoint that is complete. */
export interface StatePoint {
  readonly kind: 'checkpoint' | 'savepoint';
  readonly path: string;
  /** Of the job's checkpoints and savepoints the later one has the higher id, also across restores. */
  readonly id: number;
}

export const emptyJournal: JobJournal = {
  attempt: 0,
  phase: { kind: 'stopped' },
  rejected: [],
  failures: 0,
};
