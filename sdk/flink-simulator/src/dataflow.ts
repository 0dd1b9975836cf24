import { type JobTopology, type Parallelism, slotsOf } from '@tessera/scaling';
import { capacityOf, externalLimit, speedOf } from './capacity.ts';
import { type SimulatedJob, topologyOf } from './job.ts';

/** Seconds of its input that wait in front of a vertex before it holds up what is upstream. */
const bufferSeconds = 2;

/**
 * Records as a fluid through a graph of vertices with bounded buffers, step by step. Each step goes
 * against the stream to find what every vertex can take, then with it to move what there is.
 */
export class Dataflow {
  /** Per vertex, of the last step: records per second taken in, busy share of the fullest and the mean subtask, blocked share. */
  readonly rateIn: Float64Array;
  readonly rateOut: Float64Array;
  readonly busy: Float64Array;
  readonly busyMean: Float64Array;
  readonly blocked: Float64Array;
  readonly largestShare: Float64Array;
  /** Since `start`, per vertex. */
  readonly recordsIn: Float64Array;
  readonly recordsOut: Float64Array;
  readonly busyMs: Float64Array;
  /** Records in front of each vertex; of a source those that it has not read. */
  readonly waiting: Float64Array;
  readonly #job: SimulatedJob;
  readonly #topology: JobTopology;
  readonly #edges: readonly Edge[];
  readonly #outgoing: readonly (readonly Edge[])[];
  readonly #isSource: readonly boolean[];
  readonly #windowTicks: Int32Array;
  readonly #hottest: Float64Array;
  readonly #even: Float64Array;
  readonly #external: Float64Array;
  readonly #buffer: Float64Array;
  readonly #gathered: Float64Array;
  readonly #releasing: Float64Array;
  readonly #limit: Float64Array;
  readonly #wanted: Float64Array;
  readonly #arriving: Float64Array;
  #parallelism: readonly number[] = [];
  #cores = 0;
  #speed = 1;

  constructor(job: SimulatedJob, tickSeconds: number) {
    this.#job = job;
    this.#topology = topologyOf(job);
    const index = new Map(job.vertices.map(({ id }, i) => [id, i]));
    this.#edges = job.edges.map(({ from, to, selectivity }) => ({
      from: index.get(from)!,
      to: index.get(to)!,
      selectivity,
      share: 1,
    }));
    const count = job.vertices.length;
    const numbers = () => new Float64Array(count);
    this.#outgoing = job.vertices.map((_, v) => this.#edges.filter(({ from }) => from === v));
    this.#isSource = job.vertices.map((_, v) => this.#edges.every(({ to }) => to !== v));
    this.#windowTicks = Int32Array.from(job.vertices, ({ windowSeconds = 0 }) =>
      Math.round(windowSeconds / tickSeconds),
    );
    this.rateIn = numbers();
    this.rateOut = numbers();
    this.busy = numbers();
    this.busyMean = numbers();
    this.blocked = numbers();
    this.largestShare = numbers();
    this.recordsIn = numbers();
    this.recordsOut = numbers();
    this.busyMs = numbers();
    this.waiting = numbers();
    this.#hottest = numbers();
    this.#even = numbers();
    this.#external = numbers();
    this.#buffer = numbers();
    this.#gathered = numbers();
    this.#releasing = numbers();
    this.#limit = numbers();
    this.#wanted = numbers();
    this.#arriving = numbers();
  }

  /** A new attempt: counters begin anew, what is under way inside is taken over. */
  start(parallelism: Parallelism): void {
    const { vertices, hosts } = this.#job;
    const slots = slotsOf(this.#topology, parallelism);
    this.#parallelism = vertices.map(({ id }) => parallelism[id]!);
    this.#cores = Math.max(1, Math.ceil(slots / hosts.slots)) * hosts.cores;
    this.#speed = speedOf(hosts, slots);
    vertices.forEach((vertex, v) => {
      const p = this.#parallelism[v]!;
      const { hottest, even, largestShare } = capacityOf(vertex, p);
      this.#hottest[v] = hottest;
      this.#even[v] = even;
      this.largestShare[v] = largestShare;
      this.#external[v] = externalLimit(vertex, p);
      this.#buffer[v] = bufferSeconds * Math.min(hottest, this.#external[v]!);
    });
    for (const counter of [this.recordsIn, this.recordsOut, this.busyMs]) counter.fill(0);
  }

  /** Moves what can be moved in `seconds`. What has arrived is in `waiting` of the sources already. */
  step(tick: number, seconds: number): void {
    const slowdown = this.#slowdown();
    this.#shareOutLimits(slowdown, seconds);
    this.#findLimits(slowdown, seconds);
    this.#move(tick, slowdown, seconds);
  }

  /** Hosts whose cores are all taken slow everything on them. */
  #slowdown(): number {
    let cores = 0;
    for (let v = 0; v < this.#parallelism.length; v++) {
      cores += this.busyMean[v]! * this.#parallelism[v]!;
    }
    const tooMany = Math.max(0, cores / this.#cores - 1);
    return this.#speed / (1 + this.#job.hosts.contention * tooMany);
  }

  #capacity(v: number, slowdown: number): number {
    return Math.min(this.#hottest[v]! * slowdown, this.#external[v]!);
  }

  /** What each edge would bring if nothing held it up decides how a vertex divides what it can take. */
  #shareOutLimits(slowdown: number, seconds: number): void {
    this.#wanted.fill(0);
    for (let v = 0; v < this.#parallelism.length; v++) {
      if (this.#isSource[v]) {
        this.#wanted[v] = Math.min(this.waiting[v]! / seconds, this.#capacity(v, slowdown));
      }
      for (const edge of this.#outgoing[v]!) {
        this.#wanted[edge.to]! += this.#wanted[v]! * edge.selectivity;
      }
    }
    for (const edge of this.#edges) {
      const all = this.#wanted[edge.to]!;
      edge.share = all > 0 ? (this.#wanted[edge.from]! * edge.selectivity) / all : 1;
    }
  }

  /** Against the stream: records per second that each vertex can take in, room in its buffer included. */
  #findLimits(slowdown: number, seconds: number): void {
    for (let v = this.#parallelism.length - 1; v >= 0; v--) {
      this.#wanted[v] = Math.min(this.#capacity(v, slowdown), this.#downstream(v));
      const room = this.#isSource[v] ? 0 : this.#buffer[v]! - this.waiting[v]!;
      this.#limit[v] = this.#wanted[v]! + Math.max(0, room) / seconds;
    }
  }

  /** Records per second that v may take in before those behind it are full. */
  #downstream(v: number): number {
    if (this.#windowTicks[v]! > 0) return Infinity;
    let limit = Infinity;
    for (const { to, selectivity, share } of this.#outgoing[v]!) {
      if (selectivity > 0) limit = Math.min(limit, (this.#limit[to]! * share) / selectivity);
    }
    return limit;
  }

  /** With the stream: what is there, as far as the limits let it through. */
  #move(tick: number, slowdown: number, seconds: number): void {
    this.#arriving.fill(0);
    for (let v = 0; v < this.#parallelism.length; v++) {
      const available = this.waiting[v]! + this.#arriving[v]! * seconds;
      const rate = Math.max(0, Math.min(available / seconds, this.#wanted[v]!));
      this.waiting[v] = available - rate * seconds;
      const out = this.#emit(v, tick, rate, seconds);
      for (const { to, selectivity } of this.#outgoing[v]!) {
        this.#arriving[to]! += out * selectivity;
      }
      this.#account(v, rate, out, slowdown, seconds);
    }
  }

  /** Records taken in whose results leave in this step, per second. */
  #emit(v: number, tick: number, rate: number, seconds: number): number {
    const windowTicks = this.#windowTicks[v]!;
    if (windowTicks === 0) return rate;
    this.#gathered[v]! += rate * seconds;
    if (tick % windowTicks === 0) {
      this.#releasing[v]! += this.#gathered[v]!;
      this.#gathered[v] = 0;
    }
    let limit = this.#releasing[v]! / seconds;
    for (const { to, selectivity, share } of this.#outgoing[v]!) {
      if (selectivity > 0) limit = Math.min(limit, (this.#limit[to]! * share) / selectivity);
    }
    this.#releasing[v] = Math.max(0, this.#releasing[v]! - limit * seconds);
    return limit;
  }

  #account(v: number, rate: number, out: number, slowdown: number, seconds: number): void {
    const outRate = this.#outgoing[v]!.reduce((sum, { selectivity }) => sum + out * selectivity, 0);
    this.rateIn[v] = rate;
    this.rateOut[v] = outRate;
    this.busy[v] = Math.min(1, rate / (this.#hottest[v]! * slowdown));
    this.busyMean[v] = Math.min(1, rate / (this.#even[v]! * slowdown));
    const heldUp = this.waiting[v]! > rate * seconds * 0.05 && this.#downstream(v) <= rate * 1.001;
    this.blocked[v] = heldUp ? 1 - this.busy[v]! : 0;
    this.recordsIn[v]! += rate * seconds;
    this.recordsOut[v]! += outRate * seconds;
    this.busyMs[v]! += this.busyMean[v]! * this.#parallelism[v]! * seconds * 1000;
  }
}

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly selectivity: number;
  share: number;
}
