import { z } from 'zod';
import { atMost, text, timeSpan } from './schema-parts.ts';

const packageName = text.regex(
  /^(@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/,
  'must be the name of a package, such as @tessera/strategy-forecast',
);
/** Of a plugin itself, which says what is wrong with them. */
const options = z.record(z.string(), z.json());
const subtasks = z.int().min(1, 'must be at least 1').max(32_768, 'must be at most 32768');
const clock = text.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 07:30');

const bounds = z
  .strictObject({
    minParallelism: subtasks.optional(),
    maxParallelism: subtasks.optional(),
    maxSlots: subtasks.optional(),
    vertices: z
      .record(
        text,
        z.strictObject({ min: subtasks.optional(), max: subtasks.optional() }).superRefine(upright),
      )
      .optional(),
  })
  .superRefine(({ minParallelism: min, maxParallelism: max }, context) => {
    upright({ min, max }, context, 'minParallelism', 'maxParallelism');
  });

const maintenanceWindow = z.strictObject({
  name: text,
  rule: z.enum(['freeze', 'noScaleDown', 'only']),
  timeZone: text.optional(),
  days: z
    .array(z.enum(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']))
    .min(1, 'must not be empty; leave it out for every day')
    .optional(),
  from: clock,
  to: clock,
});

/** How a job is kept the right size, as users write it. */
export const flinkScaling = z.strictObject({
  paused: z.boolean().optional(),
  strategy: packageName.optional(),
  options: options.optional(),
  maxLag: timeSpan.optional(),
  priority: z.int32().optional(),
  bounds: bounds.optional(),
  cooldownBeforeUp: timeSpan.optional(),
  cooldownBeforeDown: timeSpan.optional(),
  windows: z.array(maintenanceWindow).max(100, atMost(100)).optional(),
  rollback: z
    .strictObject({
      enabled: z.boolean().optional(),
      stabilization: timeSpan.optional(),
      window: timeSpan.optional(),
      tolerance: z.number().min(0, 'must be 0 to 1').max(1, 'must be 0 to 1').optional(),
      avoid: timeSpan.optional(),
    })
    .optional(),
  vetoes: z
    .array(z.strictObject({ veto: packageName, options: options.optional() }))
    .max(10, atMost(10))
    .optional(),
});

/** The least is not more than the most. */
function upright(
  { min, max }: { readonly min?: number | undefined; readonly max?: number | undefined },
  context: z.RefinementCtx,
  least = 'min',
  most = 'max',
): void {
  if (min === undefined || max === undefined || min <= max) return;
  const message = `must not be more than ${most}`;
  context.addIssue({ code: 'custom', path: [least], input: min, message });
}
