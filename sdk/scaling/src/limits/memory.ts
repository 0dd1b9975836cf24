import type { Parallelism } from '../topology.ts';

/** What limits remember from one decision to the next. Plain data, bounded. */
export interface LimitsMemory {
  /** How the job did lately, oldest first. */
  readonly marks: readonly Mark[];
  /** When the newest rescale began that was taken note of. */
  readonly lastRescaleMs: number;
  /** The newest rescale, until it is known whether it made things worse; then, if it did, until it is taken back. */
  readonly trial?: Trial;
  /** Sizes that made things worse. */
  readonly avoided: readonly AvoidedSize[];
  /** Failures of the strategy in a row, and when it is asked again. */
  readonly failures: number;
  readonly askAgainMs: number;
}

/** Sums over all sources at one time. */
export interface Mark {
  readonly timeMs: number;
  readonly runningSinceMs: number;
  /** Records read since the attempt began. */
  readonly read: number;
  /** Records that wait. */
  readonly waiting: number;
}

/** How a job did over some minutes, in records per second. */
export interface Performance {
  readonly readPerSecond: number;
  /** Negative while a backlog is worked off. */
  readonly lagPerSecond: number;
}

export interface Trial {
  readonly from: Parallelism;
  readonly to: Parallelism;
  /** Absent: metrics did not tell. */
  readonly before?: Performance;
  /** When it was found to have made things worse. */
  readonly worseMs?: number;
}

export interface AvoidedSize {
  readonly parallelism: Parallelism;
  /** Which way the job went to it. */
  readonly direction: 'up' | 'down';
  readonly untilMs: number;
}

export const nothingRemembered: LimitsMemory = {
  marks: [],
  lastRescaleMs: Number.MIN_SAFE_INTEGER,
  avoided: [],
  failures: 0,
  askAgainMs: Number.MIN_SAFE_INTEGER,
};
