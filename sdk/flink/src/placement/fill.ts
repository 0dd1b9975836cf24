import { headroomShort, quotaOverdrawn, shortage, stillDraining } from './conditions.ts';
import type { Leftover } from './keep.ts';
import { makeRoomForJobManager } from './make-room.ts';
import { type Group, keyOf, type Packing } from './packing.ts';
import type { ClusterDemand, GroupDemand, PlacedProcess, PlacementCondition } from './placement.ts';
import { Room } from './room.ts';
import { spread } from './spread.ts';

export interface Filled {
  readonly conditions: readonly PlacementCondition[];
  /** Placed just now, with their groups. */
  readonly placed: readonly Newcomer[];
  /** Left where they should not be, for want of room. */
  readonly stuck: readonly PlacedProcess[];
  /** Wanted, and nowhere. */
  readonly missing: number;
}

export interface Newcomer {
  readonly group: Group;
  readonly process: PlacedProcess;
}

/**
 * Places what a cluster lacks and reserves its headroom. A cluster of which nothing runs is placed whole or not at all; one that runs gets as many as fit, and
 * what finds no room elsewhere stays where it is; its JobManager comes before its TaskManagers.
 */
export function fillCluster(packing: Packing, cluster: ClusterDemand, left: Leftover): Filled {
  const conditions: PlacementCondition[] = [];
  const placed: Newcomer[] = [];
  const stuck: PlacedProcess[] = [];
  let missing = 0;
  const isRunning = left.running.has(cluster.id);
  for (const demand of isRunning ? jobManagerFirst(cluster) : cluster.groups) {
    const group = { cluster, demand };
    if (isRunning && isWithoutJobManager(packing, group, left)) {
      makeRoomForJobManager(packing, group);
    }
    const newcomers = fillGroup(packing, group);
    placed.push(...newcomers);
    const lacking = demand.count - packing.processesOf(cluster.id, demand.role).length;
    if (lacking <= 0) continue;
    const stays = left.stranded.get(keyOf(cluster.id, demand.role))!.slice(0, lacking);
    stuck.push(...stays);
    missing += lacking - stays.length;
    if (stays.length > 0) conditions.push(stillDraining(packing, group, stays));
    if (stays.length < lacking) conditions.push(shortage(packing, group, lacking - stays.length));
  }
  if (missing > 0 && !isRunning) {
    for (const { group, process } of placed) packing.remove(group, process.number);
    const all = cluster.groups.reduce((sum, { count }) => sum + count, 0);
    return { conditions, placed: [], stuck: [], missing: all };
  }
  conditions.push(...quotaOverdrawn(packing, cluster));
  for (const demand of cluster.groups) {
    conditions.push(...reserveHeadroom(packing, { cluster, demand }));
  }
  return { conditions, placed, stuck, missing };
}

function jobManagerFirst({ groups }: ClusterDemand): readonly GroupDemand[] {
  const isFirst = ({ role }: GroupDemand) => (role === 'jobmanager' ? 0 : 1);
  return groups.toSorted((a, b) => isFirst(a) - isFirst(b));
}

/** One that stays on a host which should be emptied still does its work. */
function isWithoutJobManager(
  packing: Packing,
  { cluster, demand }: Group,
  left: Leftover,
): boolean {
  return (
    demand.role === 'jobmanager' &&
    packing.processesOf(cluster.id, demand.role).length < demand.count &&
    left.stranded.get(keyOf(cluster.id, demand.role))!.length === 0
  );
}

function fillGroup(packing: Packing, group: Group): Newcomer[] {
  const { cluster, demand } = group;
  const lacking = demand.count - packing.processesOf(cluster.id, demand.role).length;
  const wanted = Math.min(lacking, packing.allowance(group));
  if (wanted <= 0) return [];
  const counts = spreadOver(packing, group, wanted);
  return [...counts]
    .sort(([a], [b]) => a - b)
    .flatMap(([host, count]) =>
      Array.from({ length: count }, () => ({ group, process: packing.place(group, host) })),
    );
}

function spreadOver(packing: Packing, group: Group, wanted: number): Map<number, number> {
  return spread(packing.supplies(group), {
    wanted,
    kept: rackCounts(packing, group),
    evenShare: evenShare(packing, group),
  });
}

function reserveHeadroom(packing: Packing, group: Group): PlacementCondition[] {
  const { headroom = 0 } = group.demand;
  if (headroom === 0) return [];
  const counts = spreadOver(packing, group, Math.min(headroom, packing.allowance(group)));
  let reserved = 0;
  for (const [host, count] of [...counts].sort(([a], [b]) => a - b)) {
    packing.reserve(group, host, count);
    reserved += count;
  }
  return reserved < headroom ? [headroomShort(group, reserved)] : [];
}

/** Processes of a group by rack. */
export function rackCounts(packing: Packing, { cluster, demand }: Group): number[] {
  const counts = new Array<number>(packing.rackCount).fill(0);
  for (const { host } of packing.processesOf(cluster.id, demand.role)) {
    counts[packing.racks[packing.numberOf(host)!]!]!++;
  }
  return counts;
}

/** What each rack holds when a group is even over all racks that have a host for it. */
export function evenShare(packing: Packing, { cluster, demand }: Group): number {
  const key = keyOf(cluster.id, demand.role);
  const known = packing.evenShares.get(key);
  if (known !== undefined) return known;
  const racks = new Set<number>();
  const mayUse = packing.mayUse(cluster);
  for (const [number, { host }] of packing.rooms.entries()) {
    const rack = packing.racks[number]!;
    if (racks.has(rack) || !mayUse[number]) continue;
    if (new Room(host).count(demand.size) >= 1) racks.add(rack);
    if (racks.size === packing.rackCount) break;
  }
  const share = Math.ceil(demand.count / Math.max(1, racks.size));
  packing.evenShares.set(key, share);
  return share;
}
