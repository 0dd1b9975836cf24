import { byPriority } from './attempt.ts';
import type { ClusterDemand, FlinkHost, PlacementInput, ProcessSize } from './placement.ts';

/** Orders to place clusters in: by priority, and among equals the largest processes first, the most in all, or the smallest first. In a cluster the group that needs most comes first. */
export function ordersOf({ clusters, hosts }: PlacementInput): (readonly ClusterDemand[])[] {
  const weigh = weightIn(hosts);
  const largest = ({ groups }: ClusterDemand) =>
    Math.max(0, ...groups.map(({ size }) => weigh(size)));
  const total = ({ groups }: ClusterDemand) =>
    groups.reduce((sum, { size, count }) => sum + count * weigh(size), 0);
  const sorted = byPriority(clusters).map((cluster) => ({
    ...cluster,
    groups: cluster.groups.toSorted((a, b) => b.count * weigh(b.size) - a.count * weigh(a.size)),
  }));
  const orders = [
    (cluster: ClusterDemand) => -largest(cluster),
    (cluster: ClusterDemand) => -total(cluster),
    largest,
  ].map((rank) => sorted.toSorted((a, b) => b.priority - a.priority || rank(a) - rank(b)));
  const isKnown = new Set<string>();
  return orders.filter((order) => {
    const name = order.map(({ id }) => id).join();
    return !isKnown.has(name) && isKnown.add(name);
  });
}

/** How large a process is: the most that it takes of any resource of a host of average size. */
function weightIn(hosts: readonly FlinkHost[]): (size: ProcessSize) => number {
  const mean = (has: (host: FlinkHost) => number) =>
    Math.max(1, hosts.reduce((sum, host) => sum + has(host), 0) / Math.max(1, hosts.length));
  const cpuMillis = mean((host) => host.cpuMillis);
  const memoryBytes = mean((host) => host.memoryBytes);
  return (size) => Math.max(size.cpuMillis / cpuMillis, size.memoryBytes / memoryBytes);
}
