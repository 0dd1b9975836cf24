import type { JobTopology, Parallelism, ShipStrategy } from '@tessera/scaling';

/** A job as it is in truth. Strategies see its topology and its metrics, never this. */
export interface SimulatedJob {
  readonly name: string;
  /** In topological order. */
  readonly vertices: readonly SimulatedVertex[];
  readonly edges: readonly SimulatedEdge[];
  readonly rescale: RescalePhysics;
  readonly hosts: HostPhysics;
}

export interface SimulatedVertex {
  readonly id: string;
  readonly slotSharingGroup: string;
  readonly minParallelism: number;
  readonly maxParallelism: number;
  /** Of a source: records per second that arrive when the trace stands at 1. */
  readonly nominalRate?: number;
  readonly partitions?: number;
  readonly keyGroups?: number;
  /** Share of all records that belong to one key, and so to one subtask. */
  readonly hotShare?: number;
  /** Records per second of one subtask that has its slot alone. */
  readonly recordsPerSecond: number;
  /** Universal scalability law: contention, and cost of coherence. */
  readonly sigma: number;
  readonly kappa: number;
  /** What it waits for outside: such waiting is neither CPU nor busy time. */
  readonly external?: {
    readonly limitPerSecond?: number;
    readonly perSubtaskPerSecond?: number;
  };
  /** Emits what it has gathered at the end of each window. */
  readonly windowSeconds?: number;
  /** How much less busy it reports to be than it is, at low load; none at full load. */
  readonly busyBias: number;
}

export interface SimulatedEdge {
  readonly from: string;
  readonly to: string;
  readonly ship: ShipStrategy;
  /** Records sent for each one that was taken in. */
  readonly selectivity: number;
}

export interface RescalePhysics {
  /** Seconds without progress, however small the state is. */
  readonly fixedSeconds: number;
  readonly stateBytes: number;
  readonly writeBytesPerSecond: number;
  /** Of each subtask. */
  readonly readBytesPerSecond: number;
  /** Until more slots than before are there; the job runs on meanwhile. */
  readonly provisionSeconds: number;
  readonly failChance: number;
  /** In place, what was read since the last checkpoint is read again. */
  readonly checkpointSeconds: number;
  readonly inPlace: boolean;
}

export interface HostPhysics {
  readonly slots: number;
  readonly cores: number;
  /** Relative speeds; job slots fill the hosts in turn. */
  readonly speeds: readonly number[];
  /** Cost of each busy core too many. */
  readonly contention: number;
}

/** What a strategy may know of it. */
export function topologyOf(job: SimulatedJob): JobTopology {
  return {
    vertices: job.vertices.map((vertex) => ({
      id: vertex.id,
      slotSharingGroup: vertex.slotSharingGroup,
      minParallelism: vertex.minParallelism,
      maxParallelism: vertex.maxParallelism,
      ...(vertex.keyGroups !== undefined && { keyGroups: vertex.keyGroups }),
      ...(vertex.partitions !== undefined && { partitions: vertex.partitions }),
    })),
    edges: job.edges.map(({ from, to, ship }) => ({ from, to, ship })),
  };
}

/** Seconds without progress when it is rescaled: state is written by all, and read by the fewest that hold it. */
export function rescaleSeconds(job: SimulatedJob, from: Parallelism, to: Parallelism): number {
  const { stateBytes, writeBytesPerSecond, readBytesPerSecond, inPlace, fixedSeconds } =
    job.rescale;
  const write = inPlace ? 0 : stateBytes / writeBytesPerSecond;
  const holders = job.vertices
    .filter(({ keyGroups }) => keyGroups !== undefined)
    .map(({ id }) => Math.min(from[id]!, to[id]!));
  const read = holders.length === 0 ? 0 : stateBytes / readBytesPerSecond / Math.max(...holders);
  return fixedSeconds + write + read;
}
