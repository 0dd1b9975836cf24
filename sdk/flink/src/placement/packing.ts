import { invariant } from '@tessera/base';
import { whyNot } from './eligibility.ts';
import type {
  ClusterDemand,
  GroupDemand,
  PlacedProcess,
  PlacementInput,
  ProcessRole,
  Quota,
  Reservation,
} from './placement.ts';
import { Room } from './room.ts';
import type { Supply } from './spread.ts';

const quotaResources = ['cpuMillis', 'memoryBytes', 'slots'] as const;
type QuotaUse = Readonly<Record<(typeof quotaResources)[number], number>>;

/** A group with the cluster whose it is. */
export interface Group {
  readonly cluster: ClusterDemand;
  readonly demand: GroupDemand;
}

/** Hosts while they are being filled. */
export class Packing {
  readonly rooms: readonly Room[];
  /** Rack of each host, by number. */
  readonly racks: readonly number[];
  readonly rackCount: number;
  readonly reservations: Reservation[] = [];
  /** By group, once they are known: they depend on nothing that changes here. */
  readonly evenShares = new Map<string, number>();
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #processes = new Map<string, PlacedProcess[]>();
  readonly #quotas: ReadonlyMap<string, Quota>;
  readonly #quotaUse = new Map<string, QuotaUse>();
  /** Numbers that processes had before, by group: not given again while they may still run. */
  readonly #taken = new Map<string, Set<number>>();
  /** No number below is free, by group. */
  readonly #lowest = new Map<string, number>();
  /** By cluster. */
  readonly #mayUse = new Map<string, readonly boolean[]>();
  /** Clusters that must not be on one host, both ways. */
  readonly #apart = new Map<string, Set<string>>();

  constructor({ hosts, clusters, quotas = new Map() }: PlacementInput) {
    const sorted = hosts.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.rooms = sorted.map((host) => new Room(host));
    this.#numbers = new Map(sorted.map(({ id }, number) => [id, number]));
    invariant(this.#numbers.size === sorted.length, 'no host is named twice');
    const rackNames = [...new Set(sorted.map(({ rack }) => rack ?? ''))].sort();
    this.racks = sorted.map(({ rack }) => rackNames.indexOf(rack ?? ''));
    this.rackCount = rackNames.length;
    this.#quotas = quotas;
    for (const { id, apartFrom = [] } of clusters) {
      for (const other of apartFrom) {
        this.#apart.set(id, (this.#apart.get(id) ?? new Set()).add(other));
        this.#apart.set(other, (this.#apart.get(other) ?? new Set()).add(id));
      }
    }
  }

  numberOf(host: string): number | undefined {
    return this.#numbers.get(host);
  }

  processesOf(cluster: string, role: ProcessRole): readonly PlacedProcess[] {
    return this.#processes.get(keyOf(cluster, role)) ?? [];
  }

  get processes(): readonly PlacedProcess[] {
    return [...this.#processes.values()].flat();
  }

  /** Its number is not given to another process. */
  takeNumber({ cluster, role, number }: Pick<PlacedProcess, 'cluster' | 'role' | 'number'>): void {
    const key = keyOf(cluster, role);
    const taken = this.#taken.get(key) ?? new Set();
    this.#taken.set(key, taken.add(number));
  }

  /** Places a new process, or one that was there before. */
  place({ cluster, demand }: Group, host: number, before?: PlacedProcess): PlacedProcess {
    const room = this.rooms[host]!;
    const key = keyOf(cluster.id, demand.role);
    const process: PlacedProcess = {
      cluster: cluster.id,
      role: demand.role,
      number: before?.number ?? this.#freeNumber(key),
      host: room.host.id,
      ...room.take(demand.size, before),
    };
    this.takeNumber(process);
    const placed = this.#processes.get(key);
    if (placed === undefined) this.#processes.set(key, [process]);
    else placed.push(process);
    this.#charge(cluster, demand, 1);
    return process;
  }

  /** Takes a process away that was placed just now. */
  remove({ cluster, demand }: Group, number: number): void {
    const key = keyOf(cluster.id, demand.role);
    const placed = this.#processes.get(key) ?? [];
    const at = placed.findIndex((process) => process.number === number);
    invariant(at >= 0, 'what is taken away was placed');
    const [process] = placed.splice(at, 1);
    this.rooms[this.#numbers.get(process!.host)!]!.giveBack(demand.size, process!);
    this.#taken.get(key)!.delete(number);
    this.#lowest.set(key, Math.min(this.#lowest.get(key) ?? 1, number));
    this.#charge(cluster, demand, -1);
  }

  /** Keeps room free for so many of a group. */
  reserve({ cluster, demand }: Group, host: number, count: number): void {
    const room = this.rooms[host]!;
    for (let i = 0; i < count; i++) room.reserve(demand.size);
    this.reservations.push({ cluster: cluster.id, role: demand.role, host: room.host.id, count });
  }

  /** How many more of a group its quota allows. */
  allowance({ cluster, demand: { size } }: Group): number {
    const quota = cluster.quota === undefined ? undefined : this.#quotas.get(cluster.quota);
    if (quota === undefined) return Number.MAX_SAFE_INTEGER;
    const use = this.#useOf(cluster.quota!);
    const left = quotaResources.map((resource) => {
      const bound = quota[resource];
      if (bound === undefined || size[resource] === 0) return Number.MAX_SAFE_INTEGER;
      return Math.floor((bound - use[resource]) / size[resource]);
    });
    return Math.max(0, Math.min(...left));
  }

  /** Of what more of its quota is placed than there is: processes stay when they grow, or when it is lowered. */
  overdrawn({ quota }: ClusterDemand): readonly (keyof Quota)[] {
    const bounds = quota === undefined ? undefined : this.#quotas.get(quota);
    if (bounds === undefined) return [];
    const use = this.#useOf(quota!);
    return quotaResources.filter((resource) => use[resource] > (bounds[resource] ?? Infinity));
  }

  /** Whether rules about other clusters bind a cluster. */
  isBound({ id, besides }: ClusterDemand): boolean {
    return this.#apart.has(id) || besides !== undefined;
  }

  /** How many more of a group each host may hold. */
  supplies({ cluster, demand }: Group): Supply[] {
    const own = new Map<string, number>();
    for (const { host } of this.processesOf(cluster.id, demand.role)) {
      own.set(host, (own.get(host) ?? 0) + 1);
    }
    const mayUse = this.mayUse(cluster);
    const mayJoin = this.#companyOf(cluster);
    const { maxPerHost = Number.MAX_SAFE_INTEGER } = demand;
    const supplies: Supply[] = [];
    for (const [host, room] of this.rooms.entries()) {
      if (!mayUse[host] || !mayJoin(room.host.id)) continue;
      const most = maxPerHost - (own.get(room.host.id) ?? 0);
      const count = Math.min(room.count(demand.size), most);
      if (count <= 0) continue;
      supplies.push({ host, rack: this.racks[host]!, room: count, isUsed: room.isUsed });
    }
    return supplies;
  }

  /** Whether a cluster may use each host, whatever room it has. */
  mayUse(cluster: ClusterDemand): readonly boolean[] {
    const known = this.#mayUse.get(cluster.id);
    if (known !== undefined) return known;
    const mayUse = this.rooms.map(({ host }) => whyNot(cluster, host) === undefined);
    this.#mayUse.set(cluster.id, mayUse);
    return mayUse;
  }

  #companyOf({ id, besides }: ClusterDemand): (host: string) => boolean {
    const avoided = this.#apart.get(id);
    if (avoided === undefined && besides === undefined) return () => true;
    const hostsOf = (isMeant: (cluster: string) => boolean) =>
      new Set(this.processes.filter(({ cluster }) => isMeant(cluster)).map(({ host }) => host));
    const bad = hostsOf((cluster) => avoided?.has(cluster) === true);
    const good = besides === undefined ? undefined : hostsOf((cluster) => cluster === besides);
    return (host) => !bad.has(host) && good?.has(host) !== false;
  }

  #freeNumber(key: string): number {
    const taken = this.#taken.get(key);
    let number = this.#lowest.get(key) ?? 1;
    while (taken?.has(number) === true) number++;
    this.#lowest.set(key, number);
    return number;
  }

  #useOf(quota: string): QuotaUse {
    return this.#quotaUse.get(quota) ?? { cpuMillis: 0, memoryBytes: 0, slots: 0 };
  }

  #charge({ quota }: ClusterDemand, { size }: GroupDemand, count: number): void {
    if (quota === undefined) return;
    const use = this.#useOf(quota);
    this.#quotaUse.set(quota, {
      cpuMillis: use.cpuMillis + count * size.cpuMillis,
      memoryBytes: use.memoryBytes + count * size.memoryBytes,
      slots: use.slots + count * size.slots,
    });
  }
}

export function keyOf(cluster: string, role: ProcessRole): string {
  return `${cluster}/${role}`;
}
