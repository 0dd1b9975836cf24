import { type Cluster, rackSizes } from './cluster.ts';

/**
 * The bytes that each host should hold: in proportion to its capacity, but no host more than one copy of everything and
 * no rack more than the replicas it may hold. What those cannot take is spread over the others, by the same rule.
 * `copyBytes` is one copy of every segment.
 */
export function evenShares(cluster: Cluster, copyBytes: number): Float64Array {
  const { racks, rackCount, capacities, replication, replicasPerRack } = cluster;
  const shares = new Float64Array(capacities.length);
  if (copyBytes === 0 || shares.length === 0) return shares;
  const full = copyBytes / capacities.reduce((least, capacity) => Math.min(least, capacity));
  const limits = Array.from(
    rackSizes(racks, rackCount),
    (size) => Math.min(size, replicasPerRack) * copyBytes,
  );
  const sums = new Float64Array(rackCount);
  /** Bytes of each rack when every host holds `level` for each byte of its capacity. */
  const fill = (level: number) => {
    sums.fill(0);
    for (let host = 0; host < racks.length; host++) {
      sums[racks[host]!]! += Math.min(copyBytes, level * capacities[host]!);
    }
    return sums;
  };
  const all = () => limits.reduce((sum, limit, rack) => sum + Math.min(limit, sums[rack]!), 0);
  const common = leastLevel(full, (level) => {
    fill(level);
    return all() >= replication * copyBytes;
  });
  const atCommon = fill(common).slice();
  const levels = limits.map((limit, rack) =>
    atCommon[rack]! > limit ? leastLevel(common, (level) => fill(level)[rack]! >= limit) : common,
  );
  for (let host = 0; host < racks.length; host++) {
    shares[host] = Math.min(copyBytes, levels[racks[host]!]! * capacities[host]!);
  }
  return shares;
}

/** The least level up to `highest` that is enough. Halving a double's range a hundred times leaves nothing to halve. */
function leastLevel(highest: number, isEnough: (level: number) => boolean): number {
  let [low, high] = [0, highest];
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (isEnough(middle)) high = middle;
    else low = middle;
  }
  return high;
}
