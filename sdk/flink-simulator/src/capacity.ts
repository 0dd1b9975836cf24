import { effectiveSubtasks } from '@tessera/scaling';
import type { HostPhysics, SimulatedVertex } from './job.ts';

export interface VertexCapacity {
  /** Records per second at which its fullest subtask has no time left. */
  readonly hottest: number;
  /** What all subtasks could do were the load even: what mean business is measured against. */
  readonly even: number;
  /** Share of its records in the fullest subtask. */
  readonly largestShare: number;
}

/** What a vertex can do on hosts of speed 1 without neighbours. */
export function capacityOf(vertex: SimulatedVertex, parallelism: number): VertexCapacity {
  const { sigma, kappa, hotShare = 0 } = vertex;
  const p = parallelism;
  const slowed = 1 + sigma * (p - 1) + kappa * p * (p - 1);
  const even = (vertex.recordsPerSecond * p) / slowed;
  const units = vertex.partitions ?? vertex.keyGroups;
  const spread = effectiveSubtasks(p, units) / p;
  const largestShare = Math.max(1 / (p * spread), hotShare);
  return { hottest: even / p / largestShare, even, largestShare };
}

/** The most that the outside lets through, or infinity. */
export function externalLimit({ external }: SimulatedVertex, parallelism: number): number {
  const { limitPerSecond = Infinity, perSubtaskPerSecond = Infinity } = external ?? {};
  return Math.min(limitPerSecond, perSubtaskPerSecond * parallelism);
}

/** Mean speed of the hosts that so many slots are on. */
export function speedOf({ slots, speeds }: HostPhysics, used: number): number {
  const hosts = Math.max(1, Math.ceil(used / slots));
  let sum = 0;
  for (let host = 0; host < hosts; host++) sum += speeds[host % speeds.length]!;
  return sum / hosts;
}
