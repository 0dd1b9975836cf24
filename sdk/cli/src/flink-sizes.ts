import { type FlinkClusterWish, type PartOfMemory, parseSize, printSize } from '@tessera/cube';
import { flink } from '@tessera/proto';

/** Sizes of Flink's processes: between YAML, where they have units, and the wire. */

type JobManager = FlinkClusterWish['jobManager'];
type TaskManager = NonNullable<FlinkClusterWish['taskManager']>;
type Sizing = flink.FlinkClusterSpec['taskManagerSizing'];

export function jobManagerToProto(size: JobManager): flink.JobManagerSize {
  return {
    processBytes: bytesOf(size.process),
    offHeapBytes: bytesOf(size.offHeap),
    metaspaceBytes: bytesOf(size.metaspace),
    overhead: partToProto(size.overhead),
    cpuMillis: millisOf(size.cpus),
  };
}

export function jobManagerFromProto(
  size: flink.JobManagerSize = flink.JobManagerSize.fromPartial({}),
): JobManager {
  return {
    process: printSize(size.processBytes),
    ...given('offHeap', size.offHeapBytes),
    ...given('metaspace', size.metaspaceBytes),
    ...partFromProto('overhead', size.overhead),
    ...cpusFromProto('cpus', size.cpuMillis),
  };
}

export function sizingToProto({
  taskManager,
  fitToHosts = {},
}: Pick<FlinkClusterWish, 'taskManager' | 'fitToHosts'>): Sizing {
  if (taskManager !== undefined) {
    return { $case: 'taskManager', value: taskManagerToProto(taskManager) };
  }
  const { cpusPerSlot, maxSlots = 0 } = fitToHosts;
  const value = { cpuMillisPerSlot: millisOf(cpusPerSlot), maxSlots };
  return { $case: 'fitToHosts', value };
}

export function sizingFromProto(
  sizing: Sizing,
): Pick<FlinkClusterWish, 'taskManager' | 'fitToHosts'> {
  if (sizing === undefined) return {};
  if (sizing.$case === 'taskManager') return { taskManager: taskManagerFromProto(sizing.value) };
  const { cpuMillisPerSlot, maxSlots } = sizing.value;
  return {
    fitToHosts: {
      ...cpusFromProto('cpusPerSlot', cpuMillisPerSlot),
      ...(maxSlots !== 0 && { maxSlots }),
    },
  };
}

function taskManagerToProto(size: TaskManager): flink.TaskManagerSize {
  return {
    processBytes: bytesOf(size.process),
    slots: size.slots,
    cpuMillis: millisOf(size.cpus),
    taskHeapBytes: size.taskHeap === undefined ? undefined : bytesOf(size.taskHeap),
    taskOffHeapBytes: bytesOf(size.taskOffHeap),
    managed: managedToProto(size.managed),
    network: partToProto(size.network),
    frameworkHeapBytes: bytesOf(size.frameworkHeap),
    frameworkOffHeapBytes: bytesOf(size.frameworkOffHeap),
    metaspaceBytes: bytesOf(size.metaspace),
    overhead: partToProto(size.overhead),
    diskBytes: bytesOf(size.disk),
  };
}

function taskManagerFromProto(size: flink.TaskManagerSize): TaskManager {
  const { managed, taskHeapBytes } = size;
  return {
    process: printSize(size.processBytes),
    slots: size.slots,
    ...cpusFromProto('cpus', size.cpuMillis),
    ...(taskHeapBytes !== undefined && { taskHeap: printSize(taskHeapBytes) }),
    ...given('taskOffHeap', size.taskOffHeapBytes),
    ...(managed !== undefined && {
      managed: managed.$case === 'managedBytes' ? printSize(managed.value) : managed.value,
    }),
    ...partFromProto('network', size.network),
    ...given('frameworkHeap', size.frameworkHeapBytes),
    ...given('frameworkOffHeap', size.frameworkOffHeapBytes),
    ...given('metaspace', size.metaspaceBytes),
    ...partFromProto('overhead', size.overhead),
    ...given('disk', size.diskBytes),
  };
}

function managedToProto(managed: TaskManager['managed']): flink.TaskManagerSize['managed'] {
  if (managed === undefined) return undefined;
  return typeof managed === 'number'
    ? { $case: 'managedFraction', value: managed }
    : { $case: 'managedBytes', value: bytesOf(managed) };
}

function partToProto(part: PartOfMemory | undefined): flink.MemoryFraction | undefined {
  if (part === undefined) return undefined;
  const { fraction, min, max } = part;
  return {
    fraction,
    minBytes: min === undefined ? undefined : bytesOf(min),
    maxBytes: max === undefined ? undefined : bytesOf(max),
  };
}

function partFromProto<Name extends string>(
  name: Name,
  part: flink.MemoryFraction | undefined,
): { readonly [N in Name]?: PartOfMemory } {
  if (part === undefined) return {};
  const { fraction, minBytes, maxBytes } = part;
  const found: PartOfMemory = {
    ...(fraction !== undefined && { fraction }),
    ...(minBytes !== undefined && { min: printSize(minBytes) }),
    ...(maxBytes !== undefined && { max: printSize(maxBytes) }),
  };
  return { [name]: found } as { readonly [N in Name]?: PartOfMemory };
}

/** 0 is what is absent. */
function given<Name extends string>(name: Name, bytes: bigint): { readonly [N in Name]?: string } {
  return (bytes === 0n ? {} : { [name]: printSize(bytes) }) as { readonly [N in Name]?: string };
}

function cpusFromProto<Name extends string>(
  name: Name,
  millis: number,
): { readonly [N in Name]?: number } {
  return (millis === 0 ? {} : { [name]: millis / 1_000 }) as { readonly [N in Name]?: number };
}

function bytesOf(size: string | undefined): bigint {
  return size === undefined ? 0n : (parseSize(size) ?? 0n);
}

function millisOf(cpus: number | undefined): number {
  return Math.round((cpus ?? 0) * 1_000);
}
