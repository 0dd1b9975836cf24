import {
  addressOf,
  type Command,
  clusterConfiguration,
  configYaml,
  type FlinkClusterSpec,
  type JobManagerAddress,
  javaOptionsOf,
  jobManagerCommand,
  type LaunchPaths,
  log4jProperties,
  type PlacedProcess,
  sqlGatewayCommand,
  taskManagerCommand,
} from '@tessera/flink';
import { host as wire } from '@tessera/proto';
import { variables } from '../hosts/process-spec.ts';
import { sqlGatewayMemory } from './demand.ts';
import { flinkProcessIdOf } from './process-id.ts';

/** How processes of a Flink cluster are run by host daemons. */

export interface ProcessPlan {
  readonly spec: FlinkClusterSpec;
  readonly placed: PlacedProcess;
  readonly jobManager: JobManagerAddress;
  /** Where the host of the process is reached. */
  readonly address: string;
}

/** What a process is given in its working directory: the bundle as a folder, and its files of configuration. */
export function flinkProcessSpec({ spec, placed, jobManager, address }: ProcessPlan) {
  const { argv, environment } = commandOf({ spec, placed, jobManager, address });
  return wire.ProcessSpec.fromPartial({
    argv: [...argv],
    environment: {
      ...environment,
      [variables.flinkCluster]: placed.cluster,
      [variables.flinkRole]: placed.role,
      ...restOf({ placed, jobManager, address }),
    },
    restart: { mode: wire.RestartMode.RESTART_MODE_ALWAYS },
    endWhenCutOff: true,
    artifacts: [bundleOf(spec)],
    files: [
      { path: 'conf/config.yaml', content: configYaml(keysOf({ spec, placed, jobManager })) },
      { path: 'conf/log4j.properties', content: log4jProperties },
    ],
  });
}

/** Those of TaskManagers alone are theirs alone: a change of them leaves the others as they are. */
function keysOf({ spec, placed, jobManager }: Omit<ProcessPlan, 'address'>) {
  const keys = clusterConfiguration(spec, jobManager);
  if (placed.role === 'taskmanager') return keys;
  const others = Object.entries(keys).filter(([key]) => !key.startsWith('taskmanager.'));
  return Object.fromEntries(others);
}

function restOf({ placed, jobManager, address }: Omit<ProcessPlan, 'spec'>) {
  if (placed.role === 'taskmanager') return {};
  const port = placed.role === 'jobmanager' ? jobManager.restPort : placed.ports[0];
  return { [variables.flinkRest]: `${address}:${port}` };
}

/** What each host of a cluster has to have. */
export function bundleOf({ bundle }: FlinkClusterSpec) {
  return { artifact: `artifacts/${bundle}`, path: 'flink', unpack: true };
}

/** Where a JobManager answers that is placed; `undefined`: it has no place yet. */
export function jobManagerAddress(
  placement: readonly PlacedProcess[],
  addresses: ReadonlyMap<string, string>,
): JobManagerAddress | undefined {
  const placed = placement.find(({ role }) => role === 'jobmanager');
  const address = placed && addresses.get(placed.host);
  return address === undefined ? undefined : addressOf(placed!, address);
}

function commandOf({ spec, placed, address }: ProcessPlan): Command {
  const paths = {
    ...pathsOf(placed),
    javaOptions: javaOptionsOf(placed.role, spec.configuration),
  };
  switch (placed.role) {
    case 'jobmanager':
      return jobManagerCommand(spec.jobManager, paths);
    case 'taskmanager':
      return taskManagerCommand(spec.taskManager, placed, address, paths);
    case 'sql-gateway': {
      const { flinkVersion } = spec;
      return sqlGatewayCommand(sqlGatewayMemory, placed, address, { ...paths, flinkVersion });
    }
  }
}

/**
 * Relative to its working directory, which only its host knows; but for what is on a disk of its own. Flink makes the scratch folder itself, if the folder that holds it is there and is part of the path.
 */
function pathsOf(placed: PlacedProcess): LaunchPaths {
  const scratch =
    placed.disk === undefined
      ? './scratch'
      : `${placed.disk.replace(/\/$/, '')}/tessera-flink-${flinkProcessIdOf(placed)}`;
  return { flink: 'flink', configuration: 'conf', scratch };
}
