import { memoryTooSmall } from '../errors.ts';
import { checkBytes, partOf, type RangeFraction } from './fraction.ts';
import { overheadDefaults } from './task-manager-memory.ts';

/** Memory of a JobManager, as Flink computes it: "Set up JobManager Memory" in its documentation. */
export interface JobManagerSize {
  /** Everything: what the host has to have. */
  readonly processBytes: number;
  readonly offHeapBytes?: number;
  readonly metaspaceBytes?: number;
  readonly overhead?: Partial<RangeFraction>;
}

export interface JobManagerMemory {
  readonly heapBytes: number;
  readonly offHeapBytes: number;
  readonly metaspaceBytes: number;
  readonly overheadBytes: number;
}

const mib = 2 ** 20;

/** Flink itself warns below it. */
const leastHeapBytes = 128 * mib;

/** The parts of a JobManager's memory. FLINK_MEMORY_INVALID, FLINK_MEMORY_TOO_SMALL. */
export function jobManagerMemory(size: JobManagerSize): JobManagerMemory {
  const { processBytes, offHeapBytes = 128 * mib, metaspaceBytes = 256 * mib } = size;
  checkBytes('jobmanager.memory.process.size', processBytes);
  checkBytes('jobmanager.memory.off-heap.size', offHeapBytes);
  checkBytes('jobmanager.memory.jvm-metaspace.size', metaspaceBytes);
  const overhead = { ...overheadDefaults, ...size.overhead };
  const overheadBytes = partOf(processBytes, overhead, 'jobmanager.memory.jvm-overhead');
  const heapBytes = processBytes - metaspaceBytes - overheadBytes - offHeapBytes;
  if (heapBytes < leastHeapBytes) {
    throw memoryTooSmall('jobmanager.memory.process.size', processBytes, {
      'jobmanager.memory.heap.size': leastHeapBytes,
      'jobmanager.memory.off-heap.size': offHeapBytes,
      'jobmanager.memory.jvm-metaspace.size': metaspaceBytes,
      'jobmanager.memory.jvm-overhead': overheadBytes,
    });
  }
  return { heapBytes, offHeapBytes, metaspaceBytes, overheadBytes };
}

export function jobManagerKeys(memory: JobManagerMemory): Readonly<Record<string, string>> {
  return {
    'jobmanager.memory.heap.size': `${memory.heapBytes}b`,
    'jobmanager.memory.off-heap.size': `${memory.offHeapBytes}b`,
    'jobmanager.memory.jvm-metaspace.size': `${memory.metaspaceBytes}b`,
    'jobmanager.memory.jvm-overhead.min': `${memory.overheadBytes}b`,
    'jobmanager.memory.jvm-overhead.max': `${memory.overheadBytes}b`,
  };
}

/** Direct memory is not bounded, as Flink has it by default (`jobmanager.memory.enable-jvm-direct-memory-limit`). */
export function jobManagerJvmFlags(memory: JobManagerMemory): readonly string[] {
  return [
    `-Xmx${memory.heapBytes}`,
    `-Xms${memory.heapBytes}`,
    `-XX:MaxMetaspaceSize=${memory.metaspaceBytes}`,
  ];
}
