import { z } from 'zod';

export const thresholdConfig = z.strictObject({
  /** Share of the time that subtasks should be busy, at the mean. */
  target: z.number().gt(0).lte(1).default(0.7),
  /** Nothing is done while the busy share is within this share of the target. */
  tolerance: z.number().min(0).lt(1).default(0.1),
  /** Metrics that a decision goes by. */
  windowMs: z.number().positive().default(60_000),
  /** Scaling down goes no lower than the highest wish in this time. */
  scaleDownWindowMs: z.number().min(0).default(300_000),
});

export type ThresholdConfig = z.infer<typeof thresholdConfig>;
