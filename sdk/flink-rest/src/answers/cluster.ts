import { z } from 'zod';

const count = z.number().int().nonnegative();

export interface ClusterOverview {
  readonly flinkVersion: string;
  readonly taskManagers: number;
  readonly slots: number;
  readonly freeSlots: number;
  readonly runningJobs: number;
  readonly finishedJobs: number;
  readonly canceledJobs: number;
  readonly failedJobs: number;
}

export const clusterOverviewAnswer: z.ZodType<ClusterOverview> = z
  .object({
    'flink-version': z.string(),
    taskmanagers: count,
    'slots-total': count,
    'slots-available': count,
    'jobs-running': count,
    'jobs-finished': count,
    'jobs-cancelled': count,
    'jobs-failed': count,
  })
  .transform((answer) => ({
    flinkVersion: answer['flink-version'],
    taskManagers: answer.taskmanagers,
    slots: answer['slots-total'],
    freeSlots: answer['slots-available'],
    runningJobs: answer['jobs-running'],
    finishedJobs: answer['jobs-finished'],
    canceledJobs: answer['jobs-cancelled'],
    failedJobs: answer['jobs-failed'],
  }));

export interface TaskManager {
  /** Its `taskmanager.resource-id`. */
  readonly id: string;
  readonly slots: number;
  readonly freeSlots: number;
  /** By the JobManager's clock, milliseconds since 1970. */
  readonly lastHeartbeatAtMs: number;
}

const taskManager = z.object({
  id: z.string(),
  slotsNumber: count,
  freeSlots: count,
  // Named a duration by Flink; it is a point in time.
  timeSinceLastHeartbeat: z.number(),
});

function taskManagerOf(answer: z.output<typeof taskManager>): TaskManager {
  return {
    id: answer.id,
    slots: answer.slotsNumber,
    freeSlots: answer.freeSlots,
    lastHeartbeatAtMs: answer.timeSinceLastHeartbeat,
  };
}

export const taskManagersAnswer: z.ZodType<readonly TaskManager[]> = z
  .object({ taskmanagers: z.array(taskManager) })
  .transform(({ taskmanagers }) => taskmanagers.map(taskManagerOf));

export interface TaskManagerDetails extends TaskManager {
  /** The jobs that its slots are given to, one entry for each slot that is taken. */
  readonly allocatedSlots: readonly { readonly jobId: string }[];
}

export const taskManagerDetailsAnswer: z.ZodType<TaskManagerDetails> = taskManager
  .extend({ allocatedSlots: z.array(z.object({ jobId: z.string() })) })
  .transform((answer) => ({ ...taskManagerOf(answer), allocatedSlots: answer.allocatedSlots }));

/** Keys of the configuration with their values. Flink hides the values of those that look secret. */
export type JobManagerConfiguration = ReadonlyMap<string, string>;

export const configurationAnswer: z.ZodType<JobManagerConfiguration> = z
  .array(z.object({ key: z.string(), value: z.string() }))
  .transform((entries) => new Map(entries.map(({ key, value }) => [key, value])));

export interface JobManagerEnvironment {
  readonly javaVersion: string;
  readonly jvmOptions: readonly string[];
  readonly classpath: readonly string[];
}

export const environmentAnswer: z.ZodType<JobManagerEnvironment> = z
  .object({
    jvm: z.object({ version: z.string(), options: z.array(z.string()) }),
    classpath: z.array(z.string()),
  })
  .transform(({ jvm, classpath }) => ({
    javaVersion: jvm.version,
    jvmOptions: jvm.options,
    classpath,
  }));
