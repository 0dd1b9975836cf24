import { resourceIdOf } from '@tessera/base';
import { jobManagerSizeFromProto, taskManagerSizeFromProto } from '@tessera/client';
import {
  type FlinkClusterSpec,
  type FlinkHost,
  fitToHosts,
  isSelected,
  type JobManagerSize,
  type PlacementSelector,
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
  return jobManagerSizeFromProto(flink.JobManagerSize.fromPartial(jobManager ?? {}));
}

function taskManagerSizeOf(
  spec: flink.FlinkClusterSpec,
  hosts: readonly FlinkHost[],
): TaskManagerSize {
  const { taskManagerSizing: sizing } = spec;
  if (sizing?.$case === 'taskManager') return taskManagerSizeFromProto(sizing.value);
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
