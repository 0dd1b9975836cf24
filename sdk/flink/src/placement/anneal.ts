import { seededRandom } from '@tessera/base';
import type { Attempt } from './attempt.ts';
import { evenShare, type Newcomer, rackCounts } from './fill.ts';
import { Layout } from './layout.ts';
import { type Group, keyOf, type Packing } from './packing.ts';

/** Moves that are tried: some ten milliseconds. */
const moveCount = 100_000;
const hottest = 0.6;
const coldest = 0.03;

/**
 * Groups placed one after the other each choose the hosts that suit them best, not those that suit all of them. Moves newcomers about, at first also to where it costs more (simulated
 * annealing, Kirkpatrick 1983), and leaves them in the cheapest places that were found, if that is cheaper than before. Drawn from a fixed seed; what was placed before does not move.
 */
export function anneal(attempt: Attempt, least: number): void {
  const { packing, newcomers } = attempt;
  const movable = newcomers.filter(({ group }) => !packing.isBound(group.cluster));
  if (movable.length < 2) return;
  const layout = layoutOf(attempt, movable);
  const cheapest = search(layout, attempt.cost, least);
  if (cheapest === undefined) return;
  settle(attempt, movable, cheapest);
}

/** The hosts of all movable processes in the cheapest layout that was met; `undefined`: none cheaper than before. */
function search(layout: Layout, before: number, least: number): Int32Array | undefined {
  const { next, integer } = seededRandom(1);
  const last = layout.hosts.length - 1;
  let cost = before;
  let lowest = before;
  const cheapest = layout.hosts.slice();
  const cooling = (coldest / hottest) ** (1 / moveCount);
  let heat = hottest;
  for (let i = 0; i < moveCount && lowest > least; i++) {
    heat *= cooling;
    const one = integer(0, last);
    const other = integer(0, last);
    const kind = next();
    const isSwap = kind < 0.4;
    // Mostly to where another process is: to an empty host only now and then.
    const target = kind < 0.94 ? layout.hosts[other]! : integer(0, layout.hostCount - 1);
    const isDone = isSwap ? layout.swap(one, other) : layout.move(one, target);
    if (!isDone) continue;
    if (layout.score > 0 && next() >= Math.exp(-layout.score / heat)) {
      layout.undo();
      continue;
    }
    cost += layout.cost;
    if (cost >= lowest) continue;
    lowest = cost;
    cheapest.set(layout.hosts);
  }
  return lowest < before ? cheapest : undefined;
}

/** Processes of a group by host. */
function hostCounts(packing: Packing, { cluster, demand }: Group): number[] {
  const counts = new Array<number>(packing.rooms.length).fill(0);
  for (const { host } of packing.processesOf(cluster.id, demand.role)) {
    counts[packing.numberOf(host)!]!++;
  }
  return counts;
}

function layoutOf({ packing, groups }: Attempt, movable: readonly Newcomer[]): Layout {
  const keys = groups.map(({ cluster, demand }) => keyOf(cluster.id, demand.role));
  const numberOf = new Map(keys.map((key, number) => [key, number]));
  const groupNumber = ({ cluster, demand }: Group) => numberOf.get(keyOf(cluster.id, demand.role))!;
  return new Layout({
    rooms: packing.rooms.map((room) => ({ ...room.free, processCount: room.processCount })),
    racks: packing.racks,
    groups: groups.map((group) => ({
      size: group.demand.size,
      evenShare: evenShare(packing, group),
      rackCounts: rackCounts(packing, group),
      maxPerHost: group.demand.maxPerHost ?? Number.MAX_SAFE_INTEGER,
      hostCounts: hostCounts(packing, group),
      mayUse: packing.mayUse(group.cluster),
    })),
    processes: movable.map(({ group, process }) => ({
      group: groupNumber(group),
      host: packing.numberOf(process.host)!,
    })),
  });
}

/** Places everything that moved again; back as it was, when disks turn out not to be divisible so. */
function settle(attempt: Attempt, movable: readonly Newcomer[], hosts: Int32Array): void {
  const { packing, newcomers } = attempt;
  for (const { group, process } of movable) packing.remove(group, process.number);
  const placed: Newcomer[] = [];
  for (const [i, { group }] of movable.entries()) {
    if (packing.rooms[hosts[i]!]!.count(group.demand.size) < 1) break;
    placed.push({ group, process: packing.place(group, hosts[i]!) });
  }
  if (placed.length === movable.length) {
    attempt.newcomers = [...newcomers.filter((each) => !movable.includes(each)), ...placed];
    return;
  }
  for (const { group, process } of placed) packing.remove(group, process.number);
  for (const { group, process } of movable) {
    packing.place(group, packing.numberOf(process.host)!, process);
  }
}
