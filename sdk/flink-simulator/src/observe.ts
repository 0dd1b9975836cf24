import type { Random } from '@tessera/base';
import type { JobSample, Parallelism, VertexSample } from '@tessera/scaling';
import type { Dataflow } from './dataflow.ts';
import type { SimulatedJob } from './job.ts';
import { gaussian, randomFor } from './noise.ts';

/** How metrics differ from the truth. */
export interface Imperfections {
  /** Of gauges: standard deviation as a share of the value. */
  readonly noise: number;
  /** Counters of all subtasks are not read at one moment. */
  readonly jitterSeconds: number;
  /** Share of samples that are missing, in part or wholly, or zero, or the last ones again. */
  readonly dropout: number;
  /** Seconds from observation until it is known. */
  readonly delaySeconds: number;
  /** Hours from the start during which nothing is reported. */
  readonly outages: readonly (readonly [fromHour: number, toHour: number])[];
}

export interface Observation {
  readonly timeMs: number;
  readonly runningSinceMs: number;
  readonly parallelism: Parallelism;
}

/** Reads the metrics of a dataflow as a collector would. */
export class Observer {
  readonly #job: SimulatedJob;
  readonly #imperfections: Imperfections;
  readonly #random: Random;
  readonly #gaussian: () => number;
  #last: JobSample | undefined;
  /** By vertex, of the run that was read last: how far its counter of busy time was read, and what it showed then. */
  readonly #busy = new Map<number, { readonly readMs: number; readonly shownMs: number }>();
  #runningSinceMs = 0;

  constructor(job: SimulatedJob, imperfections: Imperfections, seed: number) {
    this.#job = job;
    this.#imperfections = imperfections;
    this.#random = randomFor(seed, 'metrics');
    this.#gaussian = gaussian(this.#random);
  }

  /** What is reported, or nothing. */
  read(flow: Dataflow, observation: Observation): JobSample | undefined {
    const { dropout, outages } = this.#imperfections;
    if (observation.runningSinceMs !== this.#runningSinceMs) this.#busy.clear();
    this.#runningSinceMs = observation.runningSinceMs;
    const hour = observation.timeMs / 3_600_000;
    if (outages.some(([from, to]) => hour >= from && hour < to)) return undefined;
    const fault = this.#random.next() < dropout ? this.#random.integer(0, 3) : undefined;
    if (fault === 0) return undefined;
    const sample = { ...observation, vertices: this.#vertices(flow, fault) };
    if (fault === 3 && this.#last?.runningSinceMs === observation.runningSinceMs) {
      return { ...this.#last, timeMs: observation.timeMs };
    }
    this.#last = sample;
    return sample;
  }

  #vertices(flow: Dataflow, fault: number | undefined): Record<string, VertexSample> {
    const vertices: Record<string, VertexSample> = {};
    const late = this.#random.next() * this.#imperfections.jitterSeconds;
    this.#job.vertices.forEach((vertex, v) => {
      const sample = this.#vertex(flow, v, late);
      if (fault === 1 && this.#random.next() < 0.5) return;
      vertices[vertex.id] = fault === 2 ? zeroed(sample) : sample;
    });
    return vertices;
  }

  #vertex(flow: Dataflow, v: number, late: number): VertexSample {
    const { nominalRate, external, busyBias } = this.#job.vertices[v]!;
    const busy = flow.busy[v]!;
    const seen = external === undefined ? busy * (1 - busyBias * (1 - busy)) : busy;
    const busyMs = this.#shownBusyMs(v, flow.busyMs[v]!, busy > 0 ? seen / busy : 1);
    const rate = flow.rateIn[v]!;
    return {
      recordsIn: Math.max(0, flow.recordsIn[v]! - rate * late),
      recordsOut: Math.max(0, flow.recordsOut[v]! - flow.rateOut[v]! * late),
      busyMs,
      recordsInPerSecond: this.#noisy(rate),
      busyRatio: Math.min(1, this.#noisy(seen)),
      backpressuredRatio: Math.min(1, this.#noisy(flow.blocked[v]!)),
      largestShare: flow.largestShare[v]!,
      cpuRatio: Math.min(1, this.#noisy(flow.busyMean[v]!)),
      ...(nominalRate !== undefined && { lagRecords: Math.round(this.#noisy(flow.waiting[v]!)) }),
    };
  }

  /** A counter: what was shown of it stays, whatever share is shown now. */
  #shownBusyMs(v: number, busyMs: number, share: number): number {
    const { readMs, shownMs } = this.#busy.get(v) ?? { readMs: 0, shownMs: 0 };
    const shown = shownMs + (busyMs - readMs) * share;
    this.#busy.set(v, { readMs: busyMs, shownMs: shown });
    return shown;
  }

  #noisy(value: number): number {
    return Math.max(0, value * (1 + this.#imperfections.noise * this.#gaussian()));
  }
}

/** Tasks that report nothing yet: their gauges stand at zero, their counters are not there. */
function zeroed(sample: VertexSample): VertexSample {
  const { recordsIn, recordsOut, busyMs, lagRecords, largestShare, ...gauges } = sample;
  return Object.fromEntries(Object.keys(gauges).map((key) => [key, 0]));
}
