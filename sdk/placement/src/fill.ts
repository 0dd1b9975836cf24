import { invariant } from '@tessera/base';
import type { Assignment } from './assignment.ts';

/** Gives every segment the replicas that it lacks: on the nearest hosts with room, or on the emptiest when none has. */
export function fillUp(assignment: Assignment, bound: number): void {
  const { cluster, segments } = assignment;
  for (let segment = 0; segment < segments.ids.length; segment++) {
    for (let has = assignment.hostsOf(segment).length; has < cluster.replication; has++) {
      const near = assignment.nearest(segment, bound);
      const host = near < 0 ? assignment.emptiest(segment) : near;
      invariant(host >= 0, 'racks leave room for every replica');
      assignment.add(segment, host);
    }
  }
}
