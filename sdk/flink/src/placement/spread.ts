/**
 * How many processes of one group each host gets. What it costs is one for each host that is opened and one for each process beyond its rack's even share; among equal costs the
 * racks are as even as can be. For one group that is exact: by dynamic programming over the racks, each with the fewest hosts that hold so many.
 */

/** A host that may hold some of the group. */
export interface Supply {
  /** Whose it is, for the caller. */
  readonly host: number;
  readonly rack: number;
  /** How many more fit. */
  readonly room: number;
  /** Whether it holds processes already: it costs nothing then. */
  readonly isUsed: boolean;
}

export interface SpreadDemand {
  readonly wanted: number;
  /** Processes of the group that a rack holds already, by rack. */
  readonly kept: readonly number[];
  /** What a rack may hold before each further one costs. */
  readonly evenShare: number;
}

/** Outweighs every unevenness: the sum of squares of up to 30,000 processes in a rack. */
const oneUnit = 2 ** 30;

/** Processes by host. Fewer than wanted only when there is no more room. */
export function spread(supplies: readonly Supply[], demand: SpreadDemand): Map<number, number> {
  const racks = demand.kept.map((): Supply[] => []);
  for (const supply of supplies) racks[supply.rack]!.push(supply);
  const room = supplies.reduce((sum, supply) => sum + supply.room, 0);
  const wanted = Math.min(demand.wanted, room);
  const shares = cheapestShares(
    racks.map((hosts, rack) => rackCosts(hosts, wanted, demand.kept[rack]!, demand.evenShare)),
    wanted,
  );
  const counts = new Map<number, number>();
  shares.forEach((share, rack) => {
    fillRack(racks[rack]!, share, counts);
  });
  return counts;
}

/** What it costs that a rack takes 0, 1, 2 … more processes, as far as it has room. */
function rackCosts(
  hosts: readonly Supply[],
  wanted: number,
  kept: number,
  evenShare: number,
): Float64Array {
  const used = hosts.filter(({ isUsed }) => isUsed).reduce((sum, { room }) => sum + room, 0);
  const unused = hosts
    .filter(({ isUsed }) => !isUsed)
    .map(({ room }) => room)
    .sort((a, b) => b - a);
  const room = unused.reduce((sum, each) => sum + each, used);
  const costs = new Float64Array(Math.min(wanted, room) + 1);
  let opened = 0;
  let held = used;
  for (let count = 0; count < costs.length; count++) {
    while (held < count) held += unused[opened++]!;
    const uneven = Math.max(0, kept + count - Math.max(kept, evenShare));
    costs[count] = oneUnit * (opened + uneven) + (kept + count) ** 2;
  }
  return costs;
}

/** How many each rack takes so that all costs together are least. */
function cheapestShares(costs: readonly Float64Array[], wanted: number): number[] {
  let least = new Float64Array(wanted + 1).fill(Number.POSITIVE_INFINITY);
  least[0] = 0;
  let reach = 0;
  const choices = costs.map((rack) => {
    const next = new Float64Array(wanted + 1).fill(Number.POSITIVE_INFINITY);
    const choice = new Int32Array(wanted + 1);
    for (let before = 0; before <= reach; before++) {
      const most = Math.min(rack.length - 1, wanted - before);
      for (let count = 0; count <= most; count++) {
        const cost = least[before]! + rack[count]!;
        if (cost >= next[before + count]!) continue;
        next[before + count] = cost;
        choice[before + count] = count;
      }
    }
    reach = Math.min(wanted, reach + rack.length - 1);
    least = next;
    return choice;
  });
  let left = wanted;
  const shares = choices.map(() => 0);
  for (let rack = choices.length - 1; rack >= 0; rack--) {
    shares[rack] = choices[rack]![left]!;
    left -= shares[rack]!;
  }
  return shares;
}

/** Used hosts first, the tightest of them first; then as few others as do, and of those the smallest. */
function fillRack(hosts: readonly Supply[], share: number, counts: Map<number, number>): void {
  let left = share;
  const put = ({ host, room }: Supply) => {
    const count = Math.min(room, left);
    if (count > 0) counts.set(host, count);
    left -= count;
  };
  for (const supply of hosts.filter(({ isUsed }) => isUsed).sort(byRoom)) put(supply);
  const unused = hosts.filter(({ isUsed }) => !isUsed).sort(byRoom);
  for (const supply of smallestFew(unused, left)) put(supply);
}

function byRoom(a: Supply, b: Supply): number {
  return a.room - b.room || a.host - b.host;
}

/** Of hosts in ascending order of room: as few as hold the share, each as small as the others allow; the largest first. */
function smallestFew(hosts: readonly Supply[], share: number): Supply[] {
  const largest = hosts.toReversed();
  let few = 0;
  for (let held = 0; held < share; few++) held += largest[few]!.room;
  const chosen: Supply[] = [];
  let end = hosts.length;
  let left = share;
  for (let more = few; more > 0; more--) {
    // The smallest host such that the largest ones below it hold the rest.
    let at = end - 1;
    while (at >= more && roomOf(hosts, at - more, at) >= left) at--;
    chosen.push(hosts[at]!);
    left -= hosts[at]!.room;
    end = at;
  }
  return chosen;
}

/** Room of the hosts from `start` on, before `end`. */
function roomOf(hosts: readonly Supply[], start: number, end: number): number {
  let room = 0;
  for (let i = start; i < end; i++) room += hosts[i]!.room;
  return room;
}
