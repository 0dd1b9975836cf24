import type { FlinkAutoscalerConfig } from './config.ts';

/** What a vertex could do at some parallelism, as it was scaled. */
export interface ScalingRecord {
  readonly timeMs: number;
  readonly from: number;
  readonly to: number;
  /** Records per second that it could take in before, and should be able to afterwards. */
  readonly trueRate: number;
  readonly expectedRate: number;
}

/**
 * How much of linear scaling a vertex has shown, 1 for all of it: least squares through the rate per subtask at its
 * smallest parallelism. With too few records 1.
 */
export function observedScalability(
  records: readonly ScalingRecord[],
  config: FlinkAutoscalerConfig,
): number {
  const enough = records.length >= config.observedScalabilityMinObservations;
  if (!config.observedScalability || !enough) return 1;
  const smallest = records.reduce((a, b) => (b.from < a.from ? b : a));
  const perSubtask = smallest.trueRate / smallest.from;
  let products = 0;
  let squares = 0;
  for (const { from, trueRate } of records) {
    products += from * trueRate;
    squares += from * from;
  }
  const alpha = products / (squares * perSubtask);
  if (!Number.isFinite(alpha)) return 1;
  const rounded = Math.ceil(alpha * 100) / 100;
  return Math.min(1, Math.max(config.observedScalabilityCoefficientMin, rounded));
}

/** Whether the last scale up gave too little of what it should have given. */
export function wasIneffective(
  records: readonly ScalingRecord[],
  trueRateNow: number,
  config: FlinkAutoscalerConfig,
): boolean {
  const last = records.at(-1);
  if (!config.effectivenessDetection || last === undefined || last.to <= last.from) return false;
  const gain = (trueRateNow - last.trueRate) / (last.expectedRate - last.trueRate);
  return gain < config.effectivenessThreshold;
}
