import { racksUneven } from './conditions.ts';
import { evenShare, type Filled, fillCluster, type Newcomer, rackCounts } from './fill.ts';
import { keepCurrent, type Leftover } from './keep.ts';
import { type Group, keyOf, Packing } from './packing.ts';
import type {
  ClusterDemand,
  PlacedProcess,
  PlacementInput,
  PlacementOutcome,
  ProcessRole,
} from './placement.ts';

/** One placement among those that the rules allow: one cluster after the other, each group on the fewest hosts that are left for it. */
export class Attempt {
  readonly packing: Packing;
  readonly groups: readonly Group[];
  /** What was placed anew; it may still be moved. */
  newcomers: Newcomer[] = [];
  readonly #order: readonly ClusterDemand[];
  readonly #left: Leftover;
  /** By cluster. */
  readonly #filled = new Map<string, Filled>();

  constructor(input: PlacementInput, order: readonly ClusterDemand[]) {
    this.packing = new Packing(input);
    this.groups = groupsOf(order);
    this.#order = order;
    this.#left = keepCurrent(this.packing, this.groups, input);
    for (const cluster of order) this.#fill(cluster);
  }

  get cost(): number {
    return costOf(this.packing, this.groups);
  }

  /** Processes without a place, by cluster in order of priority. */
  get missing(): readonly number[] {
    return byPriority(this.#order).map(({ id }) => this.#filled.get(id)!.missing);
  }

  /** Tries again to place clusters that found no room and of which nothing runs. True when one did. */
  refill(): boolean {
    const before = this.newcomers.length;
    for (const cluster of this.#order) {
      const isWaiting = this.#filled.get(cluster.id)!.missing > 0;
      if (isWaiting && !this.#left.running.has(cluster.id)) this.#fill(cluster);
    }
    return this.newcomers.length > before;
  }

  outcome(): PlacementOutcome {
    const uneven = this.groups.flatMap((group) =>
      racksUneven(group, rackCounts(this.packing, group), evenShare(this.packing, group)),
    );
    const filled = [...this.#filled.values()];
    const processes = [...this.packing.processes, ...filled.flatMap(({ stuck }) => stuck)];
    return {
      processes: processes.sort(byIdentity),
      reservations: this.packing.reservations.toSorted(byIdentity),
      conditions: [...filled.flatMap(({ conditions }) => conditions), ...uneven].sort(byIdentity),
    };
  }

  #fill(cluster: ClusterDemand): void {
    const filled = fillCluster(this.packing, cluster, this.#left);
    this.#filled.set(cluster.id, filled);
    this.newcomers.push(...filled.placed);
  }
}

/** Fewer without a place, in order of priority; then the lower cost. */
export function isBetter(one: Attempt, other: Attempt): boolean {
  const [mine, theirs] = [one.missing, other.missing];
  const differs = mine.findIndex((missing, i) => missing !== theirs[i]);
  if (differs >= 0) return mine[differs]! < theirs[differs]!;
  return one.cost < other.cost;
}

export function byPriority(clusters: readonly ClusterDemand[]): ClusterDemand[] {
  return clusters.toSorted((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
}

/**
 * What a placement costs: one for each host in use, and one for each process beyond the even share of its rack. The even share of a group is its count over the racks that have a host for it, rounded up.
 */
export function placementCost(
  { clusters, hosts }: PlacementInput,
  processes: readonly PlacedProcess[],
): number {
  const packing = new Packing({ clusters, hosts });
  const groups = groupsOf(clusters);
  const groupOf = new Map(
    groups.map((group) => [keyOf(group.cluster.id, group.demand.role), group]),
  );
  for (const process of processes) {
    const group = groupOf.get(keyOf(process.cluster, process.role))!;
    packing.place(group, packing.numberOf(process.host)!, process);
  }
  return costOf(packing, groups);
}

function groupsOf(clusters: readonly ClusterDemand[]): Group[] {
  return clusters.flatMap((cluster) => cluster.groups.map((demand) => ({ cluster, demand })));
}

function costOf(packing: Packing, groups: readonly Group[]): number {
  const used = packing.rooms.filter(({ isUsed }) => isUsed).length;
  return groups.reduce((sum, group) => {
    const share = evenShare(packing, group);
    const beyond = rackCounts(packing, group).map((count) => Math.max(0, count - share));
    return sum + beyond.reduce((all, each) => all + each, 0);
  }, used);
}

interface Identity {
  readonly cluster: string;
  readonly role: ProcessRole;
  readonly number?: number;
  readonly host?: string;
  readonly reason?: string;
}

/** By cluster, role, number, host and reason. */
function byIdentity(a: Identity, b: Identity): number {
  return (
    compare(a.cluster, b.cluster) ||
    compare(a.role, b.role) ||
    (a.number ?? 0) - (b.number ?? 0) ||
    compare(a.host, b.host) ||
    compare(a.reason, b.reason)
  );
}

function compare(a = '', b = ''): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
