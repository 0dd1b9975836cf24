import type { ProcessSize } from './placement.ts';
import type { Resource } from './room.ts';

export interface LayoutInput {
  /** What is free beside all processes, by host. */
  readonly rooms: readonly (Readonly<Record<Resource, number>> & {
    readonly processCount: number;
  })[];
  /** By host. */
  readonly racks: readonly number[];
  readonly groups: readonly LayoutGroup[];
  /** Those that may be moved. */
  readonly processes: readonly { readonly group: number; readonly host: number }[];
}

export interface LayoutGroup {
  readonly size: ProcessSize;
  readonly evenShare: number;
  readonly rackCounts: readonly number[];
  readonly hostCounts: readonly number[];
  readonly maxPerHost: number;
  /** By host. */
  readonly mayUse: readonly boolean[];
}

/** Outweighed by any cost. */
const unlikeness = 0.4;

/** Processes on hosts as plain numbers, so that many thousand moves can be tried. */
export class Layout {
  /** What the last move or swap changed of the cost. */
  cost = 0;
  /** As `cost`, with a preference for unlike hosts: the emptiest can be closed next. */
  score = 0;
  /** Of each movable process. */
  readonly hosts: Int32Array;
  readonly hostCount: number;
  readonly #groupOf: Int32Array;
  readonly #groups: readonly LayoutGroup[];
  readonly #racks: readonly number[];
  readonly #rackCount: number;
  /** Four amounts for each host: processors, memory, disk, ports. */
  readonly #free: Float64Array;
  readonly #needs: Float64Array;
  readonly #processCounts: Int32Array;
  /** By group and rack. */
  readonly #inRack: Int32Array;
  /** By group and host. */
  readonly #onHost: Int32Array;
  /** What all processes of a host take of its size, from 0 to 1. */
  readonly #load: Float64Array;
  readonly #weights: Float64Array;
  /** One process and the host it came from, and another one and its host, or -1. */
  readonly #last = new Int32Array(4);

  constructor({ rooms, racks, groups, processes }: LayoutInput) {
    this.hosts = Int32Array.from(processes, ({ host }) => host);
    this.hostCount = rooms.length;
    this.#groupOf = Int32Array.from(processes, ({ group }) => group);
    this.#groups = groups;
    this.#racks = racks;
    this.#rackCount = Math.max(...racks) + 1;
    this.#free = Float64Array.from(
      rooms.flatMap(({ cpu, memory, disk, ports }) => [cpu, memory, disk, ports]),
    );
    this.#needs = Float64Array.from(
      groups.flatMap(({ size }) => [size.cpuMillis, size.memoryBytes, size.diskBytes, size.ports]),
    );
    this.#processCounts = Int32Array.from(rooms, ({ processCount }) => processCount);
    this.#inRack = new Int32Array(groups.length * this.#rackCount);
    this.#onHost = new Int32Array(groups.length * this.hostCount);
    for (const [group, { rackCounts, hostCounts }] of groups.entries()) {
      this.#inRack.set(rackCounts, group * this.#rackCount);
      this.#onHost.set(hostCounts, group * this.hostCount);
    }
    const memory = rooms.reduce((sum, room) => sum + room.memory, 0) / rooms.length;
    const cpu = rooms.reduce((sum, room) => sum + room.cpu, 0) / rooms.length;
    this.#weights = Float64Array.from(groups, ({ size }) =>
      Math.max(size.memoryBytes / Math.max(1, memory), size.cpuMillis / Math.max(1, cpu)),
    );
    this.#load = new Float64Array(rooms.length);
    this.hosts.forEach((host, process) => {
      this.#load[host]! += this.#weights[this.#groupOf[process]!]!;
    });
  }

  /** Moves a process; false when there is no room for it. */
  move(process: number, to: number): boolean {
    const from = this.hosts[process]!;
    if (from === to || !this.#fits(process, to)) return false;
    this.#begin(process, from, -1, -1);
    this.#put(process, to);
    return true;
  }

  /** Exchanges two processes; false when one finds no room though the other is gone. */
  swap(one: number, other: number): boolean {
    const first = this.hosts[one]!;
    const second = this.hosts[other]!;
    if (first === second || this.#groupOf[one] === this.#groupOf[other]) return false;
    this.#take(one, first, -1);
    this.#take(other, second, -1);
    const fit = this.#fits(one, second) && this.#fits(other, first);
    this.#take(one, first, 1);
    this.#take(other, second, 1);
    if (!fit) return false;
    this.#begin(one, first, other, second);
    this.#put(one, second);
    this.#put(other, first);
    return true;
  }

  /** Takes the last move or swap back. */
  undo(): void {
    this.#put(this.#last[0]!, this.#last[1]!);
    if (this.#last[2]! >= 0) this.#put(this.#last[2]!, this.#last[3]!);
  }

  #begin(one: number, first: number, other: number, second: number): void {
    this.#last[0] = one;
    this.#last[1] = first;
    this.#last[2] = other;
    this.#last[3] = second;
    this.cost = 0;
    this.score = 0;
  }

  #fits(process: number, host: number): boolean {
    const group = this.#groupOf[process]!;
    const { mayUse, maxPerHost } = this.#groups[group]!;
    if (!mayUse[host] || this.#onHost[group * this.hostCount + host]! >= maxPerHost) return false;
    for (let i = 0; i < 4; i++) {
      if (this.#free[4 * host + i]! < this.#needs[4 * group + i]!) return false;
    }
    return true;
  }

  #put(process: number, to: number): void {
    const from = this.hosts[process]!;
    const group = this.#groupOf[process]!;
    const { evenShare } = this.#groups[group]!;
    const racks = group * this.#rackCount;
    const old = racks + this.#racks[from]!;
    const next = racks + this.#racks[to]!;
    const weight = this.#weights[group]!;
    const gain = weight * (this.#load[from]! - this.#load[to]! - weight);
    let cost = 0;
    if (this.#processCounts[from] === 1) cost--;
    if (this.#processCounts[to] === 0) cost++;
    if (old !== next && this.#inRack[old]! > evenShare) cost--;
    if (old !== next && this.#inRack[next]! >= evenShare) cost++;
    this.#take(process, from, -1);
    this.#take(process, to, 1);
    this.#inRack[old]!--;
    this.#inRack[next]!++;
    this.#load[from]! -= weight;
    this.#load[to]! += weight;
    this.hosts[process] = to;
    this.cost += cost;
    this.score += cost + unlikeness * gain;
  }

  #take(process: number, host: number, count: number): void {
    const group = this.#groupOf[process]!;
    for (let i = 0; i < 4; i++) this.#free[4 * host + i]! -= count * this.#needs[4 * group + i]!;
    this.#onHost[group * this.hostCount + host]! += count;
    this.#processCounts[host]! += count;
  }
}
