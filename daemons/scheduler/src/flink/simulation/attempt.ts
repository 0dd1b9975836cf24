import type { JobState, JobSummary, RunJar } from '@tessera/flink-rest';
import { steady } from '../../scaling/scripted.ts';
import type { Machine, Running } from './machine.ts';
import { refusal } from './machine.ts';

/** One attempt of a job on one run of a JobManager. */
export interface Attempt {
  readonly id: string;
  /** Of which job it is, by the argument that its program was given. */
  readonly job: string;
  readonly configuration: Readonly<Record<string, string>>;
  state: JobState;
  /** What it may have at most, and what it has of each TaskManager's run. */
  upperBound: number;
  slots: Map<Running, number>;
  areTasksReady: boolean;
  /** When it was given its slots. */
  deployedMs: number;
  /** Records read; what a checkpoint covers is committed to the sink. */
  progress: number;
  /** What its source counts: records read, and those that wait in front of it. */
  read: number;
  waiting: number;
  checkpoints: number;
  /** Since it was restarted last. */
  unbroken: number;
  restarts: number;
  stop: AskedSavepoint | undefined;
  /** A savepoint that is being made while it goes on. */
  requested: AskedSavepoint | undefined;
}

export interface AskedSavepoint {
  readonly triggerId: string;
  readonly folder: string;
}

export interface Savepoint {
  readonly status: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  readonly path?: string;
}

export interface JobManager {
  readonly machine: Machine;
  readonly process: Running;
  readonly attempts: Map<string, Attempt>;
  readonly savepoints: Map<string, Savepoint>;
}

export const slotsEach = 2;
/** The name of the resource; what follows tells those of one name apart. */
export function nameOf(job: string): string {
  return job.split('#')[0]!;
}

export function isAlive({ state }: Attempt): boolean {
  return state !== 'FAILED' && state !== 'CANCELED' && state !== 'FINISHED';
}

export function known({ attempts }: JobManager, jobId: string): Attempt {
  const attempt = attempts.get(jobId);
  if (attempt === undefined) throw refusal('FLINK_NOT_FOUND');
  return attempt;
}

export function usedSlots({ attempts }: JobManager, process: Running): number {
  return [...attempts.values()]
    .filter(isAlive)
    .reduce((sum, { slots }) => sum + (slots.get(process) ?? 0), 0);
}

/** Subtasks on all its TaskManagers. */
export function widthOf({ slots }: Pick<Attempt, 'slots'>): number {
  return [...slots.values()].reduce((sum, own) => sum + own, 0);
}

export function summaryOf({ id, state }: Attempt): JobSummary {
  const times = { startedAtMs: 1, endedAtMs: undefined, changedAtMs: 1 };
  return { id, name: id, state, ...times };
}

/** What its only vertex is to have. */
export function sizeOf({ configuration = {}, parallelism = 1 }: RunJar): number {
  const override = configuration['pipeline.jobvertex-parallelism-overrides'];
  return override === undefined ? parallelism : Number(override.split(':')[1]);
}

export function metricsOf({ read, waiting }: Attempt, nowMs: number) {
  const counted = {
    ...steady('source', nowMs),
    ...{ 'Source__s.numRecordsIn': read, 'Source__s.pendingRecords': waiting },
  };
  return new Map(Object.entries(counted).map(([id, sum]) => [id, { sum, max: sum }]));
}

export function detailsOf({ slots, areTasksReady, ...attempt }: Attempt, nowMs: number) {
  const parallelism = Math.max(1, widthOf({ slots }));
  const tasks = { RUNNING: areTasksReady ? parallelism : 0 };
  return {
    ...summaryOf({ ...attempt, slots, areTasksReady }),
    nowMs,
    vertices: [
      {
        ...{ id: 'v', name: 'v', parallelism, maxParallelism: 24, tasks, inputs: [] },
        ...{ startedAtMs: attempt.deployedMs, slotSharingGroupId: 'all' },
        totals: { recordsIn: nowMs, recordsOut: nowMs, busyMs: (nowMs / 2) * parallelism },
      },
    ],
  } as never;
}
