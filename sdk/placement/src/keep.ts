import type { Assignment } from './assignment.ts';
import type { Placement } from './placement.ts';

/**
 * Keeps replicas where they are. What is on hosts that are gone or drained is let go; where a segment has more replicas than
 * it should, or more in a rack, those on its nearest hosts stay.
 */
export function keepCurrent(assignment: Assignment, current: Placement): void {
  const { cluster, segments } = assignment;
  for (let segment = 0; segment < segments.ids.length; segment++) {
    const hosts: number[] = [];
    for (const id of current.get(segments.ids[segment]!) ?? []) {
      const host = cluster.numberOf.get(id);
      if (host !== undefined) hosts.push(host);
    }
    if (hosts.length > 1) {
      hosts.sort(
        (a, b) => assignment.distance(segment, a) - assignment.distance(segment, b) || a - b,
      );
    }
    let kept = 0;
    for (const host of hosts) {
      if (kept === cluster.replication) break;
      if (!assignment.mayHold(host, segment)) continue;
      assignment.add(segment, host);
      kept++;
    }
  }
}
