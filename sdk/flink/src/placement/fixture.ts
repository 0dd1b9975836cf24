import type { Random } from '@tessera/base';
import type {
  ClusterDemand,
  FlinkHost,
  PlacedProcess,
  PlacementInput,
  ProcessSize,
} from './placement.ts';

export const gib = 2 ** 30;

export function hostOf(id: string, rest: Partial<FlinkHost> = {}): FlinkHost {
  return {
    id,
    cpuMillis: 8_000,
    memoryBytes: 32 * gib,
    disks: [{ mountPoint: '/data', bytes: 100 * gib }],
    ports: { first: 20_000, last: 20_099 },
    ...rest,
  };
}

export const smallTaskManager: ProcessSize = {
  cpuMillis: 2_000,
  memoryBytes: 8 * gib,
  diskBytes: 10 * gib,
  ports: 3,
  slots: 2,
};

export function clusterOf(
  id: string,
  count: number,
  rest: Partial<ClusterDemand> = {},
): ClusterDemand {
  return {
    id,
    priority: 0,
    groups: [{ role: 'taskmanager', count, size: smallTaskManager }],
    ...rest,
  };
}

/** Machines of a few kinds in a few racks, as clusters grow over the years. */
export function randomHosts({ integer, pick, next }: Random, count: number): FlinkHost[] {
  const racks = integer(1, 4);
  return Array.from({ length: count }, (_, i) => {
    const cores = pick([4, 8, 16, 32]);
    return hostOf(`h${String(i).padStart(3, '0')}`, {
      ...(next() < 0.9 && { rack: `r${integer(1, racks)}` }),
      labels: { kind: pick(['ssd', 'hdd']) },
      cpuMillis: cores * 1_000,
      memoryBytes: cores * pick([2, 4, 8]) * gib,
      disks: Array.from({ length: integer(1, 3) }, (__, disk) => ({
        mountPoint: `/disk${disk}`,
        bytes: integer(20, 200) * gib,
      })),
      ports: { first: 20_000, last: 20_000 + integer(5, 60) },
      ...(next() < 0.1 && { unfit: pick(['DRAINING', 'QUARANTINED']) }),
    });
  });
}

export function randomClusters({ integer, pick, next }: Random, count: number): ClusterDemand[] {
  return Array.from({ length: count }, (_, i) => {
    const size = {
      cpuMillis: pick([500, 1_000, 2_000, 4_000]),
      memoryBytes: pick([1, 2, 4, 8, 12]) * gib,
      diskBytes: pick([0, 5, 20]) * gib,
      ports: integer(1, 3),
      slots: integer(1, 4),
    };
    const jobManager = { cpuMillis: 500, memoryBytes: gib, diskBytes: 0, ports: 3, slots: 0 };
    return {
      id: `c${i}`,
      priority: pick([0, 0, 10]),
      ...(next() < 0.3 && { quota: 'team' }),
      ...(next() < 0.2 && { selector: { labels: { kind: 'ssd' } } }),
      ...(next() < 0.2 && { ineligible: new Map([['h001', 'CHECKPOINTS_UNSEEN']]) }),
      ...(next() < 0.2 && { apartFrom: [`c${(i + 1) % count}`] }),
      groups: [
        { role: 'jobmanager' as const, count: 1, size: jobManager },
        {
          role: 'taskmanager' as const,
          count: integer(1, 8),
          size,
          ...(next() < 0.3 && { headroom: integer(1, 3) }),
          ...(next() < 0.3 && { maxPerHost: integer(1, 3) }),
        },
      ],
    };
  });
}

/** Everything about a placement that is not as it must be, found without the code that made it. */
export function faultsOf(
  { clusters, hosts, quotas = new Map() }: PlacementInput,
  processes: readonly PlacedProcess[],
): string[] {
  const faults: string[] = [];
  const groups = new Map(
    clusters.flatMap((cluster) =>
      cluster.groups.map((group) => [`${cluster.id}/${group.role}`, { cluster, group }] as const),
    ),
  );
  for (const host of hosts) {
    const here = processes.filter((process) => process.host === host.id);
    const sizes = here.map(({ cluster, role }) => groups.get(`${cluster}/${role}`)!.group.size);
    const sum = (of: (size: ProcessSize) => number) =>
      sizes.reduce((all, size) => all + of(size), 0);
    if (sum((size) => size.cpuMillis) > host.cpuMillis) faults.push(`${host.id}: cpu`);
    if (sum((size) => size.memoryBytes) > host.memoryBytes) faults.push(`${host.id}: memory`);
    for (const { mountPoint, bytes } of host.disks) {
      const used = here.reduce(
        (all, { disk }, i) => all + (disk === mountPoint ? sizes[i]!.diskBytes : 0),
        0,
      );
      if (used > bytes) faults.push(`${host.id}: disk ${mountPoint}`);
    }
    const ports = here.flatMap((process) => process.ports);
    if (new Set(ports).size < ports.length) faults.push(`${host.id}: a port twice`);
    if (ports.some((port) => port < host.ports.first || port > host.ports.last)) {
      faults.push(`${host.id}: a port out of range`);
    }
  }
  for (const [key, { cluster, group }] of groups) {
    const own = processes.filter(({ cluster: id, role }) => `${id}/${role}` === key);
    if (own.length > group.count) faults.push(`${key}: too many`);
    if (new Set(own.map(({ number }) => number)).size < own.length) faults.push(`${key}: number`);
    for (const process of own) {
      if (process.ports.length !== group.size.ports) faults.push(`${key}: ports`);
      if ((process.disk === undefined) !== (group.size.diskBytes === 0))
        faults.push(`${key}: disk`);
      if (cluster.ineligible?.has(process.host)) faults.push(`${key}: ineligible`);
      const kind = hosts.find(({ id }) => id === process.host)?.labels?.['kind'];
      const wanted = cluster.selector?.labels?.['kind'];
      if (wanted !== undefined && kind !== wanted) faults.push(`${key}: not selected`);
      const beside = processes.filter(({ host }) => host === process.host);
      const isNear = beside.some(
        ({ cluster: id }) => id !== cluster.id && cluster.apartFrom?.includes(id),
      );
      if (isNear) faults.push(`${key}: not apart`);
    }
    for (const together of Map.groupBy(own, ({ host }) => host).values()) {
      if (together.length > (group.maxPerHost ?? 1_000)) faults.push(`${key}: maxPerHost`);
    }
  }
  for (const [name, quota] of quotas) {
    const slots = processes.reduce((all, { cluster, role }) => {
      const { cluster: owner, group } = groups.get(`${cluster}/${role}`)!;
      return all + (owner.quota === name ? group.size.slots : 0);
    }, 0);
    if (slots > (quota.slots ?? 1_000_000)) faults.push(`quota ${name}`);
  }
  return faults;
}
