import {
  counterRate,
  gaugeMean,
  isSource,
  type JobEdge,
  type JobSample,
  type JobTopology,
  latest,
} from '@tessera/scaling';
import type { VertexLoad } from './capacity-formula.ts';
import type { FlinkAutoscalerConfig } from './config.ts';

/** A vertex as a window of metrics shows it. */
export interface EvaluatedVertex extends VertexLoad {
  /** Records per second that it could take in; infinite when it took none. */
  readonly trueRate: number;
}

export interface Evaluation {
  readonly vertices: ReadonlyMap<string, EvaluatedVertex>;
  /** Some source is further behind than it may be to be thought of as keeping up. */
  readonly processingBacklog: boolean;
  /** Vertices whose metrics are missing. */
  readonly missing: readonly string[];
}

/**
 * Rates of every vertex in a window. `observedRates` are those of sources at times when they had a
 * backlog and so worked as fast as they could.
 */
export function evaluate(
  topology: JobTopology,
  samples: readonly JobSample[],
  observedRates: Readonly<Record<string, readonly number[]>>,
  config: FlinkAutoscalerConfig,
): Evaluation {
  const window = new MetricWindow(topology, samples);
  const vertices = new Map<string, EvaluatedVertex>();
  const missing: string[] = [];
  let processingBacklog = false;
  for (const { id } of topology.vertices) {
    const source = isSource(topology, id);
    const load = source ? window.sourceLoad(id, config) : window.derivedLoad(id, vertices);
    const trueRate = trueRateOf(window, id, source, observedRates[id] ?? [], config);
    if (load === undefined || trueRate === undefined) {
      missing.push(id);
      continue;
    }
    vertices.set(id, { ...load, trueRate });
    if (source) processingBacklog ||= window.isBehind(id, config);
  }
  return { vertices, processingBacklog, missing };
}

/** A source's rate at this moment, if it is so far behind that it works as fast as it can. */
export function observedRate(
  samples: readonly JobSample[],
  id: string,
  config: FlinkAutoscalerConfig,
): number | undefined {
  const rate = latest(samples, id, (vertex) => vertex.recordsInPerSecond);
  const lag = latest(samples, id, (vertex) => vertex.lagRecords);
  const blocked = gaugeMean(samples, id, (vertex) => vertex.backpressuredRatio) ?? 0;
  if (rate === undefined || lag === undefined || rate === 0 || blocked >= 1) return undefined;
  if (lag < (config.observedRateLagThresholdMs / 1000) * rate) return undefined;
  return rate / (1 - blocked);
}

function trueRateOf(
  window: MetricWindow,
  id: string,
  source: boolean,
  observed: readonly number[],
  config: FlinkAutoscalerConfig,
): number | undefined {
  const busy = window.busyRate(id, source);
  if (observed.length < config.observedRateMinObservations) return busy;
  const mean = observed.reduce((sum, each) => sum + each, 0) / observed.length;
  if (busy === undefined) return undefined;
  const switched = busy > mean * (1 + config.observedRateSwitchThreshold);
  return switched ? mean : busy;
}

class MetricWindow {
  readonly #topology: JobTopology;
  readonly #samples: readonly JobSample[];

  constructor(topology: JobTopology, samples: readonly JobSample[]) {
    this.#topology = topology;
    this.#samples = samples;
  }

  rateIn(id: string): number | undefined {
    return counterRate(this.#samples, id, (vertex) => vertex.recordsIn);
  }

  rateOut(id: string): number | undefined {
    return counterRate(this.#samples, id, (vertex) => vertex.recordsOut);
  }

  /** What arrives in front of a source, and what it needs to work off what waits there. */
  sourceLoad(id: string, { catchUpDurationMs }: FlinkAutoscalerConfig): VertexLoad | undefined {
    const rate = this.rateIn(id);
    if (rate === undefined) return undefined;
    const growth = counterRate(this.#samples, id, (vertex) => vertex.lagRecords) ?? 0;
    const lag = latest(this.#samples, id, (vertex) => vertex.lagRecords) ?? 0;
    const catchUpRate = catchUpDurationMs > 0 ? (lag * 1000) / catchUpDurationMs : 0;
    return { targetRate: Math.max(0, rate + growth), catchUpRate };
  }

  /** What the vertices before it will send. */
  derivedLoad(id: string, upstream: ReadonlyMap<string, VertexLoad>): VertexLoad | undefined {
    let targetRate = 0;
    let catchUpRate = 0;
    for (const edge of this.#topology.edges.filter(({ to }) => to === id)) {
      const from = upstream.get(edge.from);
      const ratio = this.#outputRatio(edge);
      if (from === undefined || ratio === undefined) return undefined;
      targetRate += from.targetRate * ratio;
      catchUpRate += from.catchUpRate * ratio;
    }
    return { targetRate, catchUpRate };
  }

  /** Records that `to` gets for each that `from` takes in. */
  #outputRatio(edge: JobEdge): number | undefined {
    const rateFrom = this.rateIn(edge.from);
    if (rateFrom === 0) return 0;
    const rate = this.#edgeRate(edge);
    if (rateFrom === undefined || rate === undefined) return undefined;
    return rate / rateFrom;
  }

  #edgeRate({ from, to }: JobEdge): number | undefined {
    const inputs = this.#topology.edges.filter((edge) => edge.to === to);
    const rate = this.rateIn(to);
    if (inputs.length === 1) return rate;
    const others = inputs.filter((edge) => edge.from !== from);
    const single = (id: string) =>
      this.#topology.edges.filter((edge) => edge.from === id).length === 1;
    if (rate === undefined || !others.every((edge) => single(edge.from))) return this.rateOut(from);
    let left = rate;
    for (const other of others) left -= this.rateOut(other.from) ?? 0;
    return Math.max(0, left);
  }

  /** Records per second over the busy share of the busiest subtask. */
  busyRate(id: string, source: boolean): number | undefined {
    const busy = gaugeMean(this.#samples, id, (vertex) => vertex.busyRatio);
    if (busy === undefined) return undefined;
    const gauge = source
      ? undefined
      : gaugeMean(this.#samples, id, (vertex) => vertex.recordsInPerSecond);
    const rate = gauge ?? this.rateIn(id);
    if (rate === undefined) return undefined;
    return rate === 0 || busy === 0 ? Infinity : rate / busy;
  }

  isBehind(id: string, { backlogLagThresholdMs }: FlinkAutoscalerConfig): boolean {
    const lag = latest(this.#samples, id, (vertex) => vertex.lagRecords) ?? 0;
    const rate = this.rateIn(id) ?? 0;
    if (lag === 0) return false;
    return rate === 0 || lag / rate > backlogLagThresholdMs / 1000;
  }
}
