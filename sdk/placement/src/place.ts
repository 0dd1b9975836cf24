import { Assignment } from './assignment.ts';
import { balance } from './balance.ts';
import { type Cluster, clusterOf } from './cluster.ts';
import { conditionsOf } from './conditions.ts';
import { evenShares } from './even-shares.ts';
import { fillUp } from './fill.ts';
import { keepCurrent } from './keep.ts';
import {
  defaultTolerance,
  type PlacedSegment,
  type Placement,
  type PlacementHost,
  type PlacementOptions,
  type PlacementOutcome,
} from './placement.ts';
import { segmentTableOf } from './segment-table.ts';

/**
 * Where the replicas of each segment should be: on as many hosts as `replication`, in different racks where hosts name racks, and
 * spread in proportion to capacity. The same input gives the same placement, in whatever order it is handed in.
 *
 * With `current`, only what has to move does: replicas on hosts that are gone or drained, those that a host which joined takes as its share,
 * and what a host holds beyond the tolerance. Placing again with the outcome as `current` changes nothing.
 */
export function place(
  segments: readonly PlacedSegment[],
  hosts: readonly PlacementHost[],
  options: PlacementOptions,
): PlacementOutcome {
  const { replication, current, tolerance = defaultTolerance } = options;
  const cluster = clusterOf(hosts, replication);
  const table = segmentTableOf(segments);
  const assignment = new Assignment(cluster, table, evenShares(cluster, table.totalBytes));
  if (current !== undefined) keepCurrent(assignment, current);
  fillUp(assignment, 1 + tolerance / 2);
  balance(assignment, tolerance);
  return {
    placement: placementOf(assignment, cluster),
    conditions: conditionsOf(assignment, hosts, replication),
  };
}

function placementOf(assignment: Assignment, { ids }: Cluster): Placement {
  const placement = new Map<string, readonly string[]>();
  assignment.segments.ids.forEach((id, segment) => {
    const hosts = assignment.hostsOf(segment).slice().sort();
    placement.set(
      id,
      Array.from(hosts, (host) => ids[host]!),
    );
  });
  return placement;
}
