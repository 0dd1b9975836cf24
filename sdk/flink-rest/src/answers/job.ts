import { z } from 'zod';
import { failureOf } from '../http/failure.ts';

const count = z.number().int().nonnegative();
const jobStates = [
  'INITIALIZING',
  'CREATED',
  'RUNNING',
  'RESTARTING',
  'FAILING',
  'CANCELLING',
  'FAILED',
  'CANCELED',
  'FINISHED',
  'SUSPENDED',
  'RECONCILING',
] as const;
const taskStates = [
  'CREATED',
  'SCHEDULED',
  'DEPLOYING',
  'INITIALIZING',
  'RUNNING',
  'FINISHED',
  'CANCELING',
  'CANCELED',
  'FAILED',
  'RECONCILING',
] as const;

export type JobState = (typeof jobStates)[number];
export type TaskState = (typeof taskStates)[number];
export type TaskCounts = Readonly<Partial<Record<TaskState, number>>>;

const jobState = z.enum(jobStates);
const taskState = z.enum(taskStates);
const taskCounts = z.partialRecord(taskState, count);

/** Flink says -1 for a time that has not come, and 0 for one that is not known. */
const time = z.number().transform((at) => (at > 0 ? at : undefined));

/** Times are milliseconds since 1970 by the JobManager's clock. */
export interface JobSummary {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly changedAtMs: number | undefined;
  /** It has no checkpoints, and its parallelism is not changed in place. */
  readonly isBatch?: boolean;
}

export const jobsAnswer: z.ZodType<readonly JobSummary[]> = z
  .object({
    jobs: z.array(
      z.object({
        jid: z.string(),
        name: z.string(),
        state: jobState,
        'start-time': time,
        'end-time': time,
        'last-modification': time,
        jobType: z.string().nullish(),
      }),
    ),
  })
  .transform(({ jobs }) =>
    jobs.map((job) => ({
      id: job.jid,
      name: job.name,
      state: job.state,
      startedAtMs: job['start-time'],
      endedAtMs: job['end-time'],
      changedAtMs: job['last-modification'],
      isBatch: job.jobType === 'BATCH',
    })),
  );

export interface JobDetails {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  /** The JobManager's clock when it answered. */
  readonly nowMs: number;
  /** When the job last came into each state. A state that it never was in has none. */
  readonly reachedAtMs: Readonly<Partial<Record<JobState, number>>>;
  /** From sources to sinks. Empty while the job initialises. */
  readonly vertices: readonly JobVertex[];
}

export interface JobVertex {
  readonly id: string;
  readonly name: string;
  /** Subtasks that it has at present. */
  readonly parallelism: number;
  readonly maxParallelism: number;
  readonly state: TaskState;
  /** How many of its subtasks are in each state. */
  readonly tasks: TaskCounts;
  readonly startedAtMs: number | undefined;
  /** Vertices of one group share slots. */
  readonly slotSharingGroupId: string | undefined;
  readonly totals: VertexTotals;
  /** Vertices that it reads from. A source has none. */
  readonly inputs: readonly VertexInput[];
}

/**
 * Over all subtasks since the present attempt of each began, as far as the JobManager has heard; what not all of them have reported is absent. Records are those that come and go over channels: a source takes in
 * none, a sink hands on none.
 */
export interface VertexTotals {
  readonly recordsIn: number | undefined;
  readonly recordsOut: number | undefined;
  readonly busyMs: number | undefined;
  readonly idleMs: number | undefined;
  readonly backpressuredMs: number | undefined;
}

export interface VertexInput {
  readonly vertexId: string;
  /** How records are spread over subtasks, such as `HASH`, `FORWARD` or `REBALANCE`. */
  readonly shipStrategy: string | undefined;
}

/** `NaN` is a text in JSON: a task that cannot say how busy it is. */
const milliseconds = z
  .union([z.number(), z.literal('NaN')])
  .transform((value) => (value === 'NaN' ? undefined : value));

const noTimes = { busyMs: undefined, idleMs: undefined, backpressuredMs: undefined };

function timesOf(metrics: {
  readonly 'accumulated-busy-time': number | undefined;
  readonly 'accumulated-idle-time': number | undefined;
  readonly 'accumulated-backpressured-time': number | undefined;
}) {
  return {
    busyMs: metrics['accumulated-busy-time'],
    idleMs: metrics['accumulated-idle-time'],
    backpressuredMs: metrics['accumulated-backpressured-time'],
  };
}

const vertexTotals = z
  .object({
    'read-records': count,
    'read-records-complete': z.boolean(),
    'write-records': count,
    'write-records-complete': z.boolean(),
    'accumulated-busy-time': milliseconds,
    'accumulated-idle-time': milliseconds,
    'accumulated-backpressured-time': milliseconds,
  })
  .transform(
    (metrics): VertexTotals => ({
      recordsIn: metrics['read-records-complete'] ? metrics['read-records'] : undefined,
      recordsOut: metrics['write-records-complete'] ? metrics['write-records'] : undefined,
      // Zero until subtasks have reported, as records are; of those it is told.
      ...(metrics['read-records-complete'] ? timesOf(metrics) : noTimes),
    }),
  );

const planNode = z.object({
  id: z.string(),
  inputs: z.array(z.object({ id: z.string(), ship_strategy: z.string().optional() })).optional(),
});

export const jobDetailsAnswer: z.ZodType<JobDetails> = z
  .object({
    jid: z.string(),
    name: z.string(),
    state: jobState,
    'start-time': time,
    'end-time': time,
    now: z.number(),
    timestamps: z.partialRecord(jobState, z.number()),
    vertices: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        parallelism: count,
        maxParallelism: z.number(),
        status: taskState,
        tasks: taskCounts,
        'start-time': time,
        slotSharingGroupId: z.string().nullish(),
        metrics: vertexTotals,
      }),
    ),
    plan: z.object({ nodes: z.array(planNode).optional() }).optional(),
  })
  .transform((job) => {
    const inputs = new Map(job.plan?.nodes?.map((node) => [node.id, node.inputs ?? []]));
    const reached = Object.entries(job.timestamps).filter(([, at]) => at > 0);
    return {
      id: job.jid,
      name: job.name,
      state: job.state,
      startedAtMs: job['start-time'],
      endedAtMs: job['end-time'],
      nowMs: job.now,
      reachedAtMs: Object.fromEntries(reached),
      vertices: job.vertices.map((vertex) => ({
        id: vertex.id,
        name: vertex.name,
        parallelism: vertex.parallelism,
        maxParallelism: vertex.maxParallelism,
        state: vertex.status,
        tasks: vertex.tasks,
        startedAtMs: vertex['start-time'],
        slotSharingGroupId: vertex.slotSharingGroupId ?? undefined,
        totals: vertex.metrics,
        inputs: (inputs.get(vertex.id) ?? []).map((input) => ({
          vertexId: input.id,
          shipStrategy: input.ship_strategy,
        })),
      })),
    };
  });

export interface Subtask {
  readonly index: number;
  readonly state: TaskState;
  /** Counts from 0 and grows with each restart. */
  readonly attempt: number;
  readonly startedAtMs: number | undefined;
  readonly taskManagerId: string | undefined;
}

export const subtasksAnswer: z.ZodType<readonly Subtask[]> = z
  .object({
    subtasks: z.array(
      z.object({
        subtask: count,
        status: taskState,
        attempt: count,
        'start-time': time,
        'taskmanager-id': z.string().optional(),
      }),
    ),
  })
  .transform(({ subtasks }) =>
    subtasks.map((subtask) => ({
      index: subtask.subtask,
      state: subtask.status,
      attempt: subtask.attempt,
      startedAtMs: subtask['start-time'],
      taskManagerId: subtask['taskmanager-id'],
    })),
  );

/** A failure that the job went through, or ended with. */
export interface JobException {
  /** A class of Java. */
  readonly name: string;
  readonly stackTrace: string;
  /** What it comes from, in one line. */
  readonly cause: string;
  readonly atMs: number;
  /** Absent: the failure was not of a task. */
  readonly taskName: string | undefined;
  readonly taskManagerId: string | undefined;
}

export const exceptionsAnswer: z.ZodType<readonly JobException[]> = z
  .object({
    exceptionHistory: z.object({
      entries: z.array(
        z.object({
          exceptionName: z.string(),
          stacktrace: z.string(),
          timestamp: z.number(),
          taskName: z.string().nullish(),
          taskManagerId: z.string().nullish(),
        }),
      ),
    }),
  })
  .transform(({ exceptionHistory }) =>
    exceptionHistory.entries.map((entry) => ({
      name: entry.exceptionName,
      stackTrace: entry.stacktrace,
      cause: failureOf([entry.stacktrace]),
      atMs: entry.timestamp,
      taskName: entry.taskName ?? undefined,
      taskManagerId: entry.taskManagerId ?? undefined,
    })),
  );

/** What a job has failed by, in one line; `undefined`: it has not. */
export const resultAnswer: z.ZodType<string | undefined> = z
  .object({
    'job-execution-result': z
      .object({ 'failure-cause': z.object({ 'stack-trace': z.string() }).nullish() })
      .nullish(),
  })
  .transform((answer) => {
    const cause = answer['job-execution-result']?.['failure-cause'];
    return cause ? failureOf([cause['stack-trace']]) : undefined;
  });
