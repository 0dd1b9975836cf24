import { z } from 'zod';

const minute = 60_000;

/** Options of Flink's autoscaler by their own names, with its defaults. Durations are milliseconds. */
export const flinkAutoscalerConfig = z.strictObject({
  metricsWindowMs: z
    .number()
    .positive()
    .default(15 * minute),
  stabilizationIntervalMs: z
    .number()
    .min(0)
    .default(5 * minute),
  scaleDownIntervalMs: z
    .number()
    .min(0)
    .default(60 * minute),
  utilizationTarget: z.number().gt(0).lte(1).default(0.7),
  /** Absent: the target plus 0.3. */
  utilizationMax: z.number().optional(),
  /** Absent: the target less 0.3. */
  utilizationMin: z.number().optional(),
  scaleDownMaxFactor: z.number().min(0).max(1).default(0.6),
  scaleUpMaxFactor: z.number().positive().default(100_000),
  catchUpDurationMs: z
    .number()
    .min(0)
    .default(30 * minute),
  restartTimeMs: z
    .number()
    .min(0)
    .default(5 * minute),
  restartTimeTracking: z.boolean().default(false),
  restartTimeLimitMs: z.number().default(15 * minute),
  backlogLagThresholdMs: z.number().default(5 * minute),
  observedRateLagThresholdMs: z.number().default(30_000),
  observedRateSwitchThreshold: z.number().default(0.15),
  observedRateMinObservations: z.number().int().default(2),
  effectivenessDetection: z.boolean().default(false),
  effectivenessThreshold: z.number().default(0.1),
  gcPressureThreshold: z.number().default(1),
  heapUsageThreshold: z.number().default(1),
  historyMaxCount: z.number().int().default(3),
  historyMaxAgeMs: z.number().default(24 * 60 * minute),
  observedScalability: z.boolean().default(false),
  observedScalabilityMinObservations: z.number().int().default(3),
  observedScalabilityCoefficientMin: z.number().default(0.5),
  alignment: z.enum(['BALANCED', 'EVENLY_SPREAD', 'OFF']).default('BALANCED'),
});

export type FlinkAutoscalerConfig = z.infer<typeof flinkAutoscalerConfig>;

/** What the autoscaler's documentation sets in its basic example. */
export const documentedExample: FlinkAutoscalerConfig = flinkAutoscalerConfig.parse({
  metricsWindowMs: 5 * minute,
  stabilizationIntervalMs: minute,
  utilizationTarget: 0.6,
  utilizationMax: 0.8,
  utilizationMin: 0.4,
  restartTimeMs: 2 * minute,
  catchUpDurationMs: 5 * minute,
});
