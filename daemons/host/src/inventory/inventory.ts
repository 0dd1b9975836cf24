import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import os from 'node:os';
import { basename, dirname, join } from 'node:path';
import { metadata } from '@tessera/proto';
import { readIfThere } from '../proc/process-identity.ts';
import type { LimitTools } from '../process/limits.ts';
import {
  disksOf,
  isOnNetwork,
  listeningPorts,
  type Mount,
  memoryFact,
  mountOf,
} from './read-proc.ts';

export interface InventoryOptions {
  /** The daemon's own folder. */
  readonly directory: string;
  /** Ports that processes may be given, both ends included. */
  readonly ports: { readonly first: number; readonly last: number };
  readonly tools: LimitTools;
}

/** What the machine has: changes when somebody changes the machine. */
export async function readInventory(options: InventoryOptions): Promise<metadata.HostInventory> {
  const memory = readIfThere('/proc/meminfo') ?? '';
  return {
    hostname: os.hostname(),
    kernel: `${os.type()} ${os.release()} ${os.machine()}`,
    architecture: os.arch(),
    cpuCount: os.availableParallelism(),
    cpuModel: os.cpus()[0]?.model.trim() ?? '',
    numaNodeCount: countNumaNodes(),
    memoryBytes: BigInt(memoryFact(memory, 'MemTotal')),
    swapBytes: BigInt(memoryFact(memory, 'SwapTotal')),
    disks: await readDisks(options.directory),
    addresses: readAddresses(),
    ports: options.ports,
    limits: {
      resourceLimits: options.tools.prlimit !== undefined,
      priority: options.tools.nice !== undefined,
    },
  };
}

export interface Availability {
  readonly usedPorts: number[];
  readonly freeDiskBytes: bigint;
  readonly freeMemoryBytes: bigint;
}

/** What of it is free at this moment. */
export async function readAvailability(options: InventoryOptions): Promise<Availability> {
  const { first, last } = options.ports;
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readIfThere(file) ?? '');
  const ports = tables.flatMap(listeningPorts).filter((port) => port >= first && port <= last);
  const { bavail, bsize } = await statfs(options.directory);
  return {
    usedPorts: [...new Set(ports)].sort((a, b) => a - b),
    freeDiskBytes: BigInt(bavail) * BigInt(bsize),
    freeMemoryBytes: BigInt(memoryFact(readIfThere('/proc/meminfo') ?? '', 'MemAvailable')),
  };
}

async function readDisks(directory: string): Promise<metadata.HostDisk[]> {
  const mounts = disksOf(readFileSync('/proc/mounts', 'utf8'));
  const own = mountOf(realpathSync(directory), mounts);
  const disks = mounts.map(async (mount): Promise<metadata.HostDisk | undefined> => {
    // Of a mount that is not answered, as a file server that is gone, nothing is known.
    const size = await statfs(mount.mountPoint).catch(() => undefined);
    if (size === undefined) return undefined;
    const { device, mountPoint, fileSystem } = mount;
    const sizeBytes = BigInt(size.blocks) * BigInt(size.bsize);
    const kind = metadata.DiskKind[`DISK_KIND_${kindOf(mount)}`];
    return { device, mountPoint, fileSystem, kind, sizeBytes, holdsData: mount === own };
  });
  return (await Promise.all(disks)).filter((disk) => disk !== undefined);
}

function kindOf(mount: Mount): 'UNSPECIFIED' | 'ROTATIONAL' | 'SOLID_STATE' | 'NETWORK' {
  if (isOnNetwork(mount)) return 'NETWORK';
  switch (rotationalFlag(mount.device)?.trim()) {
    case '0':
      return 'SOLID_STATE';
    case '1':
      return 'ROTATIONAL';
    default:
      return 'UNSPECIFIED';
  }
}

/** The flag belongs to the disk, not to its partitions. */
function rotationalFlag(device: string): string | undefined {
  try {
    const block = realpathSync(join('/sys/class/block', basename(realpathSync(device))));
    const disk = existsSync(join(block, 'partition')) ? dirname(block) : block;
    return readIfThere(join(disk, 'queue', 'rotational'));
  } catch {
    return undefined;
  }
}

function readAddresses(): metadata.HostAddress[] {
  return Object.entries(os.networkInterfaces()).flatMap(([interfaceName, addresses]) =>
    (addresses ?? [])
      .filter(({ internal }) => !internal)
      .map(({ address }) => ({ interfaceName, address })),
  );
}

function countNumaNodes(): number {
  try {
    return readdirSync('/sys/devices/system/node').filter((name) => /^node\d+$/.test(name)).length;
  } catch {
    return 1;
  }
}
