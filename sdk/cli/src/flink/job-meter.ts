import type { FlinkRestClient, JobDetails, JobVertex } from '@tessera/flink-rest';

/** How much a job does, measured between two looks at its counters. */

/** What was read of a running job at one time. What was not reported is absent, never zero. */
export interface JobSample {
  /** By the JobManager's clock. */
  readonly atMs: number;
  /** Another one after each restart: counters begin anew. */
  readonly run: string;
  /** Of the widest vertex. */
  readonly parallelism: number;
  /** Vertices of one group share slots. */
  readonly slots: number;
  /** Records that sources have read. */
  readonly read?: number;
  /** Records that have come to the last vertices. */
  readonly arrived?: number;
  /** Records that wait in front of sources. */
  readonly lag?: number;
  /** Milliseconds that each vertex was busy, its subtasks together. */
  readonly busyMs: ReadonlyMap<string, { readonly ms: number; readonly parallelism: number }>;
  /** Milliseconds that all subtasks were busy, idle or held back: they stand still only where nothing is reported. */
  readonly livedMs?: number;
}

export interface JobRates {
  readonly inPerSecond?: number;
  readonly outPerSecond?: number;
  /** Of the busiest vertex, from 0 to 1. */
  readonly busy?: number;
  /** Present: tasks have not reported since the look so long ago, and what is known is of then. Milliseconds. */
  readonly ratesAgeMs?: number;
}

/** The newest sample in which tasks have told something new, and the rates until then. */
export interface Measured {
  readonly told: JobSample;
  readonly rates: JobRates;
}

/** @throws TesseraError FLINK_UNREACHABLE, FLINK_NOT_FOUND, … */
export async function sampleJob(
  rest: FlinkRestClient,
  jobId: string,
  signal: AbortSignal,
): Promise<JobSample> {
  const job = await rest.job(jobId, signal);
  const sources = job.vertices.filter(({ inputs }) => inputs.length === 0);
  const outputs = await Promise.all(sources.map((one) => sampleSource(rest, jobId, one, signal)));
  const read = sum(outputs.map((one) => one.read));
  const lags = outputs.map((one) => one.lag).filter((lag) => lag !== undefined);
  const lived = job.vertices.flatMap(({ totals: { busyMs, idleMs, backpressuredMs } }) =>
    [busyMs, idleMs, backpressuredMs].filter((ms) => ms !== undefined),
  );
  const arrived = arrivedAt(job) ?? (job.vertices.length === sources.length ? read : undefined);
  return {
    atMs: job.nowMs,
    run: `${jobId} ${job.reachedAtMs.RUNNING ?? 0}`,
    parallelism: Math.max(0, ...job.vertices.map(({ parallelism }) => parallelism)),
    slots: slotsOf(job.vertices),
    ...(read !== undefined && { read }),
    ...(arrived !== undefined && { arrived }),
    ...(lags.length > 0 && { lag: lags.reduce((total, lag) => total + lag, 0) }),
    ...(lived.length > 0 && { livedMs: lived.reduce((total, ms) => total + ms, 0) }),
    busyMs: new Map(
      job.vertices.flatMap(({ id, parallelism, totals: { busyMs } }) =>
        busyMs === undefined ? [] : [[id, { ms: busyMs, parallelism }] as const],
      ),
    ),
  };
}

/** What is known after one more sample. Of tasks that have told nothing new the rates stay as they were, with their age: they are not zero. */
export function measured(before: Measured | undefined, now: JobSample): Measured {
  if (before === undefined || !isRepeated(before.told, now)) {
    return { told: now, rates: ratesOf(before?.told, now) };
  }
  const { told, rates } = before;
  return { told, rates: { ...rates, ratesAgeMs: now.atMs - told.atMs } };
}

function isRepeated(before: JobSample, now: JobSample): boolean {
  if (before.run !== now.run || before.livedMs !== now.livedMs) return false;
  return before.read === now.read && before.arrived === now.arrived;
}

/** What a job did from one sample to a later one. Nothing is known when it was restarted between them. */
export function ratesOf(before: JobSample | undefined, now: JobSample): JobRates {
  if (before === undefined || before.run !== now.run || now.atMs <= before.atMs) return {};
  const passedMs = now.atMs - before.atMs;
  const perSecond = (from: number | undefined, to: number | undefined) => {
    const isKnown = from !== undefined && to !== undefined && to >= from;
    return isKnown ? ((to - from) * 1000) / passedMs : undefined;
  };
  const [inPerSecond, outPerSecond] = [
    perSecond(before.read, now.read),
    perSecond(before.arrived, now.arrived),
  ];
  const shares = [...now.busyMs].flatMap(([id, { ms, parallelism }]) => {
    const was = before.busyMs.get(id);
    if (was === undefined || was.parallelism !== parallelism || ms < was.ms) return [];
    return [Math.min(1, (ms - was.ms) / (passedMs * Math.max(1, parallelism)))];
  });
  return {
    ...(inPerSecond !== undefined && { inPerSecond }),
    ...(outPerSecond !== undefined && { outPerSecond }),
    ...(shares.length > 0 && { busy: Math.max(...shares) }),
  };
}

/** Counts of all subtasks of a source, as it tells them itself; a source of another kind hands on what it has read. */
async function sampleSource(
  rest: FlinkRestClient,
  jobId: string,
  { id: vertexId, totals }: JobVertex,
  signal: AbortSignal,
): Promise<{ readonly read: number | undefined; readonly lag: number | undefined }> {
  const names = await rest.metricNames({ kind: 'vertex', jobId, vertexId }, signal);
  const own = new Set(names.map((name) => name.slice(name.indexOf('.') + 1)));
  const lagNames = [...own].filter((name) => /(^|\.)pendingRecords$/.test(name));
  const asked = [...lagNames, ...(own.has('numRecordsIn') ? ['numRecordsIn'] : [])];
  const known =
    asked.length === 0
      ? new Map()
      : await rest.aggregatedMetrics({ jobId, vertexId }, asked, signal);
  const counted: number | undefined = known.get('numRecordsIn')?.sum;
  const read = counted !== undefined && counted > 0 ? counted : totals.recordsOut;
  return { read, lag: sum(lagNames.map((name) => known.get(name)?.sum)) };
}

/** Over the vertices that nothing reads from and that read from others. */
function arrivedAt({ vertices }: JobDetails): number | undefined {
  const inner = new Set(vertices.flatMap(({ inputs }) => inputs.map(({ vertexId }) => vertexId)));
  const last = vertices.filter(({ id, inputs }) => inputs.length > 0 && !inner.has(id));
  return sum(last.map(({ totals }) => totals.recordsIn));
}

function slotsOf(vertices: readonly JobVertex[]): number {
  const widest = new Map<string, number>();
  for (const { slotSharingGroupId = '', parallelism } of vertices) {
    widest.set(slotSharingGroupId, Math.max(widest.get(slotSharingGroupId) ?? 0, parallelism));
  }
  return [...widest.values()].reduce((total, slots) => total + slots, 0);
}

/** `undefined` when there is none, or one of them is not known. */
function sum(values: readonly (number | undefined)[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce(
    (total, value) => (total === undefined || value === undefined ? undefined : total + value),
    0,
  );
}
