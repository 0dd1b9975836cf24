import type { AggregatedMetric, JobDetails, JobVertex } from '@tessera/flink-rest';
import type { FlinkRest } from '../flink/job-manager.ts';

/** What tasks count, as one look finds it. What is not reported is absent. */
export interface RawVertex {
  readonly recordsIn?: number;
  readonly recordsOut?: number;
  /** Of all subtasks together. */
  readonly busyMs?: number;
  /** Of the subtask that has most. */
  readonly mostBusyMs?: number;
  readonly mostBackpressuredMs?: number;
  /** How long all subtasks together were busy, idle or held back: it stands still only where nothing is reported any more. */
  readonly livedMs?: number;
  readonly recordsInPerSecond?: number;
  readonly lagRecords?: number;
  readonly largestShare?: number;
}

export type RawMetrics = Readonly<Record<string, RawVertex>>;

/** Flink's gauges of how busy a task is are means of a minute; these are counters. */
const counters = {
  busy: 'accumulateBusyTimeMs',
  backpressured: 'accumulateBackPressuredTimeMs',
  idle: 'accumulateIdleTimeMs',
  recordsIn: 'numRecordsIn',
} as const;
const recordsInPerSecond = 'numRecordsInPerSecond';

/** Fewer records say nothing about how they are spread. */
const tellingRecords = 1_000;

/** Names of metrics of sources, which have the source's own name in them; read once for each execution of a job. */
export interface SourceNames {
  of(vertex: string, read: () => Promise<readonly string[]>): Promise<readonly string[]>;
}

/** All vertices of a job side by side. */
export async function collectMetrics(
  rest: FlinkRest,
  { id: jobId, vertices }: JobDetails,
  names: SourceNames,
  signal: AbortSignal,
): Promise<RawMetrics> {
  const read = vertices.map(async (vertex) => {
    const where = { jobId, vertexId: vertex.id };
    const own =
      vertex.inputs.length > 0
        ? []
        : await names.of(vertex.id, () => rest.aggregatedMetricNames(where, signal));
    const source = sourceMetrics(own);
    const wanted = [...Object.values(counters), recordsInPerSecond, ...Object.values(source)];
    const metrics = await rest.aggregatedMetrics(where, [...new Set(wanted)], signal);
    return [vertex.id, rawVertexOf(vertex, metrics, source)] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

interface SourceMetrics {
  readonly pending?: string;
  readonly recordsIn?: string;
}

/** Such as `Source__orders.pendingRecords`. */
export function sourceMetrics(names: readonly string[]): SourceMetrics {
  const pending = names.find((name) => /(^|\.)pendingRecords$/.test(name));
  const recordsIn = names.find((name) => /^Source__.*\.numRecordsIn$/.test(name));
  return {
    ...(pending !== undefined && { pending }),
    ...(recordsIn !== undefined && { recordsIn }),
  };
}

export function rawVertexOf(
  { totals, inputs, parallelism }: JobVertex,
  metrics: ReadonlyMap<string, AggregatedMetric>,
  source: SourceMetrics,
): RawVertex {
  const sum = (name: string | undefined) =>
    name === undefined ? undefined : metrics.get(name)?.sum;
  const isSource = inputs.length === 0;
  const recordsIn = isSource
    ? readBy(sum(source.recordsIn), totals.recordsOut || undefined)
    : totals.recordsIn;
  const share = isSource || parallelism < 2 ? undefined : shareOf(metrics.get(counters.recordsIn));
  return defined({
    recordsIn,
    recordsOut: totals.recordsOut,
    busyMs: totals.busyMs,
    mostBusyMs: metrics.get(counters.busy)?.max,
    mostBackpressuredMs: metrics.get(counters.backpressured)?.max,
    livedMs: livedMsOf(metrics),
    recordsInPerSecond: isSource ? undefined : sum(recordsInPerSecond),
    lagRecords: sum(source.pending),
    largestShare: share,
  });
}

/** Sources of the old kind do not say how busy they are. */
function livedMsOf(metrics: ReadonlyMap<string, AggregatedMetric>): number | undefined {
  const [busy, ...others] = [counters.busy, counters.idle, counters.backpressured].map(
    (name) => metrics.get(name)?.sum,
  );
  return busy === undefined ? undefined : others.reduce<number>((all, ms = 0) => all + ms, busy);
}

/**
 * Over channels a source takes in nothing: what it reads is a metric of its own, or else what it hands on. A reader that does not use Flink's
 * own base counts nothing there, and says 0 whatever it reads.
 */
function readBy(counted: number | undefined, handedOn: number | undefined): number | undefined {
  return counted === undefined || counted === 0 ? (handedOn ?? counted) : counted;
}

function shareOf(records: AggregatedMetric | undefined): number | undefined {
  if (records === undefined || records.sum < tellingRecords) return undefined;
  return records.max / records.sum;
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as Defined<T>;
}
