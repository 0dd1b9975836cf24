import type { ScalingAction, ScalingReason } from '../decision.ts';
import type { Parallelism } from '../topology.ts';
import type { MaintenanceWindow } from './maintenance-windows.ts';
import type { LimitsMemory } from './memory.ts';

/** What holds around every strategy, whichever a job has. Plain data, recorded with each decision. */
export interface ScalingLimits {
  readonly bounds: ScalingBounds;
  readonly cooldown: Cooldown;
  /** At most 100. */
  readonly windows: readonly MaintenanceWindow[];
  readonly rollback: RollbackRules;
}

/** Narrower than those of the vertices themselves, or the same. All included. */
export interface ScalingBounds {
  /** Of the job: subtasks of each vertex. */
  readonly minParallelism?: number;
  readonly maxParallelism?: number;
  /** Slots of the job. */
  readonly maxSlots?: number;
  /** Of single vertices, by id; they count beside those of the job. */
  readonly vertices?: Readonly<Record<string, VertexBounds>>;
}

export interface VertexBounds {
  readonly min?: number;
  readonly max?: number;
}

/** How long after the end of a rescale there is no other. */
export interface Cooldown {
  readonly beforeUpMs: number;
  readonly beforeDownMs: number;
}

/** When a rescale counts as one that made things worse, and what follows. */
export interface RollbackRules {
  readonly enabled: boolean;
  /** After all tasks run, for so long nothing is judged. */
  readonly stabilizationMs: number;
  /** What is compared: so long before the rescale, and so long after the stabilization. */
  readonly windowMs: number;
  /** Share by which the job may read less than before. */
  readonly tolerance: number;
  /** For so long the same size is not tried again. */
  readonly avoidMs: number;
}

const minuteMs = 60_000;

export const defaultLimits: ScalingLimits = {
  bounds: {},
  cooldown: { beforeUpMs: minuteMs, beforeDownMs: 5 * minuteMs },
  windows: [],
  rollback: {
    enabled: true,
    stabilizationMs: 2 * minuteMs,
    windowMs: 3 * minuteMs,
    tolerance: 0.1,
    avoidMs: 60 * minuteMs,
  },
};

/** Of jobs that are rescaled where they run: that takes seconds, so that the next one may follow soon. */
export const inPlaceLimits: ScalingLimits = {
  ...defaultLimits,
  cooldown: { beforeUpMs: 10_000, beforeDownMs: 30_000 },
};

/** Every wish of a strategy that Flink can carry out is. */
export const noLimits: ScalingLimits = {
  bounds: {},
  cooldown: { beforeUpMs: 0, beforeDownMs: 0 },
  windows: [],
  rollback: { ...defaultLimits.rollback, enabled: false },
};

/** A rescale that was begun and has not ended. */
export interface RescaleInFlight {
  readonly startedMs: number;
  readonly to: Parallelism;
}

/** The job's share of a quota, as `shareQuota` gives it. */
export interface QuotaShare {
  readonly quota: string;
  readonly slots: number;
}

/** What one limit did to what was wanted. */
export interface LimitEffect {
  /** Held back: nothing is done for now. Changed: something else is done than was wanted. */
  readonly kind: 'held' | 'changed';
  /** Stable. */
  readonly code: LimitCode;
  readonly message: string;
  readonly vertex?: string;
  /** When the same may be asked with another answer, where that is known. */
  readonly untilMs?: number;
}

export type LimitCode =
  | 'RESCALE_IN_FLIGHT'
  | 'ROLLED_BACK'
  | 'TARGET_AVOIDED'
  | 'VERTEX_BOUNDS'
  | 'JOB_SLOTS'
  | 'QUOTA'
  | 'CAPACITY'
  | 'COOLDOWN'
  | 'MAINTENANCE_WINDOW'
  | 'VETOED'
  | 'VETO_FAILED';

/** What is to be done, after all limits, and what they did. */
export interface LimitedDecision {
  readonly action: ScalingAction;
  readonly effects: readonly LimitEffect[];
  /** Why the strategy's answer does not count, where it does not. */
  readonly condition?: ScalingReason;
  /** Handed back with the next decision. Survives JSON unchanged. */
  readonly memory: LimitsMemory;
}
