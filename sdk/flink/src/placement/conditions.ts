import { whyNot } from './eligibility.ts';
import type { Group, Packing } from './packing.ts';
import type {
  ClusterDemand,
  FlinkHost,
  PlacedProcess,
  PlacementCondition,
  ProcessSize,
} from './placement.ts';
import { type Resource, Room, resources } from './room.ts';

/** Why a group does not find room for so many, and what would help. */
export function shortage(packing: Packing, group: Group, lacking: number): PlacementCondition {
  const hosts = packing.rooms.map(({ host }) => host);
  const eligible = hosts.filter((host) => whyNot(group.cluster, host) === undefined);
  if (eligible.length === 0) return noneEligible(group, hosts);
  const { size } = group.demand;
  if (eligible.every((host) => new Room(host).count(size) === 0)) return tooLarge(group, eligible);
  if (packing.allowance(group) === 0) return quotaExceeded(group, lacking);
  return capacityShort(packing, group, lacking);
}

function noneEligible(group: Group, hosts: readonly FlinkHost[]): PlacementCondition {
  const reasons = new Map<string, number>();
  for (const host of hosts) {
    const reason = whyNot(group.cluster, host)!;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const counted = [...reasons].sort().map(([reason, count]) => `${reason} ${count}`);
  const known = hosts.length === 0 ? 'no host is known' : counted.join(', ');
  return condition(group, 'HOST_NONE_ELIGIBLE', {
    message: `None of ${hosts.length} hosts may be used: ${known}. Add a host that fits the selector, or mend one of these.`,
    metadata: { hosts: String(hosts.length), ...countsOf(reasons) },
  });
}

function tooLarge(group: Group, eligible: readonly FlinkHost[]): PlacementCondition {
  const { size, role } = group.demand;
  const short = shortResources(
    eligible.map((host) => new Room(host)),
    size,
  );
  const lines = [...short].map(([resource, count]) => {
    const most = Math.max(...eligible.map((host) => has(host, resource)));
    return `${resource} on ${count} (one needs ${shown(resource, needs(size, resource))}, the largest has ${shown(resource, most)})`;
  });
  return condition(group, 'PROCESS_TOO_LARGE', {
    message: `A ${role} fits on none of ${eligible.length} hosts even if they were empty; short is ${lines.join(', ')}. Make it smaller, or add a larger host.`,
    metadata: { hosts: String(eligible.length), ...countsOf(short) },
  });
}

function quotaExceeded(group: Group, lacking: number): PlacementCondition {
  const { quota = '' } = group.cluster;
  const { count, role } = group.demand;
  const allowed = count - lacking;
  return condition(group, 'QUOTA_EXCEEDED', {
    message: `Quota ${quota} allows ${allowed} of ${count} ${role} processes. Raise it, or lower the count of a cluster that shares it.`,
    metadata: { quota, allowed: String(allowed), lacking: String(lacking) },
  });
}

/** When a cluster has its part in that; told of its first group. */
export function quotaOverdrawn(packing: Packing, cluster: ClusterDemand): PlacementCondition[] {
  const over = packing.overdrawn(cluster).map((resource) => quotaWords[resource]);
  const [demand] = cluster.groups;
  if (over.length === 0 || demand === undefined) return [];
  const { quota = '' } = cluster;
  return [
    condition({ cluster, demand }, 'QUOTA_OVERDRAWN', {
      message: `More of quota ${quota} is in use than there is of ${over.join(', ')}: what runs stays, and nothing is added. Raise it, or make a cluster that shares it smaller.`,
      metadata: { quota, resources: over.join(',') },
    }),
  ];
}

const quotaWords = { cpuMillis: 'cpu', memoryBytes: 'memory', slots: 'slots' } as const;

function capacityShort(packing: Packing, group: Group, lacking: number): PlacementCondition {
  const { cluster, demand } = group;
  const rooms = packing.rooms.filter(({ host }) => whyNot(cluster, host) === undefined);
  const short = shortResources(rooms, demand.size);
  const lines = [...short].map(([resource, count]) => `${resource} on ${count}`);
  const full = lines.length > 0 ? `short is ${lines.join(', ')}` : 'rules keep them apart';
  const perHost = Math.max(...rooms.map(({ host }) => new Room(host).count(demand.size)));
  const most = Math.min(perHost, demand.maxPerHost ?? perHost);
  const moreHosts = Math.ceil(lacking / Math.max(1, most));
  return condition(group, 'CAPACITY_SHORT', {
    message: `${lacking} of ${demand.count} ${demand.role} processes find no room on ${rooms.length} hosts; ${full}. Add ${moreHosts} host${moreHosts === 1 ? '' : 's'} like the largest, or make them fewer or smaller.`,
    metadata: {
      lacking: String(lacking),
      hosts: String(rooms.length),
      moreHosts: String(moreHosts),
      ...countsOf(short),
    },
  });
}

/** Hosts that have no room for one more, by what is short; on the most hosts first. */
function shortResources(rooms: readonly Room[], size: ProcessSize): Map<Resource, number> {
  const short = new Map<Resource, number>();
  for (const room of rooms) {
    for (const resource of resources) {
      if (room.countBy(resource, size) > 0) continue;
      short.set(resource, (short.get(resource) ?? 0) + 1);
    }
  }
  return new Map([...short].sort(([, a], [, b]) => b - a));
}

function has(host: FlinkHost, resource: Resource): number {
  if (resource === 'cpu') return host.cpuMillis;
  if (resource === 'memory') return host.memoryBytes;
  if (resource === 'disk') return Math.max(0, ...host.disks.map(({ bytes }) => bytes));
  return host.ports.last - host.ports.first + 1;
}

function needs(size: ProcessSize, resource: Resource): number {
  if (resource === 'cpu') return size.cpuMillis;
  if (resource === 'memory') return size.memoryBytes;
  return resource === 'disk' ? size.diskBytes : size.ports;
}

function shown(resource: Resource, amount: number): string {
  if (resource === 'ports') return String(amount);
  return resource === 'cpu' ? `${amount / 1000} cores` : `${Math.floor(amount / 2 ** 20)} MiB`;
}

function countsOf(counts: ReadonlyMap<string, number>): Record<string, string> {
  return Object.fromEntries([...counts].map(([name, count]) => [name, String(count)]));
}

export function headroomShort(group: Group, reserved: number): PlacementCondition {
  const { headroom = 0, role } = group.demand;
  return condition(group, 'HEADROOM_SHORT', {
    message: `Room is kept for ${reserved} of ${headroom} further ${role} processes; a rescale beyond that has to wait for hosts.`,
    metadata: { reserved: String(reserved), headroom: String(headroom) },
  });
}

export function stillDraining(
  packing: Packing,
  group: Group,
  stays: readonly PlacedProcess[],
): PlacementCondition {
  const hosts = [...new Set(stays.map(({ host }) => host))].sort();
  const why = whyNot(group.cluster, packing.rooms[packing.numberOf(hosts[0]!)!]!.host)!;
  return condition(group, 'DRAIN_BLOCKED', {
    message: `${stays.length} ${group.demand.role} processes stay on ${hosts.slice(0, 10).join(', ')} (${why}), because there is no room elsewhere. Add hosts, or make the cluster smaller.`,
    metadata: { hosts: hosts.slice(0, 10).join(','), count: String(stays.length) },
  });
}

/** When a rack holds more than its even share. */
export function racksUneven(
  group: Group,
  counts: readonly number[],
  evenShare: number,
): PlacementCondition[] {
  const most = Math.max(0, ...counts);
  if (most <= evenShare) return [];
  return [
    condition(group, 'RACKS_UNEVEN', {
      message: `One rack holds ${most} of ${group.demand.count} ${group.demand.role} processes, an even share is ${evenShare}: losing it takes more than it has to. Add hosts in other racks.`,
      metadata: { most: String(most), evenShare: String(evenShare) },
    }),
  ];
}

function condition(
  { cluster, demand }: Group,
  reason: PlacementCondition['reason'],
  { message, metadata }: Pick<PlacementCondition, 'message' | 'metadata'>,
): PlacementCondition {
  return { cluster: cluster.id, role: demand.role, reason, message, metadata };
}
