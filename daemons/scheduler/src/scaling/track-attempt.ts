import type { JobDetails } from '@tessera/flink-rest';
import { type ObservedRescale, type Parallelism, sameParallelism } from '@tessera/scaling';
import { parallelismOf } from './topology.ts';

/** Which execution of a job runs, and how those before it gave way to it. Each rescale and each restart begins another one. */
export interface Attempt {
  /** Absent: none was seen with all its tasks running. */
  readonly running?: RunningAttempt;
  /** What ran when whoever looked before this term, or before the job was stopped, wrote it down last. */
  readonly earlier?: RunningAttempt;
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
/** A job that was not seen running for longer was stopped, or scaled by nobody: that is no rescale. */
const mostDowntimeMs = 300_000;

export const noAttempt: Attempt = { isRunning: false, rescales: [] };

/** Takes note of what a JobManager says now, by the clock of who looks: clocks of hosts may differ. */
export function trackAttempt(before: Attempt, details: JobDetails, nowMs: number): Attempt {
  if (!allTasksRun(details)) return { ...before, isRunning: false };
  const key = keyOf(details);
  const { running: last = before.earlier, rescales } = before;
  if (last?.key === key) {
    const sinceMs = Math.min(last.sinceMs, nowMs);
    return { isRunning: true, running: { ...last, sinceMs, lastSeenMs: nowMs }, rescales };
  }
  const parallelism = parallelismOf(details);
  const sinceMs = before.running === undefined ? nowMs - ageMs(details) : nowMs;
  return {
    isRunning: true,
    running: { key, parallelism, sinceMs, lastSeenMs: nowMs },
    rescales: [...rescales, ...rescaleOf(last, parallelism, sinceMs)].slice(-mostRescales),
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

/** A restart at the same size is no rescale, nor is one of another program. */
function rescaleOf(
  before: RunningAttempt | undefined,
  to: Parallelism,
  sinceMs: number,
): readonly ObservedRescale[] {
  if (before === undefined) return [];
  const { lastSeenMs: startedMs, parallelism: from } = before;
  const downtimeMs = Math.max(0, sinceMs - startedMs);
  const isKnown = haveSameVertices(from, to) && downtimeMs <= mostDowntimeMs;
  return isKnown && !sameParallelism(from, to) ? [{ startedMs, downtimeMs, from, to }] : [];
}

function haveSameVertices(one: Parallelism, other: Parallelism): boolean {
  const ids = Object.keys(one);
  return ids.length === Object.keys(other).length && ids.every((id) => other[id] !== undefined);
}
