import type { JobSample, ObservedRescale } from './sample.ts';
import type { JobTopology, Parallelism } from './topology.ts';

/** All that a strategy may know. Recorded as it is, so that a decision can be made again. */
export interface ScalingInput {
  readonly nowMs: number;
  readonly topology: JobTopology;
  /** What the job runs with now. */
  readonly parallelism: Parallelism;
  /** When all tasks of this attempt of the job ran. Samples of earlier attempts tell of another size. */
  readonly runningSinceMs: number;
  /** What came in since the last decision, oldest first; with nothing learned yet, all history there is. */
  readonly samples: readonly JobSample[];
  /** The latest, oldest first. */
  readonly rescales: readonly ObservedRescale[];
  /** The job's objective: no record should wait longer in front of a source. */
  readonly maxLagMs: number;
  /** Slots that could be had beyond those of the job; absent: enough. */
  readonly freeSlots?: number;
}

export interface ScalingDecision<Learned = unknown> {
  readonly action: ScalingAction;
  /** Why, the most important first; at least one. */
  readonly reasons: readonly ScalingReason[];
  readonly forecast?: LoadForecast;
  /** What was compared, the chosen one among it. */
  readonly options: readonly ScalingOption[];
  /** Handed back with the next input. Survives JSON unchanged. */
  readonly learned: Learned;
}

export type ScalingAction =
  | { readonly kind: 'hold' }
  /** Every vertex of the topology has its parallelism in it. */
  | { readonly kind: 'rescale'; readonly parallelism: Parallelism };

export interface ScalingReason {
  /** Stable, for example `METRICS_MISSING`. */
  readonly code: string;
  readonly message: string;
  readonly vertex?: string;
}

/** Records per second into all sources together: for each quantile the mean from now until the end of each step. */
export interface LoadForecast {
  readonly stepMs: number;
  readonly quantiles: readonly { readonly quantile: number; readonly rates: readonly number[] }[];
  /** Which models it comes from, and how much each counts. */
  readonly weights: Readonly<Record<string, number>>;
}

export interface ScalingOption {
  readonly parallelism: Parallelism;
  readonly slots: number;
  /** In slot-hours over the time that was looked ahead; of strategies that weigh costs. */
  readonly cost?: { readonly slots: number; readonly rescale: number; readonly lag: number };
  /** The longest a record is expected to wait, by the cautious quantile of the forecast. */
  readonly maxLagMs?: number;
  readonly chosen: boolean;
  /** Why not, of what was not chosen. */
  readonly rejected?: string;
}
