import { invariant } from '@tessera/base';
import { hashOf } from './affinity.ts';
import type { PlacementHost } from './placement.ts';

/** The hosts that can hold segments, by number: in the order of their ids. */
export interface Cluster {
  readonly ids: readonly string[];
  readonly numberOf: ReadonlyMap<string, number>;
  readonly hashes: Uint32Array;
  readonly capacities: Float64Array;
  /** Rack of each host, by number. */
  readonly racks: Int32Array;
  readonly rackCount: number;
  /** True when a host names its rack: only then does it matter. */
  readonly hasRacks: boolean;
  /** Replicas that each segment gets: as many as wanted, or as there are hosts. */
  readonly replication: number;
  /** Replicas of one segment that a rack may hold: the fewest that leave room for all of them. */
  readonly replicasPerRack: number;
}

/** Hosts that are drained or have no capacity are not among them. */
export function clusterOf(hosts: readonly PlacementHost[], replication: number): Cluster {
  invariant(Number.isInteger(replication) && replication > 0, 'a segment has at least one replica');
  const usable = hosts
    .filter(({ draining, capacityBytes }) => draining !== true && capacityBytes > 0)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  const ids = usable.map(({ id }) => id);
  const numberOf = new Map(ids.map((id, number) => [id, number]));
  invariant(numberOf.size === ids.length, 'no host is named twice');
  const rackNames = [...new Set(usable.map(({ rack }) => rack ?? ''))].sort();
  const racks = Int32Array.from(usable, ({ rack }) => rackNames.indexOf(rack ?? ''));
  const reachable = Math.min(replication, ids.length);
  const hasRacks = rackNames.some((name) => name !== '');
  return {
    ids,
    numberOf,
    hashes: Uint32Array.from(ids, hashOf),
    capacities: Float64Array.from(usable, ({ capacityBytes }) => capacityBytes),
    racks,
    rackCount: rackNames.length,
    hasRacks,
    replication: reachable,
    replicasPerRack: hasRacks ? replicasPerRack(racks, rackNames.length, reachable) : reachable,
  };
}

/** Hosts in each rack. */
export function rackSizes(racks: Int32Array, rackCount: number): Int32Array {
  const sizes = new Int32Array(rackCount);
  for (const rack of racks) sizes[rack]!++;
  return sizes;
}

function replicasPerRack(racks: Int32Array, rackCount: number, replication: number): number {
  const sizes = rackSizes(racks, rackCount);
  let most = 0;
  for (let room = 0; room < replication; ) {
    most++;
    room = sizes.reduce((sum, size) => sum + Math.min(size, most), 0);
  }
  return most;
}
