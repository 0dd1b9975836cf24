import type { FlinkHost, PlacedProcess, PlacementInput, ProcessSize } from '@tessera/flink';

/**
 * The usual way: the largest processes first, each into the rack that has the fewest of its group, on the first host there with room, hosts in use before others. `undefined` when one finds
 * no room.
 */
export function firstFit({ hosts, clusters }: PlacementInput): PlacedProcess[] | undefined {
  const free = new Map(hosts.map((host) => [host.id, freeOf(host)]));
  const processes: PlacedProcess[] = [];
  const groups = clusters
    .flatMap(({ id, groups: own }) => own.map((group) => ({ cluster: id, ...group })))
    .sort((a, b) => b.size.cpuMillis - a.size.cpuMillis || b.size.memoryBytes - a.size.memoryBytes);
  for (const { cluster, role, count, size, maxPerHost = count } of groups) {
    const inRack = new Map<string, number>();
    const onHost = new Map<string, number>();
    for (let number = 1; number <= count; number++) {
      const rank = ({ id, rack = '' }: FlinkHost) =>
        2 * (inRack.get(rack) ?? 0) + (free.get(id)!.isUsed ? 0 : 1);
      const [host] = hosts
        .filter(({ id }) => fits(free.get(id)!, size) && (onHost.get(id) ?? 0) < maxPerHost)
        .sort((a, b) => rank(a) - rank(b));
      if (host === undefined) return undefined;
      take(free.get(host.id)!, size);
      inRack.set(host.rack ?? '', (inRack.get(host.rack ?? '') ?? 0) + 1);
      onHost.set(host.id, (onHost.get(host.id) ?? 0) + 1);
      processes.push({ cluster, role, number, host: host.id, ports: [] });
    }
  }
  return processes;
}

interface Free {
  cpuMillis: number;
  memoryBytes: number;
  diskBytes: number;
  isUsed: boolean;
}

function freeOf({ cpuMillis, memoryBytes, disks }: FlinkHost): Free {
  const diskBytes = disks.reduce((sum, { bytes }) => sum + bytes, 0);
  return { cpuMillis, memoryBytes, diskBytes, isUsed: false };
}

function fits(free: Free, size: ProcessSize): boolean {
  return (
    free.cpuMillis >= size.cpuMillis &&
    free.memoryBytes >= size.memoryBytes &&
    free.diskBytes >= size.diskBytes
  );
}

function take(free: Free, size: ProcessSize): void {
  free.cpuMillis -= size.cpuMillis;
  free.memoryBytes -= size.memoryBytes;
  free.diskBytes -= size.diskBytes;
  free.isUsed = true;
}
