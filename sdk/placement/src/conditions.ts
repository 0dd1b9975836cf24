import type { Assignment } from './assignment.ts';
import type { PlacementCondition, PlacementHost } from './placement.ts';

/** What of the wish the hosts cannot fulfil, with the reason that programs decide by. */
export function conditionsOf(
  assignment: Assignment,
  hosts: readonly PlacementHost[],
  wanted: number,
): PlacementCondition[] {
  const { cluster, loads } = assignment;
  const conditions: PlacementCondition[] = [];
  if (cluster.ids.length < wanted) conditions.push(hostsTooFew(cluster.ids.length, wanted));
  if (cluster.hasRacks && cluster.replicasPerRack > 1) {
    conditions.push(racksTooFew(cluster.rackCount, cluster.replication));
  }
  const overfull = cluster.ids.filter((_, host) => loads[host]! > cluster.capacities[host]!);
  if (overfull.length > 0) conditions.push(capacityTooSmall(overfull, hosts));
  return conditions;
}

function hostsTooFew(hosts: number, replication: number): PlacementCondition {
  return {
    reason: 'HOSTS_TOO_FEW',
    metadata: { hosts: String(hosts), replication: String(replication) },
    message: `${hosts} storage daemons cannot hold ${replication} replicas of each segment; add storage daemons, or lower the replication.`,
  };
}

function racksTooFew(racks: number, replication: number): PlacementCondition {
  return {
    reason: 'RACKS_TOO_FEW',
    metadata: { racks: String(racks), replication: String(replication) },
    message: `Replicas share racks: ${racks} racks cannot hold ${replication} replicas apart; add a host in another rack.`,
  };
}

function capacityTooSmall(
  overfull: readonly string[],
  hosts: readonly PlacementHost[],
): PlacementCondition {
  const draining = hosts.filter((host) => host.draining === true).length;
  return {
    reason: 'CAPACITY_TOO_SMALL',
    metadata: { hosts: overfull.slice(0, 10).join(','), count: String(overfull.length) },
    message: `${overfull.length} storage daemons would hold more than their capacity, ${overfull[0]} among them; add storage daemons or disks${draining > 0 ? ', or stop draining' : ''}.`,
  };
}
