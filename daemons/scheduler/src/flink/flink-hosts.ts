import { resourceIdOf } from '@tessera/base';
import type { FlinkHost } from '@tessera/flink';
import type { SeenHost } from '../hosts/observe-hosts.ts';

/** Hosts as placement sees them. */

/** Of a host's memory, for the system and other daemons; and at least `leastReservedBytes`. */
const reservedFraction = 0.1;
const leastReservedBytes = 512 * 2 ** 20;
/** Of a disk: the rest is for artifacts, logs and others. */
const diskFraction = 0.8;

/**
 * What Flink may use of a host; `undefined`: it says nothing of itself. Daemons of deployments count their ports from the first on, so Flink has those of the upper half.
 * @param unfit why nothing new is placed there
 */
export function flinkHostOf(
  { name, labels, rack, inventory }: SeenHost,
  unfit?: string,
): FlinkHost | undefined {
  if (inventory === undefined) return undefined;
  const { cpuCount, disks, ports: range } = inventory;
  const memoryBytes = Number(inventory.memoryBytes);
  const reserved = Math.max(leastReservedBytes, Math.floor(memoryBytes * reservedFraction));
  const { first, last } = range ?? { first: 1, last: 0 };
  return {
    id: resourceIdOf(name),
    labels,
    ...(rack !== '' && { rack }),
    cpuMillis: cpuCount * 1_000,
    memoryBytes: Math.max(0, memoryBytes - reserved),
    disks: disks.map(({ mountPoint, sizeBytes }) => ({
      mountPoint,
      bytes: Math.floor(Number(sizeBytes) * diskFraction),
    })),
    ports: { first: first + Math.ceil((last - first + 1) / 2), last },
    ...(unfit !== undefined && { unfit }),
  };
}
