import type { FlinkHost, ProcessSize } from './placement.ts';

/** Ports and disk that a process was given. */
export interface Lodging {
  readonly ports: readonly number[];
  readonly disk?: string;
}

/** What is left of one host. */
export class Room {
  readonly host: FlinkHost;
  #cpuMillis: number;
  #memoryBytes: number;
  readonly #diskBytes: number[];
  readonly #usedPorts: Set<number>;
  #processCount = 0;

  constructor(host: FlinkHost) {
    this.host = host;
    this.#cpuMillis = host.cpuMillis;
    this.#memoryBytes = host.memoryBytes;
    this.#diskBytes = host.disks.map(({ bytes }) => bytes);
    this.#usedPorts = new Set();
  }

  /** Processes that are here; reserved room is not counted. */
  get processCount(): number {
    return this.#processCount;
  }

  get isUsed(): boolean {
    return this.#processCount > 0;
  }

  /** Free amounts, those of all disks together. */
  get free(): Readonly<Record<Resource, number>> {
    const { first, last } = this.host.ports;
    return {
      cpu: this.#cpuMillis,
      memory: this.#memoryBytes,
      disk: this.#diskBytes.reduce((sum, free) => sum + free, 0),
      ports: last - first + 1 - this.#usedPorts.size,
    };
  }

  /** How many more processes of this size fit. */
  count(size: ProcessSize): number {
    return Math.min(
      this.countBy('cpu', size),
      this.countBy('memory', size),
      this.countBy('ports', size),
      this.countBy('disk', size),
    );
  }

  /** How many more would fit if nothing but this resource mattered. */
  countBy(resource: Resource, size: ProcessSize): number {
    const { first, last } = this.host.ports;
    if (resource === 'cpu') return times(this.#cpuMillis, size.cpuMillis);
    if (resource === 'memory') return times(this.#memoryBytes, size.memoryBytes);
    if (resource === 'ports') return times(last - first + 1 - this.#usedPorts.size, size.ports);
    if (size.diskBytes === 0) return Number.MAX_SAFE_INTEGER;
    let count = 0;
    for (const free of this.#diskBytes) count += times(free, size.diskBytes);
    return count;
  }

  /** Gives room to a process, on the disk with the most room; what it had already it keeps when that is still free and enough. */
  take(size: ProcessSize, had?: Lodging): Lodging {
    this.#cpuMillis -= size.cpuMillis;
    this.#memoryBytes -= size.memoryBytes;
    this.#processCount++;
    const ports = this.#takePorts(size.ports, had?.ports ?? []);
    const disk = this.#takeDisk(size.diskBytes, had?.disk);
    return { ports, ...(disk !== undefined && { disk }) };
  }

  /** As `take`, for room that nobody lives in yet. */
  reserve(size: ProcessSize): void {
    this.take(size);
    this.#processCount--;
  }

  giveBack(size: ProcessSize, { ports, disk }: Lodging): void {
    this.#cpuMillis += size.cpuMillis;
    this.#memoryBytes += size.memoryBytes;
    this.#processCount--;
    for (const port of ports) this.#usedPorts.delete(port);
    const at = this.host.disks.findIndex(({ mountPoint }) => mountPoint === disk);
    if (at >= 0) this.#diskBytes[at]! += size.diskBytes;
  }

  #takePorts(count: number, had: readonly number[]): readonly number[] {
    const { first, last } = this.host.ports;
    const isFree = (port: number) => port >= first && port <= last && !this.#usedPorts.has(port);
    const ports = had.filter(isFree).slice(0, count);
    for (const port of ports) this.#usedPorts.add(port);
    for (let port = first; ports.length < count; port++) {
      if (!isFree(port)) continue;
      this.#usedPorts.add(port);
      ports.push(port);
    }
    return ports.sort((a, b) => a - b);
  }

  #takeDisk(bytes: number, had: string | undefined): string | undefined {
    if (bytes === 0) return undefined;
    const { disks } = this.host;
    const before = disks.findIndex(({ mountPoint }) => mountPoint === had);
    const roomiest = this.#diskBytes.indexOf(Math.max(...this.#diskBytes));
    const chosen = before >= 0 && this.#diskBytes[before]! >= bytes ? before : roomiest;
    this.#diskBytes[chosen]! -= bytes;
    return disks[chosen]!.mountPoint;
  }
}

export const resources = ['cpu', 'memory', 'disk', 'ports'] as const;
export type Resource = (typeof resources)[number];

function times(free: number, need: number): number {
  return need === 0 ? Number.MAX_SAFE_INTEGER : Math.max(0, Math.floor(free / need));
}
