import { z } from 'zod';

/** Times, and what a rescale costs, are those of a job that is sampled each ten seconds or more slowly: see `paceOf`. */
export const forecastConfig = z.strictObject({
  /** What a rescale is worth avoiding for, in slot-hours, beside the slots that stand still meanwhile. */
  rescaleCost: z.number().min(0).default(3),
  /** What each second costs in which records wait longer than the job's objective, in slot-hours. */
  lateSecondCost: z.number().min(0).default(0.05),
  /** Share of the objective that plans may use up while a change is digested; the rest is for what they do not foresee. */
  lagBudget: z.number().gt(0).lte(1).default(0.6),
  /** Share of it that they may use up in the long run. */
  calmLagBudget: z.number().gt(0).lte(1).default(0.15),
  /** How long before records would be late a change is made. */
  leadMs: z.number().min(0).default(180_000),
  /** How long a change must do without another. */
  lastingMs: z.number().min(0).default(600_000),
  /** After a change, none to fewer slots for so long. */
  settleMs: z.number().min(0).default(240_000),
  /** Share of the slots that a change to fewer must save: a restart for less brings more harm than use. */
  leastSaving: z.number().min(0).lt(1).default(0.12),
  /** How far ahead costs are compared. */
  horizonMs: z.number().min(600_000).max(7_200_000).default(7_200_000),
  /** How many times as dear the next change to fewer slots is for each that had to be taken back in the last hours. */
  regret: z.number().min(1).default(3),
  /** Assumed until a rescale has been observed. */
  assumedDowntimeMs: z.number().positive().default(60_000),
});

export type ForecastConfig = z.infer<typeof forecastConfig>;
