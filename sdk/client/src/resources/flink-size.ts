import type { JobManagerSize, RangeFraction, TaskManagerSize } from '@tessera/flink';
import type { flink } from '@tessera/proto';

/** Sizes of Flink's processes as they are computed with: what is 0 or absent on the wire is as Flink has it by default. */

export function jobManagerSizeFromProto(size: flink.JobManagerSize): JobManagerSize {
  const { offHeapBytes, metaspaceBytes, overhead } = size;
  return {
    processBytes: Number(size.processBytes),
    ...(offHeapBytes !== 0n && { offHeapBytes: Number(offHeapBytes) }),
    ...(metaspaceBytes !== 0n && { metaspaceBytes: Number(metaspaceBytes) }),
    ...(overhead !== undefined && { overhead: rangeFromProto(overhead) }),
  };
}

export function taskManagerSizeFromProto(size: flink.TaskManagerSize): TaskManagerSize {
  const { managed, network, overhead } = size;
  const bytes = {
    taskHeapBytes: size.taskHeapBytes,
    taskOffHeapBytes: size.taskOffHeapBytes || undefined,
    frameworkHeapBytes: size.frameworkHeapBytes || undefined,
    frameworkOffHeapBytes: size.frameworkOffHeapBytes || undefined,
    metaspaceBytes: size.metaspaceBytes || undefined,
  };
  const given = Object.entries(bytes).filter(([, count]) => count !== undefined);
  return {
    processBytes: Number(size.processBytes),
    slots: size.slots,
    ...(size.cpuMillis !== 0 && { cpuCores: size.cpuMillis / 1_000 }),
    ...Object.fromEntries(given.map(([name, count]) => [name, Number(count)])),
    ...(managed?.$case === 'managedBytes' && { managedBytes: Number(managed.value) }),
    ...(managed?.$case === 'managedFraction' && { managedFraction: managed.value }),
    ...(network !== undefined && { network: rangeFromProto(network) }),
    ...(overhead !== undefined && { overhead: rangeFromProto(overhead) }),
  };
}

function rangeFromProto(range: flink.MemoryFraction): Partial<RangeFraction> {
  const { fraction, minBytes, maxBytes } = range;
  return {
    ...(fraction !== undefined && { fraction }),
    ...(minBytes !== undefined && { min: Number(minBytes) }),
    ...(maxBytes !== undefined && { max: Number(maxBytes) }),
  };
}
