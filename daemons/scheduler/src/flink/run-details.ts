import type { ObservedRun } from '@tessera/flink';
import { AskedFor } from './asked-for.ts';

/** What is asked for each job by itself. */
export interface RunDetails
  extends Pick<
    ObservedRun,
    | 'parallelism'
    | 'vertices'
    | 'subtasks'
    | 'checkpoints'
    | 'unbrokenCheckpoints'
    | 'checkpointsFail'
    | 'restarts'
  > {
  /** As Flink counts them. Absent: it does not say. */
  readonly countedRestarts?: number;
  /** Those that have come to their end are not waited for. */
  readonly allTasksRun: boolean;
}

/** How old may be what is known of a job that has proved stable and is as it is wanted. */
const settledMs = 10_000;

/**
 * Details of runs as they were read last, so that hundreds of jobs of which nothing is wanted cost one call for all of them. Whether a job runs, restarts or has ended is not among them.
 */
export class KnownDetails {
  readonly #nowMs: () => number;
  readonly #known = new AskedFor<{ readonly readMs: number; readonly details: RunDetails }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** @param key of one attempt on one run of a JobManager */
  async of(key: string, isSettled: boolean, read: () => Promise<RunDetails>): Promise<RunDetails> {
    const known = this.#known.get(key);
    const nowMs = this.#nowMs();
    if (isSettled && known !== undefined && nowMs - known.readMs < settledMs) return known.details;
    const details = await read();
    this.#known.set(key, { readMs: nowMs, details });
    return details;
  }

  /** Forgets what was not asked for since this was called last. */
  forgetUnasked(): void {
    this.#known.forgetUnasked();
  }
}
