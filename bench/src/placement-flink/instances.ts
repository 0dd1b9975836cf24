import { type Random, seededRandom } from '@tessera/base';
import type { ClusterDemand, FlinkHost, PlacementInput, ProcessSize } from '@tessera/flink';

const gib = 2 ** 30;
const jobManager: ProcessSize = {
  cpuMillis: 1_000,
  memoryBytes: 2 * gib,
  diskBytes: 0,
  ports: 3,
  slots: 0,
};

/** A rack of equal hosts is how they are bought: three kinds of them, in ten racks. */
export function largeHosts(count: number): FlinkHost[] {
  return Array.from({ length: count }, (_, i) => {
    const rack = i % 10;
    const cores = [16, 24, 32][rack % 3]!;
    return host(i, `rack-${rack}`, cores, cores * 4);
  });
}

/** So many TaskManagers in as many clusters, each with a JobManager and some room for rescaling. */
export function largeClusters(managers: number, clusters: number): ClusterDemand[] {
  return Array.from({ length: clusters }, (_, i) => ({
    id: `cluster-${i}`,
    priority: i % 3,
    groups: [
      { role: 'jobmanager', count: 1, size: jobManager },
      {
        role: 'taskmanager',
        count: Math.floor(managers / clusters),
        size: taskManager([2, 2, 4][i % 3]!, [6, 8, 12][i % 3]!),
        headroom: 2,
      },
    ],
  }));
}

/** Hosts and clusters of unlike shapes, few enough for an exact answer. */
export function smallInstance(seed: number): PlacementInput {
  const random = seededRandom(seed);
  const racks = random.integer(1, 4);
  const hosts = Array.from({ length: random.integer(4, 24) }, (_, i) => {
    const cores = random.pick([4, 8, 12, 16]);
    return host(i, `rack-${i % racks}`, cores, cores * random.pick([2, 4, 6]));
  });
  const clusters = Array.from({ length: random.integer(1, 5) }, (_, i) => smallCluster(random, i));
  return { hosts, clusters };
}

function smallCluster({ integer, pick, next }: Random, i: number): ClusterDemand {
  return {
    id: `cluster-${i}`,
    priority: 0,
    groups: [
      { role: 'jobmanager', count: 1, size: jobManager },
      {
        role: 'taskmanager',
        count: integer(1, 14),
        size: taskManager(integer(1, 5), pick([2, 3, 4, 6, 8, 10, 12, 16])),
        ...(next() < 0.3 && { maxPerHost: integer(1, 3) }),
      },
    ],
  };
}

function taskManager(cores: number, memoryGib: number): ProcessSize {
  return {
    cpuMillis: cores * 1_000,
    memoryBytes: memoryGib * gib,
    diskBytes: 20 * gib,
    ports: 3,
    slots: cores,
  };
}

function host(i: number, rack: string, cores: number, memoryGib: number): FlinkHost {
  return {
    id: `host-${String(i).padStart(3, '0')}`,
    rack,
    cpuMillis: cores * 1_000,
    memoryBytes: memoryGib * gib,
    disks: [{ mountPoint: '/data', bytes: 400 * gib }],
    ports: { first: 20_000, last: 20_099 },
  };
}
