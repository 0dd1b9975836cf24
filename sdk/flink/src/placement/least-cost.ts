import type { FlinkHost, PlacementInput, ProcessSize } from './placement.ts';

/** No placement of everything costs less: so many of the largest hosts are needed for the sum of one resource, taken by itself. */
export function leastCost({ clusters, hosts }: PlacementInput): number {
  const groups = clusters.flatMap((cluster) => cluster.groups);
  const hostsFor = (need: (size: ProcessSize) => number, has: (host: FlinkHost) => number) => {
    let left = groups.reduce((sum, { count, size }) => sum + count * need(size), 0);
    const sizes = hosts.map(has).sort((a, b) => b - a);
    let count = 0;
    for (; left > 0 && count < sizes.length; count++) left -= sizes[count]!;
    return count;
  };
  return Math.max(
    hostsFor(
      ({ cpuMillis }) => cpuMillis,
      ({ cpuMillis }) => cpuMillis,
    ),
    hostsFor(
      ({ memoryBytes }) => memoryBytes,
      ({ memoryBytes }) => memoryBytes,
    ),
    hostsFor(
      ({ ports }) => ports,
      ({ ports: { first, last } }) => last - first + 1,
    ),
  );
}
