import { z } from 'zod';
import { failureOf } from '../http/failure.ts';

const count = z.number().int().nonnegative();

/** What a JobManager knows of the checkpoints of a job, its savepoints included. It forgets them when it is restarted. */
export interface Checkpoints {
  readonly completed: number;
  readonly failed: number;
  readonly inProgress: number;
  /** How often the job was restored by this JobManager, its restarts included. */
  readonly restored: number;
  /** When it was restored last, by its clock. Absent: never. */
  readonly restoredAtMs: number | undefined;
  /** The newest ones first. Flink keeps few of them, 10 unless configured. */
  readonly history: readonly Checkpoint[];
  readonly latestCompleted: Checkpoint | undefined;
  readonly latestSavepoint: Checkpoint | undefined;
  readonly latestFailed: Checkpoint | undefined;
}

export interface Checkpoint {
  readonly id: number;
  readonly status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  readonly isSavepoint: boolean;
  readonly triggeredAtMs: number;
  readonly durationMs: number;
  readonly stateBytes: number;
  /** A URI. Absent while it is not complete. */
  readonly path: string | undefined;
  /** Its files were deleted, since later ones are there. */
  readonly isDiscarded: boolean;
  /** Why it failed. */
  readonly failure: string | undefined;
}

const checkpoint = z
  .object({
    id: count,
    status: z.enum(['IN_PROGRESS', 'COMPLETED', 'FAILED']),
    is_savepoint: z.boolean(),
    trigger_timestamp: z.number(),
    end_to_end_duration: z.number(),
    state_size: z.number(),
    external_path: z.string().nullish(),
    discarded: z.boolean().optional(),
    failure_message: z.string().nullish(),
  })
  .transform(
    (answer): Checkpoint => ({
      id: answer.id,
      status: answer.status,
      isSavepoint: answer.is_savepoint,
      triggeredAtMs: answer.trigger_timestamp,
      durationMs: answer.end_to_end_duration,
      stateBytes: answer.state_size,
      path: answer.external_path ?? undefined,
      isDiscarded: answer.discarded ?? false,
      failure: answer.failure_message ?? undefined,
    }),
  );

export const checkpointsAnswer: z.ZodType<Checkpoints> = z
  .object({
    counts: z.object({ completed: count, failed: count, in_progress: count, restored: count }),
    latest: z.object({
      completed: checkpoint.nullish(),
      savepoint: checkpoint.nullish(),
      failed: checkpoint.nullish(),
      restored: z.object({ restore_timestamp: z.number() }).nullish(),
    }),
    history: z.array(checkpoint),
  })
  .transform(({ counts, latest, history }) => ({
    completed: counts.completed,
    failed: counts.failed,
    inProgress: counts.in_progress,
    restored: counts.restored,
    restoredAtMs: latest.restored?.restore_timestamp,
    history,
    latestCompleted: latest.completed ?? undefined,
    latestSavepoint: latest.savepoint ?? undefined,
    latestFailed: latest.failed ?? undefined,
  }));

export const triggerAnswer: z.ZodType<string> = z
  .object({ 'request-id': z.string() })
  .transform((answer) => answer['request-id']);

/** How far a savepoint is that was asked for. */
export type Savepoint =
  | { readonly status: 'IN_PROGRESS' }
  | { readonly status: 'COMPLETED'; readonly path: string }
  | { readonly status: 'FAILED'; readonly failure: string };

const failureCause = z.object({ 'stack-trace': z.string() });

export const savepointAnswer: z.ZodType<Savepoint> = z
  .object({
    status: z.object({ id: z.enum(['IN_PROGRESS', 'COMPLETED']) }),
    operation: z
      .union([
        z.object({ 'failure-cause': failureCause }),
        z.object({ location: z.string() }),
        z.null(),
      ])
      .optional(),
  })
  .transform(({ status, operation }, context): Savepoint => {
    if (status.id === 'IN_PROGRESS') return { status: 'IN_PROGRESS' };
    if (operation && 'location' in operation) {
      return { status: 'COMPLETED', path: operation.location };
    }
    if (operation) {
      return { status: 'FAILED', failure: failureOf([operation['failure-cause']['stack-trace']]) };
    }
    context.addIssue('a savepoint that is complete has neither a location nor a failure');
    return z.NEVER;
  });
