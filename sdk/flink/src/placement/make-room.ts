import { whyNot } from './eligibility.ts';
import type { Group, Packing } from './packing.ts';
import type { PlacedProcess } from './placement.ts';

/**
 * A cluster that runs and has lost its JobManager does nothing: when there is no room for another one, the fewest of its own TaskManagers give theirs, all on one host.
 */
export function makeRoomForJobManager(packing: Packing, jobManager: Group): void {
  const { cluster, demand } = jobManager;
  const workers = cluster.groups.find(({ role }) => role === 'taskmanager');
  if (workers === undefined || packing.supplies(jobManager).length > 0) return;
  const group = { cluster, demand: workers };
  const byHost = Map.groupBy(packing.processesOf(cluster.id, workers.role), ({ host }) => host);
  let fewest: readonly PlacedProcess[] | undefined;
  for (const [host, own] of [...byHost].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const room = packing.rooms[packing.numberOf(host)!]!;
    if (whyNot(cluster, room.host) !== undefined) continue;
    const removed: PlacedProcess[] = [];
    for (const process of own.toSorted((a, b) => b.number - a.number)) {
      if (room.count(demand.size) >= 1) break;
      take(packing, group, process);
      removed.push(process);
    }
    const isEnough = room.count(demand.size) >= 1;
    for (const process of removed.toReversed()) {
      packing.place(group, packing.numberOf(host)!, process);
    }
    if (isEnough && (fewest === undefined || removed.length < fewest.length)) fewest = removed;
  }
  for (const process of fewest ?? []) take(packing, group, process);
}

/** Its number is not free by that: it still runs. */
function take(packing: Packing, group: Group, process: PlacedProcess): void {
  packing.remove(group, process.number);
  packing.takeNumber(process);
}
