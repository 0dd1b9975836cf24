import type { JobDetails } from '@tessera/flink-rest';
import { type ObservedRescale, type Parallelism, sameParallelism } from '@tessera/scaling';
import { parallelismOf } from './topology.ts';

/** Which execution of a job runs, and how those before it gave way to it. Each rescale and each restart begins another one. */
export interface Attempt {
  /** Absent: none was seen with all its tasks running. */
  readonly running?: RunningAttempt;
  /** All of its tasks ran when it was looked at last. */
  readonly isRunning: boolean;
  /** The latest, oldest first. */
  readonly rescales: readonly ObservedRescale[];
}

export interface RunningAttempt {
  readonly key: string;
  readonly parallelism: Parallelism;
  /** When all its tasks ran. */
  readonly sinceMs: number;
  /** When that was seen last. */
  readonly lastSeenMs: number;
}

const mostRescales = 20;

export const noAttempt: Attempt = { isRunning: false, rescales: [] };

/** Takes note of what a JobManager says now, by the clock of who looks: clocks of hosts may differ. */
export function trackAttempt(before: Attempt, details: JobDetails, nowMs: number): Attempt {
  if (!allTasksRun(details)) return { ...before, isRunning: false };
  const key = keyOf(details);
  const { running } = before;
  if (running?.key === key) {
    return { ...before, isRunning: true, running: { ...running, lastSeenMs: nowMs } };
  }
  const parallelism = parallelismOf(details);
  const sinceMs = running === undefined ? nowMs - ageMs(details) : nowMs;
  return {
    isRunning: true,
    running: { key, parallelism, sinceMs, lastSeenMs: nowMs },
    rescales: [...before.rescales, ...rescaleOf(running, parallelism, nowMs)].slice(-mostRescales),
  };
}

/** A source that found no split after a rescale has finished, and the job runs. */
function allTasksRun({ state, vertices }: JobDetails): boolean {
  if (state !== 'RUNNING' || vertices.length === 0) return false;
  return vertices.every(({ tasks: { RUNNING = 0, FINISHED = 0 }, parallelism }) => {
    return RUNNING + FINISHED === parallelism;
  });
}

const startedMs = ({ vertices }: JobDetails): number =>
  Math.max(0, ...vertices.map(({ startedAtMs = 0 }) => startedAtMs));

const keyOf = (details: JobDetails): string => `${details.id}/${startedMs(details)}`;

/** How long it has run, by the JobManager's own clock. */
const ageMs = (details: JobDetails): number => Math.max(0, details.nowMs - startedMs(details));

/** A restart at the same size is no rescale. */
function rescaleOf(
  before: RunningAttempt | undefined,
  to: Parallelism,
  nowMs: number,
): readonly ObservedRescale[] {
  if (before === undefined || sameParallelism(before.parallelism, to)) return [];
  const { lastSeenMs: startedMs, parallelism: from } = before;
  return [{ startedMs, downtimeMs: nowMs - startedMs, from, to }];
}
