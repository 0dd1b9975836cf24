import type { FlinkAutoscalerConfig } from './config.ts';

/** What is asked of a vertex, in records per second. */
export interface VertexLoad {
  readonly targetRate: number;
  readonly catchUpRate: number;
}

/** Processing rate that a vertex needs for a load at a utilisation, and so as to catch up with a restart. */
export function requiredRate(
  { targetRate, catchUpRate }: VertexLoad,
  utilization: number,
  restartMs: number,
  catchUpMs: number,
): number {
  const share = Math.min(1, Math.max(0, utilization));
  if (share === 0) return Infinity;
  const restart = catchUpMs > 0 ? (targetRate * restartMs) / catchUpMs : 0;
  return Math.round(catchUpRate + restart + targetRate / share);
}

/** Rates between which a vertex is left as it is. */
export interface RateBounds {
  readonly scaleUpBelow: number;
  readonly scaleDownAbove: number;
}

export function rateBounds(
  load: VertexLoad,
  processingBacklog: boolean,
  restartMs: number,
  config: FlinkAutoscalerConfig,
): RateBounds {
  const { utilizationTarget: target, catchUpDurationMs } = config;
  const max = processingBacklog ? 1 : (config.utilizationMax ?? target + 0.3);
  const min = processingBacklog ? 0 : (config.utilizationMin ?? target - 0.3);
  return {
    scaleUpBelow: requiredRate(load, max, 0, catchUpDurationMs),
    scaleDownAbove: requiredRate(load, min, restartMs, catchUpDurationMs),
  };
}

export interface SizedVertex {
  readonly parallelism: number;
  readonly scaleFactor: number;
}

/** Subtasks that the processing rate of today asks for, linearly, before alignment and bounds. */
export function linearParallelism(
  load: VertexLoad,
  { parallelism, trueRate }: { readonly parallelism: number; readonly trueRate: number },
  restartMs: number,
  scalability: number,
  config: FlinkAutoscalerConfig,
): SizedVertex {
  const wanted = requiredRate(load, config.utilizationTarget, restartMs, config.catchUpDurationMs);
  const factor = wanted / trueRate / scalability;
  const scaleFactor = Math.min(
    1 + config.scaleUpMaxFactor,
    Math.max(1 - config.scaleDownMaxFactor, factor),
  );
  // Without the rounding 0.4 x 10 would be 4.000000000000001 and end as 5.
  const exact = Number((scaleFactor * parallelism).toPrecision(12));
  return { parallelism: Math.ceil(exact), scaleFactor };
}
