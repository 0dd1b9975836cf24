import { resourceIdOf } from '@tessera/base';
import {
  type FlinkClusterSpec,
  type FlinkHost,
  fitToHosts,
  isSelected,
  type JobManagerSize,
  type PlacementSelector,
  type RangeFraction,
  type TaskManagerSize,
} from '@tessera/flink';
import { flink } from '@tessera/proto';

/** A cluster as metadata has it, as the values that decisions are made of. */

/**
 * What is wanted of a cluster.
 * @param hosts all there are: TaskManagers that fill them are as large as the smallest one that is selected allows
 * @throws FLINK_HOSTS_TOO_SMALL
 */
export function clusterSpecOf(
  spec: flink.FlinkClusterSpec,
  hosts: readonly FlinkHost[],
): FlinkClusterSpec {
  const selector = selectorOf(spec.hosts);
  const jobManager = jobManagerSizeOf(spec);
  return {
    flinkVersion: spec.flinkVersion,
    bundle: resourceIdOf(spec.bundle),
    jobManager,
    taskManager: taskManagerSizeOf(
      spec,
      hosts.filter((host) => isSelected(selector, host)),
    ),
    taskManagerCount: spec.taskManagerCount,
    headroom: spec.headroom,
    hosts: selector,
    priority: spec.priority,
    ...(spec.quota !== '' && { quota: spec.quota }),
    stateDirectory: spec.stateDirectory,
    configuration: spec.configuration,
  };
}

export function selectorOf(hosts: flink.FlinkHostSelector | undefined): PlacementSelector {
  const { labels = {}, racks = [], hosts: names = [] } = hosts ?? {};
  return { labels, racks, hosts: names.map(resourceIdOf) };
}

/** Processors of a JobManager that does not say, in thousandths. */
const jobManagerCpuMillis = 500;

/** Processors that are kept for a JobManager, in thousandths. */
export function jobManagerCpuOf({ jobManager }: flink.FlinkClusterSpec): number {
  return jobManager?.cpuMillis || jobManagerCpuMillis;
}

function jobManagerSizeOf({ jobManager }: flink.FlinkClusterSpec): JobManagerSize {
  const size = flink.JobManagerSize.fromPartial(jobManager ?? {});
  const { processBytes, offHeapBytes, metaspaceBytes, overhead } = size;
  return {
    processBytes: Number(processBytes),
    ...given({ offHeapBytes, metaspaceBytes }),
    ...(overhead !== undefined && { overhead: rangeOf(overhead) }),
  };
}

function taskManagerSizeOf(
  spec: flink.FlinkClusterSpec,
  hosts: readonly FlinkHost[],
): TaskManagerSize {
  const { taskManagerSizing: sizing } = spec;
  if (sizing?.$case === 'taskManager') return givenSize(sizing.value);
  const { cpuMillisPerSlot = 0, maxSlots = 0 } = sizing?.value ?? {};
  return fitToHosts(hosts.map(withoutJobManager(spec)), {
    ...(cpuMillisPerSlot > 0 && { cpuMillisPerSlot }),
    ...(maxSlots > 0 && { maxSlots }),
  }).size;
}

/** What is left of a host that the JobManager is on, which may be any of them. */
function withoutJobManager(spec: flink.FlinkClusterSpec): (host: FlinkHost) => FlinkHost {
  const { processBytes } = jobManagerSizeOf(spec);
  return (host) => ({
    ...host,
    cpuMillis: host.cpuMillis - jobManagerCpuOf(spec),
    memoryBytes: host.memoryBytes - processBytes,
  });
}

function givenSize(size: flink.TaskManagerSize): TaskManagerSize {
  const { slots, cpuMillis, managed, network, overhead } = size;
  const { taskOffHeapBytes, frameworkHeapBytes, frameworkOffHeapBytes, metaspaceBytes } = size;
  return {
    processBytes: Number(size.processBytes),
    slots,
    ...(cpuMillis > 0 && { cpuCores: cpuMillis / 1_000 }),
    ...(size.taskHeapBytes !== undefined && { taskHeapBytes: Number(size.taskHeapBytes) }),
    ...given({ taskOffHeapBytes, frameworkHeapBytes, frameworkOffHeapBytes, metaspaceBytes }),
    ...(managed?.$case === 'managedBytes' && { managedBytes: Number(managed.value) }),
    ...(managed?.$case === 'managedFraction' && { managedFraction: managed.value }),
    ...(network !== undefined && { network: rangeOf(network) }),
    ...(overhead !== undefined && { overhead: rangeOf(overhead) }),
  };
}

/** Without what is 0: Flink's own default. */
function given<K extends string>(sizes: Readonly<Record<K, bigint>>): Partial<Record<K, number>> {
  const some = Object.entries<bigint>(sizes).filter(([, bytes]) => bytes > 0n);
  return Object.fromEntries(some.map(([name, bytes]) => [name, Number(bytes)])) as Partial<
    Record<K, number>
  >;
}

function rangeOf({ fraction, minBytes, maxBytes }: flink.MemoryFraction): Partial<RangeFraction> {
  return {
    ...(fraction !== undefined && { fraction }),
    ...(minBytes !== undefined && { min: Number(minBytes) }),
    ...(maxBytes !== undefined && { max: Number(maxBytes) }),
  };
}
