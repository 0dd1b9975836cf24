import { memoryInvalid, memoryTooSmall, networkMemoryOutOfRange } from '../errors.ts';
import { checkBytes, partOf, type RangeFraction, unbounded } from './fraction.ts';

/**
 * Memory of a TaskManager, as Flink computes it: "Set up TaskManager Memory" and "Detailed Memory Model" in its documentation, TaskExecutorProcessUtils in its sources.
 * Flink's shell scripts do this before they start Java; without them every key has to be given.
 */
export interface TaskManagerSize {
  /** Everything: what the host has to have. */
  readonly processBytes: number;
  readonly slots: number;
  /** Absent: one for each slot. */
  readonly cpuCores?: number;
  /** Absent: what is left. Given, what is left is for the network. */
  readonly taskHeapBytes?: number;
  readonly taskOffHeapBytes?: number;
  /** Instead of a fraction. */
  readonly managedBytes?: number;
  /** Of the memory that Flink uses. */
  readonly managedFraction?: number;
  readonly network?: Partial<RangeFraction>;
  readonly frameworkHeapBytes?: number;
  readonly frameworkOffHeapBytes?: number;
  readonly metaspaceBytes?: number;
  /** What Java needs beside: thread stacks, compiled code. */
  readonly overhead?: Partial<RangeFraction>;
}

/** All parts; together they are the process. */
export interface TaskManagerMemory {
  readonly frameworkHeapBytes: number;
  readonly taskHeapBytes: number;
  readonly frameworkOffHeapBytes: number;
  readonly taskOffHeapBytes: number;
  readonly networkBytes: number;
  readonly managedBytes: number;
  readonly metaspaceBytes: number;
  readonly overheadBytes: number;
}

const mib = 2 ** 20;

/** Below it the second stage of a batch job is cancelled, and the job stays as it is for ever. */
const leastFrameworkOffHeapBytes = 128 * mib;

export const overheadDefaults: RangeFraction = { fraction: 0.1, min: 192 * mib, max: 1024 * mib };
const networkDefaults: RangeFraction = { fraction: 0.1, min: 64 * mib, max: unbounded };

/**
 * The parts of a TaskManager's memory. FLINK_MEMORY_INVALID, FLINK_MEMORY_TOO_SMALL, FLINK_NETWORK_MEMORY_OUT_OF_RANGE.
 */
export function taskManagerMemory(size: TaskManagerSize): TaskManagerMemory {
  checkSize(size);
  const { metaspaceBytes = 256 * mib, taskHeapBytes } = size;
  const overhead = { ...overheadDefaults, ...size.overhead };
  const overheadBytes = partOf(size.processBytes, overhead, 'taskmanager.memory.jvm-overhead');
  const flinkBytes = size.processBytes - metaspaceBytes - overheadBytes;
  if (flinkBytes < 0) {
    throw memoryTooSmall('taskmanager.memory.process.size', size.processBytes, {
      'taskmanager.memory.jvm-metaspace.size': metaspaceBytes,
      'taskmanager.memory.jvm-overhead': overheadBytes,
    });
  }
  const frameworkHeapBytes = size.frameworkHeapBytes ?? 128 * mib;
  const frameworkOffHeapBytes = size.frameworkOffHeapBytes ?? leastFrameworkOffHeapBytes;
  const taskOffHeapBytes = size.taskOffHeapBytes ?? 0;
  const managedBytes = size.managedBytes ?? managedPart(flinkBytes, size.managedFraction ?? 0.4);
  const network = { ...networkDefaults, ...size.network };
  const parts: Readonly<Record<string, number>> = {
    'taskmanager.memory.framework.heap.size': frameworkHeapBytes,
    'taskmanager.memory.framework.off-heap.size': frameworkOffHeapBytes,
    'taskmanager.memory.task.off-heap.size': taskOffHeapBytes,
    'taskmanager.memory.managed.size': managedBytes,
    ...(taskHeapBytes === undefined
      ? { 'taskmanager.memory.network': partOf(flinkBytes, network, 'taskmanager.memory.network') }
      : { 'taskmanager.memory.task.heap.size': taskHeapBytes }),
  };
  const rest = flinkBytes - Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  if (rest < 0) throw memoryTooSmall('taskmanager.memory.flink.size', flinkBytes, parts);
  if (taskHeapBytes !== undefined && (rest < network.min || rest > network.max)) {
    throw networkMemoryOutOfRange(rest, network);
  }
  return {
    frameworkHeapBytes,
    taskHeapBytes: taskHeapBytes ?? rest,
    frameworkOffHeapBytes,
    taskOffHeapBytes,
    networkBytes: parts['taskmanager.memory.network'] ?? rest,
    managedBytes,
    metaspaceBytes,
    overheadBytes,
  };
}

function managedPart(flinkBytes: number, fraction: number): number {
  return partOf(flinkBytes, { fraction, min: 0, max: unbounded }, 'taskmanager.memory.managed');
}

function checkSize({ network, overhead, ...size }: TaskManagerSize): void {
  for (const [name, value] of Object.entries(size)) {
    if (name.endsWith('Bytes')) checkBytes(name, value);
  }
  for (const range of [network, overhead]) {
    checkBytes('min', range?.min ?? 0);
    checkBytes('max', range?.max ?? 0);
  }
  const { slots, cpuCores = slots, frameworkOffHeapBytes = leastFrameworkOffHeapBytes } = size;
  if (!Number.isInteger(slots) || slots < 1) {
    throw memoryInvalid('taskmanager.numberOfTaskSlots', `is ${slots}, not 1 or more`);
  }
  if (!(cpuCores > 0)) throw memoryInvalid('taskmanager.cpu.cores', `is ${cpuCores}, not above 0`);
  if (frameworkOffHeapBytes < leastFrameworkOffHeapBytes) {
    throw memoryInvalid(
      'taskmanager.memory.framework.off-heap.size',
      'is below 128 MiB, with which batch jobs hang',
    );
  }
}

/** Every key that a TaskManager needs to be started without Flink's scripts. */
export function taskManagerKeys(
  { slots, cpuCores = slots }: TaskManagerSize,
  memory: TaskManagerMemory,
): Readonly<Record<string, string>> {
  const bytes = (count: number) => `${count}b`;
  return {
    'taskmanager.cpu.cores': decimal(cpuCores),
    'taskmanager.numberOfTaskSlots': String(slots),
    'taskmanager.memory.framework.heap.size': bytes(memory.frameworkHeapBytes),
    'taskmanager.memory.framework.off-heap.size': bytes(memory.frameworkOffHeapBytes),
    'taskmanager.memory.task.heap.size': bytes(memory.taskHeapBytes),
    'taskmanager.memory.task.off-heap.size': bytes(memory.taskOffHeapBytes),
    'taskmanager.memory.network.min': bytes(memory.networkBytes),
    'taskmanager.memory.network.max': bytes(memory.networkBytes),
    'taskmanager.memory.managed.size': bytes(memory.managedBytes),
    'taskmanager.memory.jvm-metaspace.size': bytes(memory.metaspaceBytes),
    'taskmanager.memory.jvm-overhead.min': bytes(memory.overheadBytes),
    'taskmanager.memory.jvm-overhead.max': bytes(memory.overheadBytes),
  };
}

/** What Java is held to: everything but managed memory and overhead, which are native. */
export function taskManagerJvmFlags(memory: TaskManagerMemory): readonly string[] {
  const heap = memory.frameworkHeapBytes + memory.taskHeapBytes;
  const direct = memory.frameworkOffHeapBytes + memory.taskOffHeapBytes + memory.networkBytes;
  return [
    `-Xmx${heap}`,
    `-Xms${heap}`,
    `-XX:MaxDirectMemorySize=${direct}`,
    `-XX:MaxMetaspaceSize=${memory.metaspaceBytes}`,
  ];
}

/** As Java prints a double. */
function decimal(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
