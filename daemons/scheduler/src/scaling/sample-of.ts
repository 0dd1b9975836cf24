import type { JobSample, VertexSample } from '@tessera/scaling';
import type { RawMetrics, RawVertex } from './collect-metrics.ts';
import type { RunningAttempt } from './track-attempt.ts';

/** What was counted at one time of one execution of a job. */
export interface Reading {
  readonly timeMs: number;
  readonly attempt: string;
  readonly vertices: RawMetrics;
}

/** How busy tasks are is taken from counters at least so far apart, where there are such. */
const spanMs = 2_000;
const mostReadings = 8;

/** The last readings, of one execution only. */
export function withReading(before: readonly Reading[], now: Reading): readonly Reading[] {
  return [...before.filter(({ attempt }) => attempt === now.attempt), now].slice(-mostReadings);
}

/** The newest reading as a sample; ratios are those since an earlier one, and absent without. None when it only repeats the earlier one: a job whose metrics have stopped looks like one without load. */
export function sampleOf(
  readings: readonly Reading[],
  { sinceMs, parallelism }: RunningAttempt,
): JobSample | undefined {
  const now = readings.at(-1);
  if (now === undefined) return undefined;
  const earlier = earlierOf(readings);
  if (earlier !== undefined && silentSince(earlier, now).length > 0) return undefined;
  const vertices = Object.entries(now.vertices).map(([id, vertex]) => {
    const before = earlier?.vertices[id];
    const passedMs = now.timeMs - (earlier?.timeMs ?? now.timeMs);
    return [id, vertexSampleOf(vertex, before, passedMs)] as const;
  });
  return {
    timeMs: now.timeMs,
    runningSinceMs: sinceMs,
    parallelism,
    vertices: Object.fromEntries(vertices),
  };
}

/** When each vertex was heard last of which nothing new is reported, by id. */
export type SilentVertices = Readonly<Record<string, number>>;

/** @param before what was silent at the reading before the newest one */
export function silentVertices(
  readings: readonly Reading[],
  before: SilentVertices = {},
): SilentVertices {
  const earlier = earlierOf(readings);
  if (earlier === undefined) return {};
  const silent = silentSince(earlier, readings.at(-1)!);
  return Object.fromEntries(silent.map((id) => [id, before[id] ?? earlier.timeMs]));
}

/** What the newest reading is compared with. */
function earlierOf(readings: readonly Reading[]): Reading | undefined {
  const now = readings.at(-1);
  if (now === undefined || readings.length < 2) return undefined;
  return readings.findLast(({ timeMs }) => timeMs <= now.timeMs - spanMs) ?? readings[0];
}

/** Vertices of which nothing new was reported. */
function silentSince({ vertices: before }: Reading, { vertices }: Reading): readonly string[] {
  return Object.keys(vertices).filter((id) => {
    const [earlierMs, livedMs] = [before[id]?.livedMs, vertices[id]!.livedMs];
    return livedMs !== undefined && earlierMs !== undefined && livedMs <= earlierMs;
  });
}

function vertexSampleOf(
  { mostBusyMs, mostBackpressuredMs, livedMs: _, ...counted }: RawVertex,
  before: RawVertex | undefined,
  passedMs: number,
): VertexSample {
  const busyRatio = ratio(before?.mostBusyMs, mostBusyMs, passedMs);
  const backpressuredRatio = ratio(before?.mostBackpressuredMs, mostBackpressuredMs, passedMs);
  return {
    ...counted,
    ...(busyRatio !== undefined && { busyRatio }),
    ...(backpressuredRatio !== undefined && { backpressuredRatio }),
  };
}

function ratio(
  before: number | undefined,
  now: number | undefined,
  passedMs: number,
): number | undefined {
  if (before === undefined || now === undefined || passedMs <= 0 || now < before) return undefined;
  return Math.min(1, (now - before) / passedMs);
}
