import {
  type JobTopology,
  type JobVertex,
  type Parallelism,
  sameParallelism,
  slotsOf,
} from '@tessera/scaling';
import type { LearnedVertex } from './learned.ts';

/** A size, and the records per second into all sources that it is trusted to sustain. */
export interface Size {
  readonly parallelism: Parallelism;
  readonly slots: number;
  readonly capacity: number;
}

/** How much more than asked for vertices get that cost no slot, as others of their group are wider. */
const spare = 1.3;
/** Of rates that sizes are looked for at. */
const stepRatio = 1.05;

/** Subtasks of each vertex, in the topology's order. */
type Subtasks = readonly number[];

/** Sizes for a job of which is known what its vertices do. */
export class Sizer {
  readonly #topology: JobTopology;
  readonly #vertices: Readonly<Record<string, LearnedVertex>>;
  readonly #sized: readonly SizedVertex[];
  readonly #groups: number;

  constructor(
    topology: JobTopology,
    vertices: Readonly<Record<string, LearnedVertex>>,
    current: Parallelism,
  ) {
    this.#topology = topology;
    this.#vertices = vertices;
    const groups = new Map<string, number>();
    this.#sized = topology.vertices.map((vertex) => {
      const group = groups.get(vertex.slotSharingGroup) ?? groups.size;
      groups.set(vertex.slotSharingGroup, group);
      return new SizedVertex(vertex, group, vertices[vertex.id], current[vertex.id]!);
    });
    this.#groups = groups.size;
  }

  /** The smallest size that sustains a rate; where none does, one that comes nearest. */
  sustaining(rate: number): Size {
    return this.#sizeOf(this.#needed(rate), this.#needed(rate * spare));
  }

  /** One size for each number of slots between two rates, the smallest first. */
  between(lowest: number, highest: number): readonly Size[] {
    const sizes: Size[] = [];
    let needed: Subtasks | undefined;
    let ample: Subtasks | undefined;
    for (let rate = lowest; rate < highest * stepRatio; rate *= stepRatio) {
      const before = { needed, ample };
      needed = this.#needed(rate, needed);
      ample = this.#needed(rate * spare, ample);
      if (needed === before.needed && ample === before.ample) continue;
      const size = this.#sizeOf(needed, ample);
      const last = sizes.at(-1);
      if (last !== undefined && sameParallelism(size.parallelism, last.parallelism)) continue;
      if (last?.slots === size.slots) sizes.pop();
      sizes.push(size);
    }
    return sizes;
  }

  of(parallelism: Parallelism): Size {
    let capacity = Infinity;
    for (const { id } of this.#topology.vertices) {
      const vertex = this.#vertices[id];
      const most = vertex?.capacity[parallelism[id]! - 1];
      if (vertex === undefined || most === undefined || vertex.ratio <= 0) continue;
      capacity = Math.min(capacity, most / vertex.ratio);
    }
    return { parallelism, slots: slotsOf(this.#topology, parallelism), capacity };
  }

  /** @param lower what a lower rate needs, which is given back when this one needs no more */
  #needed(rate: number, lower?: Subtasks): Subtasks {
    const needed = new Array<number>(this.#sized.length);
    let isSame = lower !== undefined;
    for (let v = 0; v < needed.length; v++) {
      needed[v] = this.#sized[v]!.fewest(rate, lower?.[v]);
      if (needed[v] !== lower?.[v]) isSame = false;
    }
    return isSame ? lower! : needed;
  }

  #sizeOf(needed: Subtasks, ample: Subtasks): Size {
    const widest = new Array<number>(this.#groups).fill(0);
    this.#sized.forEach(({ group }, v) => {
      widest[group] = Math.max(widest[group]!, needed[v]!);
    });
    const parallelism: Record<string, number> = {};
    this.#sized.forEach(({ id, group, current }, v) => {
      parallelism[id] = free(current, needed[v]!, ample[v]!, widest[group]!);
    });
    return this.of(parallelism);
  }
}

/** What costs no slot: as it is, so that no vertex goes to and fro for nothing, or else ample. */
function free(current: number, needed: number, ample: number, widest: number): number {
  if (current >= needed && current <= widest) return current;
  return Math.max(needed, Math.min(ample, widest));
}

/** A vertex, and how many subtasks of it are enough. */
class SizedVertex {
  readonly id: string;
  readonly group: number;
  readonly current: number;
  readonly #lowest: number;
  readonly #highest: number;
  readonly #learned: LearnedVertex | undefined;
  #most: number | undefined;

  constructor(
    { id, minParallelism, maxParallelism }: JobVertex,
    group: number,
    learned: LearnedVertex | undefined,
    current: number,
  ) {
    this.id = id;
    this.group = group;
    this.current = current;
    this.#lowest = minParallelism;
    this.#highest = maxParallelism;
    this.#learned = learned;
  }

  /** @param from of which is known that fewer are not enough */
  fewest(rate: number, from = this.#lowest): number {
    const learned = this.#learned;
    if (learned === undefined || learned.capacity.length === 0) return this.current;
    const needed = rate * learned.ratio;
    for (let p = from; p <= this.#highest; p++) {
      if (learned.capacity[p - 1]! >= needed) return p;
    }
    this.#most ??= this.#doingMost(learned.capacity);
    return this.#most;
  }

  /** More subtasks count only when they do notably more. */
  #doingMost(capacity: readonly number[]): number {
    let best = this.#lowest;
    for (let p = this.#lowest; p <= this.#highest; p++) {
      if (capacity[p - 1]! > capacity[best - 1]! * 1.005) best = p;
    }
    return best;
  }
}
