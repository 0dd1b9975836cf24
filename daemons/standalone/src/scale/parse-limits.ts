import { defaultLimits, type ScalingLimits, weekDays, windowFault } from '@tessera/scaling';
import { z } from 'zod';
import { scaleOptionInvalid } from './errors.ts';

const count = z.number().int().min(1);
const duration = z.number().min(0);

const window = z
  .strictObject({
    name: z.string().min(1),
    rule: z.enum(['freeze', 'noScaleDown', 'only']),
    timeZone: z.string().default('UTC'),
    days: z.array(z.enum(weekDays)).optional(),
    from: z.string(),
    to: z.string(),
  })
  .superRefine((value, context) => {
    const fault = windowFault(defined(value));
    if (fault !== undefined) context.addIssue(fault);
  });

const defaults = defaultLimits;

/** Limits as a file has them; what it leaves out is as usual. */
const limitsShape = z.strictObject({
  bounds: z
    .strictObject({
      minParallelism: count.optional(),
      maxParallelism: count.optional(),
      maxSlots: count.optional(),
      vertices: z
        .record(z.string(), z.strictObject({ min: count.optional(), max: count.optional() }))
        .optional(),
    })
    .default({}),
  cooldown: z
    .strictObject({
      beforeUpMs: duration.default(defaults.cooldown.beforeUpMs),
      beforeDownMs: duration.default(defaults.cooldown.beforeDownMs),
    })
    .prefault({}),
  windows: z.array(window).max(100).default([]),
  rollback: z
    .strictObject({
      enabled: z.boolean().default(defaults.rollback.enabled),
      stabilizationMs: duration.default(defaults.rollback.stabilizationMs),
      windowMs: duration.default(defaults.rollback.windowMs),
      tolerance: z.number().min(0).max(1).default(defaults.rollback.tolerance),
      avoidMs: duration.default(defaults.rollback.avoidMs),
    })
    .prefault({}),
});

/** @throws SCALE_OPTION_INVALID with every wrong setting. */
export function parseLimits(file: string, value: unknown): ScalingLimits {
  const parsed = limitsShape.safeParse(value);
  if (parsed.success) return defined(parsed.data);
  const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw scaleOptionInvalid(file, faults.join('; '));
}

type Defined<T> = T extends readonly (infer Each)[]
  ? readonly Defined<Each>[]
  : T extends object
    ? { readonly [K in keyof T]: Defined<Exclude<T[K], undefined>> }
    : T;

/** What is optional is absent, not undefined: zod leaves out what was not given. */
const defined = <T>(value: T): Defined<T> => value as Defined<T>;
