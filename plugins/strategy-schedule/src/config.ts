import { z } from 'zod';

const dayNames = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

const plan = z.strictObject({
  /** Days of the week, in UTC; absent: every day. */
  days: z.array(z.enum(dayNames)).nonempty().optional(),
  /** Time of the day in UTC. */
  at: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time such as 07:30'),
  /** Subtasks from then on: of every vertex, or by vertex id. */
  parallelism: z.union([
    z.number().int().positive(),
    z.record(z.string(), z.number().int().positive()),
  ]),
});

export const scheduleConfig = z.strictObject({
  /** What holds is the plan whose time came last. */
  plans: z.array(plan).min(1).max(100),
});

export type Plan = z.infer<typeof plan>;
export type ScheduleConfig = z.infer<typeof scheduleConfig>;

/** Minutes since Sunday 00:00 UTC at which a plan begins to hold. */
export function startsOf({ days, at }: Plan): readonly number[] {
  const [hour, minute] = at.split(':').map(Number);
  return (days ?? dayNames).map((day) => dayNames.indexOf(day) * 1440 + hour! * 60 + minute!);
}
