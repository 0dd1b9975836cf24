import { resourceIdOf } from '@tessera/base';
import type { ClusterDemand, FlinkClusterSpec, GroupDemand, ProcessSize } from '@tessera/flink';
import type { flink } from '@tessera/proto';
import { jobManagerCpuOf, selectorOf } from './cluster-spec.ts';

/** RPC, REST and the blob server. */
const jobManagerPorts = 3;
/** RPC and data. */
const taskManagerPorts = 2;

export interface DemandOptions {
  /** Jobs of it are SQL scripts. */
  readonly needsSqlGateway: boolean;
  /** How many TaskManagers its jobs need, within what it may have. */
  readonly taskManagers: number;
  /** Why it must not use a host, by the host's id. */
  readonly ineligible?: ReadonlyMap<string, string>;
}

/** What a cluster asks of the hosts. */
export function demandOf(
  { name, spec: wire }: Pick<flink.FlinkCluster, 'name' | 'spec'>,
  spec: FlinkClusterSpec,
  { needsSqlGateway, taskManagers: count, ineligible }: DemandOptions,
): ClusterDemand {
  const { apartFrom, priority, quota, hosts } = wire!;
  const gateway: GroupDemand = { role: 'sql-gateway', count: 1, size: sqlGatewaySize };
  return {
    id: resourceIdOf(name),
    priority,
    ...(quota !== '' && { quota }),
    selector: selectorOf(hosts),
    ...(ineligible !== undefined && { ineligible }),
    apartFrom: apartFrom.map(resourceIdOf),
    groups: [
      { role: 'jobmanager', count: 1, size: jobManagerProcess(wire!, spec) },
      taskManagers(wire!, spec, count),
      ...(needsSqlGateway ? [gateway] : []),
    ],
  };
}

/** Heap and metaspace of a SQL gateway: it plans statements, and holds no data. */
export const sqlGatewayMemory = { heapBytes: 512 * 2 ** 20, metaspaceBytes: 256 * 2 ** 20 };

const sqlGatewaySize: ProcessSize = {
  cpuMillis: 200,
  memoryBytes: sqlGatewayMemory.heapBytes + sqlGatewayMemory.metaspaceBytes + 192 * 2 ** 20,
  diskBytes: 0,
  ports: 1,
  slots: 0,
};

function jobManagerProcess(
  wire: flink.FlinkClusterSpec,
  { jobManager }: FlinkClusterSpec,
): ProcessSize {
  return {
    cpuMillis: jobManagerCpuOf(wire),
    memoryBytes: jobManager.processBytes,
    diskBytes: 0,
    ports: jobManagerPorts,
    slots: 0,
  };
}

function taskManagers(
  { taskManagerSizing: sizing, maxTaskManagersPerHost, headroom }: flink.FlinkClusterSpec,
  { taskManager }: FlinkClusterSpec,
  count: number,
): GroupDemand {
  const { processBytes, slots, cpuCores = slots } = taskManager;
  return {
    role: 'taskmanager',
    count,
    headroom,
    ...(maxTaskManagersPerHost > 0 && { maxPerHost: maxTaskManagersPerHost }),
    size: {
      cpuMillis: Math.round(cpuCores * 1_000),
      memoryBytes: processBytes,
      diskBytes: sizing?.$case === 'taskManager' ? Number(sizing.value.diskBytes) : 0,
      ports: taskManagerPorts,
      slots,
    },
  };
}
