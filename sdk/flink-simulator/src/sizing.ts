import { type Parallelism, slotsOf } from '@tessera/scaling';
import { capacityOf, externalLimit, speedOf } from './capacity.ts';
import { type SimulatedJob, type SimulatedVertex, topologyOf } from './job.ts';

/** Records per second into each vertex when the trace stands at 1 and nothing holds them up. */
export function nominalDemand(job: SimulatedJob): ReadonlyMap<string, number> {
  const demand = new Map(job.vertices.map(({ id, nominalRate = 0 }) => [id, nominalRate]));
  for (const { id } of job.vertices) {
    for (const edge of job.edges) {
      if (edge.from !== id) continue;
      demand.set(edge.to, demand.get(edge.to)! + demand.get(id)! * edge.selectivity);
    }
  }
  return demand;
}

/** The fewest subtasks of each vertex that sustain a load; where none do, those that come nearest. */
export function fewestSubtasks(job: SimulatedJob, load: number): Parallelism {
  const demand = nominalDemand(job);
  return Object.fromEntries(
    job.vertices.map((vertex) => [vertex.id, fewest(vertex, load * demand.get(vertex.id)!)]),
  );
}

function fewest(vertex: SimulatedVertex, rate: number): number {
  let best = vertex.minParallelism;
  for (let p = vertex.minParallelism; p <= vertex.maxParallelism; p++) {
    if (throughput(vertex, p) >= rate) return p;
    if (throughput(vertex, p) > throughput(vertex, best) * 1.001) best = p;
  }
  return best;
}

const throughput = (vertex: SimulatedVertex, parallelism: number): number =>
  Math.min(capacityOf(vertex, parallelism).hottest, externalLimit(vertex, parallelism));

/**
 * The highest load, as a multiple of the nominal one, that the job sustains with these subtasks, what
 * its subtasks cost each other on their hosts included.
 */
export function sustainedLoad(job: SimulatedJob, parallelism: Parallelism): number {
  const demand = nominalDemand(job);
  const slots = slotsOf(topologyOf(job), parallelism);
  const cores = Math.max(1, Math.ceil(slots / job.hosts.slots)) * job.hosts.cores;
  const speed = speedOf(job.hosts, slots);
  const highest = (slowdown: number) =>
    Math.min(
      ...job.vertices.map((vertex) => {
        const p = parallelism[vertex.id]!;
        const capacity = capacityOf(vertex, p).hottest * slowdown;
        return Math.min(capacity, externalLimit(vertex, p)) / demand.get(vertex.id)!;
      }),
    );
  let load = highest(speed);
  for (let round = 0; round < 8; round++) {
    const busy = job.vertices.reduce((sum, vertex) => {
      const p = parallelism[vertex.id]!;
      const slowdown = load / highest(1);
      return sum + (p * load * demand.get(vertex.id)!) / (capacityOf(vertex, p).even * slowdown);
    }, 0);
    const tooMany = Math.max(0, busy / cores - 1);
    load = (load + highest(speed / (1 + job.hosts.contention * tooMany))) / 2;
  }
  return load;
}
