/**
 * The job as a graph of vertices, as far as scaling needs to know it. All of it is plain data: it is
 * recorded with each decision.
 */
export interface JobTopology {
  /** In topological order: every edge leads from an earlier vertex to a later one. */
  readonly vertices: readonly JobVertex[];
  readonly edges: readonly JobEdge[];
}

export interface JobVertex {
  readonly id: string;
  /** For people; absent: the id says enough. */
  readonly name?: string;
  /** What the user allows, both included. */
  readonly minParallelism: number;
  readonly maxParallelism: number;
  /** Of what is keyed: that many units of state are spread over the subtasks, each wholly on one. */
  readonly keyGroups?: number;
  /** Of a source whose splits are counted, likewise. */
  readonly partitions?: number;
  /** Vertices of one group share slots; a group takes as many slots as its widest vertex has subtasks. */
  readonly slotSharingGroup: string;
}

export type ShipStrategy = 'forward' | 'rebalance' | 'rescale' | 'hash' | 'broadcast';

export interface JobEdge {
  readonly from: string;
  readonly to: string;
  readonly ship: ShipStrategy;
}

/** Subtasks by vertex id. */
export type Parallelism = Readonly<Record<string, number>>;

export const isSource = (topology: JobTopology, id: string): boolean =>
  topology.edges.every(({ to }) => to !== id);

/** Slots that a job takes: the widest vertex of each group. */
export function slotsOf(topology: JobTopology, parallelism: Parallelism): number {
  const widest = new Map<string, number>();
  for (const { id, slotSharingGroup } of topology.vertices) {
    const subtasks = parallelism[id] ?? 0;
    widest.set(slotSharingGroup, Math.max(widest.get(slotSharingGroup) ?? 0, subtasks));
  }
  return widest.values().reduce((sum, each) => sum + each, 0);
}

/** What is spread over the subtasks in whole units: key groups, or partitions of a source. */
export const unitsOf = ({ keyGroups, partitions }: JobVertex): number | undefined =>
  partitions ?? keyGroups;

/**
 * Subtasks that the fullest one leaves useful: `units` are spread over `parallelism` subtasks in whole
 * numbers, so the fullest of 5 subtasks over 8 units holds 2 of them, and all together do the work of 4.
 */
export function effectiveSubtasks(parallelism: number, units: number | undefined): number {
  if (units === undefined) return parallelism;
  return Math.min(parallelism, units / Math.ceil(units / parallelism));
}

export function sameParallelism(a: Parallelism, b: Parallelism): boolean {
  const ids = Object.keys(a);
  return ids.length === Object.keys(b).length && ids.every((id) => a[id] === b[id]);
}

/** The nearest parallelism that the vertex may have. */
export function withinBounds(vertex: JobVertex, parallelism: number): number {
  return Math.min(vertex.maxParallelism, Math.max(vertex.minParallelism, parallelism));
}
