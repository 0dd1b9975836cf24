import type { JobSample, VertexSample } from './sample.ts';

/**
 * Samples that say something. Left out are those of a collector that repeats itself (counters that stand still while
 * tasks say that they are busy) and counters that go back; a vertex whose gauges are all zero without
 * a counter beside them reports nothing yet, and is left out of its sample. So is a metric that is
 * negative or beyond what can be counted. `last` is the sample before; a counter that was missing in it is compared
 * with the one before that, where `fresh` has it.
 */
export function usableSamples(
  last: JobSample | undefined,
  fresh: readonly JobSample[],
): readonly JobSample[] {
  const usable: JobSample[] = [];
  let before = last;
  for (const sample of fresh) {
    if (!Number.isFinite(sample.timeMs)) continue;
    const comparable = before?.runningSinceMs === sample.runningSinceMs ? before : undefined;
    if (comparable !== undefined && contradicts(comparable, sample)) continue;
    const vertices = Object.entries(sample.vertices)
      .map(([id, vertex]) => [id, soundMetrics(vertex)] as const)
      .filter(([, vertex]) => !isSilent(vertex));
    const sound = { ...sample, vertices: Object.fromEntries(vertices) };
    before = known(comparable, sound);
    usable.push(sound);
  }
  return usable;
}

/** The newest of each vertex that one attempt of a job reported, with the time of the newest sample. */
export function known(before: JobSample | undefined, now: JobSample): JobSample {
  if (before?.runningSinceMs !== now.runningSinceMs) return now;
  return { ...now, vertices: { ...before.vertices, ...now.vertices } };
}

function contradicts(before: JobSample, now: JobSample): boolean {
  if (now.timeMs <= before.timeMs) return true;
  return Object.entries(now.vertices).some(([id, vertex]) => {
    const earlier = before.vertices[id]?.recordsIn;
    if (earlier === undefined || vertex.recordsIn === undefined) return false;
    const isAtWork = (vertex.busyRatio ?? 0) > 0.01 && (vertex.recordsInPerSecond ?? 1) > 0;
    return vertex.recordsIn < earlier || (vertex.recordsIn === earlier && isAtWork);
  });
}

function isSilent({ recordsIn, busyRatio, recordsInPerSecond }: VertexSample): boolean {
  return recordsIn === undefined && (busyRatio ?? 0) === 0 && (recordsInPerSecond ?? 0) === 0;
}

function soundMetrics(vertex: VertexSample): VertexSample {
  if (isAllSound(vertex)) return vertex;
  return Object.fromEntries(Object.entries(vertex).filter(([, value]) => isSound(value)));
}

/** Asked of every sample, so nothing is made for it. */
function isAllSound(vertex: VertexSample): boolean {
  for (const key in vertex) {
    if (!isSound(vertex[key as keyof VertexSample]!)) return false;
  }
  return true;
}

const isSound = (value: number): boolean => value >= 0 && value <= Number.MAX_SAFE_INTEGER;
