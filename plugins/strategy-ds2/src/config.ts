import { z } from 'zod';

export const ds2Config = z.strictObject({
  /** Metrics that a decision goes by, and the time between two. */
  policyIntervalMs: z.number().positive().default(60_000),
  /** Intervals after each start that are not looked at. */
  warmUpIntervals: z.number().int().min(0).default(2),
  /** Decisions whose median is taken before it is acted upon. */
  activationTime: z.number().int().min(1).max(100).default(1),
  /** Share of capacity to add on top. */
  scalingFactor: z.number().min(0).default(0),
});

export type Ds2Config = z.infer<typeof ds2Config>;
