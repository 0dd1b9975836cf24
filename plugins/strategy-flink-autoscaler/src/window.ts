import { type JobSample, ofAttempt, type ScalingInput, usableSamples } from '@tessera/scaling';
import type { FlinkAutoscalerConfig } from './config.ts';

export interface Window {
  readonly samples: readonly JobSample[];
  /** Why nothing may be decided by it yet. */
  readonly notYet?: 'METRICS_MISSING' | 'STABILIZING' | 'WINDOW_NOT_FULL';
}

/**
 * The samples to decide by, with what is new. After a restart the window begins anew, and is full when it
 * is as long as it should be without the time to stabilise. Time is that of the newest sample.
 */
export function windowOf(
  kept: readonly JobSample[],
  { samples: fresh, runningSinceMs }: ScalingInput,
  { metricsWindowMs, stabilizationIntervalMs }: FlinkAutoscalerConfig,
): Window {
  const all = ofAttempt([...kept, ...usableSamples(kept.at(-1), fresh)], runningSinceMs);
  const last = all.at(-1);
  if (last === undefined || all.length < 2) return { samples: all, notYet: 'METRICS_MISSING' };
  const stableMs = runningSinceMs + stabilizationIntervalMs;
  if (last.timeMs < stableMs) return { samples: all, notYet: 'STABILIZING' };
  const first = all.find(({ timeMs }) => timeMs >= stableMs)!;
  if (last.timeMs < first.timeMs + metricsWindowMs) {
    return { samples: all, notYet: 'WINDOW_NOT_FULL' };
  }
  return { samples: all.filter(({ timeMs }) => timeMs >= last.timeMs - metricsWindowMs) };
}
