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

/** Sizes for a job of which is known what its vertices do. */
export class Sizer {
  readonly #topology: JobTopology;
  readonly #vertices: Readonly<Record<string, LearnedVertex>>;
  readonly #current: Parallelism;

  constructor(
    topology: JobTopology,
    vertices: Readonly<Record<string, LearnedVertex>>,
    current: Parallelism,
  ) {
    this.#topology = topology;
    this.#vertices = vertices;
    this.#current = current;
  }

  /** The smallest size that sustains a rate; where none does, one that comes nearest. */
  sustaining(rate: number): Size {
    const needed = this.#needed(rate);
    const ample = this.#needed(rate * spare);
    const widest = new Map<string, number>();
    for (const { id, slotSharingGroup: group } of this.#topology.vertices) {
      widest.set(group, Math.max(widest.get(group) ?? 0, needed[id]!));
    }
    const parallelism = Object.fromEntries(
      this.#topology.vertices.map(({ id, slotSharingGroup }) => [
        id,
        this.#free(id, needed[id]!, ample[id]!, widest.get(slotSharingGroup)!),
      ]),
    );
    return this.of(parallelism);
  }

  /** What costs no slot: as it is, so that no vertex goes to and fro for nothing, or else ample. */
  #free(id: string, needed: number, ample: number, widest: number): number {
    const now = this.#current[id]!;
    if (now >= needed && now <= widest) return now;
    return Math.max(needed, Math.min(ample, widest));
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

  #needed(rate: number): Record<string, number> {
    return Object.fromEntries(
      this.#topology.vertices.map((vertex) => [vertex.id, this.#fewest(vertex, rate)]),
    );
  }

  #fewest(vertex: JobVertex, rate: number): number {
    const learned = this.#vertices[vertex.id];
    if (learned === undefined || learned.capacity.length === 0) return this.#current[vertex.id]!;
    const needed = rate * learned.ratio;
    const { minParallelism, maxParallelism } = vertex;
    let best = minParallelism;
    for (let p = minParallelism; p <= maxParallelism; p++) {
      const capacity = learned.capacity[p - 1]!;
      if (capacity >= needed) return p;
      if (capacity > learned.capacity[best - 1]! * 1.005) best = p;
    }
    return best;
  }
}

/** One size for each number of slots between two rates, the smallest first. */
export function sizesBetween(sizer: Sizer, lowest: number, highest: number): readonly Size[] {
  const sizes: Size[] = [];
  for (let rate = lowest; rate < highest * stepRatio; rate *= stepRatio) {
    const size = sizer.sustaining(rate);
    const last = sizes.at(-1);
    if (last !== undefined && sameParallelism(size.parallelism, last.parallelism)) continue;
    if (last?.slots === size.slots) sizes.pop();
    sizes.push(size);
  }
  return sizes;
}

const stepRatio = 1.05;
