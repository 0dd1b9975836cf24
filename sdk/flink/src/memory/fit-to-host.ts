import { hostsTooSmall } from '../errors.ts';
import type { FlinkHost } from '../placement/placement.ts';
import { type TaskManagerSize, taskManagerMemory } from './task-manager-memory.ts';

export interface FitWish {
  /** Thousandths of a processor for each slot. Absent: one processor. */
  readonly cpuMillisPerSlot?: number;
  /** Most slots of one TaskManager: what a crash takes with it. Absent: 8. */
  readonly maxSlots?: number;
}

export interface Fit {
  readonly size: TaskManagerSize;
  /** How many of them fill the smallest host. */
  readonly perHost: number;
}

/** Beyond it Java's references take twice the room. */
const largestHeapBytes = 31 * 2 ** 30;
/** With the defaults of all parts no TaskManager is smaller. */
const leastProcessBytes = 900 * 2 ** 20;

/**
 * A size such that equal TaskManagers fill the smallest of the hosts: all of its processors and memory, in as few processes as the most slots and a heap below 32 GiB allow. FLINK_HOSTS_TOO_SMALL.
 */
export function fitToHosts(hosts: readonly FlinkHost[], wish: FitWish = {}): Fit {
  const { cpuMillisPerSlot = 1_000, maxSlots = 8 } = wish;
  const cpuMillis = Math.min(...hosts.map((host) => host.cpuMillis));
  const memoryBytes = Math.min(...hosts.map((host) => host.memoryBytes));
  if (hosts.length === 0 || memoryBytes < leastProcessBytes) {
    throw hostsTooSmall(hosts.length === 0 ? 0 : memoryBytes, leastProcessBytes);
  }
  const slots = Math.max(1, Math.floor(cpuMillis / cpuMillisPerSlot));
  const sizeFor = (perHost: number): TaskManagerSize => ({
    processBytes: floorToMebibyte(memoryBytes / perHost),
    slots: Math.max(1, Math.floor(slots / perHost)),
    cpuCores: Math.floor(cpuMillis / perHost) / 1_000,
  });
  let perHost = Math.ceil(slots / maxSlots);
  while (perHost > 1 && sizeFor(perHost).processBytes < leastProcessBytes) perHost--;
  while (heapBytes(sizeFor(perHost)) > largestHeapBytes) perHost++;
  return { size: sizeFor(perHost), perHost };
}

function heapBytes(size: TaskManagerSize): number {
  const { frameworkHeapBytes, taskHeapBytes } = taskManagerMemory(size);
  return frameworkHeapBytes + taskHeapBytes;
}

function floorToMebibyte(bytes: number): number {
  return Math.floor(bytes / 2 ** 20) * 2 ** 20;
}
