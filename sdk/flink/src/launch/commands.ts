import {
  type JobManagerSize,
  jobManagerJvmFlags,
  jobManagerKeys,
  jobManagerMemory,
} from '../memory/job-manager-memory.ts';
import {
  type TaskManagerSize,
  taskManagerJvmFlags,
  taskManagerKeys,
  taskManagerMemory,
} from '../memory/task-manager-memory.ts';
import type { PlacedProcess } from '../placement/placement.ts';
import type { LaunchPaths } from './configuration.ts';

/** How a process is started: arguments for the kernel, and its environment. */
export interface Command {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What Flink's scripts open of Java 17 and later: `env.java.opts.all` of the distribution. */
const opened = [
  ...[
    'java.base/sun.net.util',
    'java.rmi/sun.rmi.registry',
    'java.security.jgss/sun.security.krb5',
  ].map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...[
    'lang',
    'net',
    'io',
    'nio',
    'lang.reflect',
    'text',
    'time',
    'util',
    'util.concurrent',
    'util.concurrent.atomic',
    'util.concurrent.locks',
  ].map((name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`),
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
];

/**
 * A Java program that starts runs most of its methods a few thousand times and never again. Optimizing those takes a third of the processor time until a TaskManager is registered, so it begins
 * ten times as late as by default, for methods of which there is more to come; what runs for every record gets there within moments.
 */
const optimizedLater = [
  '-XX:Tier4InvocationThreshold=50000',
  '-XX:Tier4MinInvocationThreshold=6000',
  '-XX:Tier4CompileThreshold=150000',
  '-XX:Tier4BackEdgeThreshold=400000',
];

/** A session cluster's JobManager. Its address and ports are in the configuration. */
export function jobManagerCommand(size: JobManagerSize, paths: LaunchPaths): Command {
  const memory = jobManagerMemory(size);
  return java(paths, {
    flags: jobManagerJvmFlags(memory),
    main: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
    keys: {
      ...jobManagerKeys(memory),
      'io.tmp.dirs': paths.scratch,
      ...uploadFolder(paths),
    },
  });
}

/** Flink takes no relative folder for it; without one it makes its own where Java has temporary files. */
function uploadFolder({ scratch }: LaunchPaths): Readonly<Record<string, string>> {
  return scratch.startsWith('/') ? { 'web.upload.dir': `${scratch}/upload` } : {};
}

/**
 * A TaskManager at the given address. It needs two ports. Its id is that of the placed process: a later one on another host has another, so that one which comes back is not taken for it.
 */
export function taskManagerCommand(
  size: TaskManagerSize,
  { cluster, number, ports }: PlacedProcess,
  address: string,
  paths: LaunchPaths,
): Command {
  const memory = taskManagerMemory(size);
  const [rpcPort = 0, dataPort = 0] = ports;
  return java(paths, {
    flags: taskManagerJvmFlags(memory),
    main: 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
    keys: {
      ...taskManagerKeys(size, memory),
      'io.tmp.dirs': paths.scratch,
      'taskmanager.bind-host': address,
      'taskmanager.data.port': String(dataPort),
      'taskmanager.host': address,
      'taskmanager.resource-id': `${cluster}-tm-${number}`,
      'taskmanager.rpc.port': String(rpcPort),
    },
  });
}

export interface SqlGatewaySize {
  readonly heapBytes: number;
  readonly metaspaceBytes: number;
}

/** The SQL gateway of a cluster, answering at the given address on the first port. */
export function sqlGatewayCommand(
  { heapBytes, metaspaceBytes }: SqlGatewaySize,
  { ports: [port = 0] }: PlacedProcess,
  address: string,
  { flinkVersion, ...paths }: LaunchPaths & { readonly flinkVersion: string },
): Command {
  const { argv, environment } = java(paths, {
    flags: [`-Xmx${heapBytes}`, `-XX:MaxMetaspaceSize=${metaspaceBytes}`],
    jars: [`${paths.flink}/opt/flink-sql-gateway-${flinkVersion}.jar`],
    main: 'org.apache.flink.table.gateway.SqlGateway',
  });
  const own = [
    `-Dsql-gateway.endpoint.rest.address=${address}`,
    `-Dsql-gateway.endpoint.rest.bind-address=${address}`,
    `-Dsql-gateway.endpoint.rest.port=${port}`,
  ];
  return { argv: [...argv, ...own], environment };
}

interface Java {
  readonly flags: readonly string[];
  readonly jars?: readonly string[];
  readonly main: string;
  /** Absent: the program reads the configuration by itself. */
  readonly keys?: Readonly<Record<string, string>>;
}

function java(
  { flink, configuration, javaOptions: options = [] }: LaunchPaths,
  { flags, jars = [], main, keys }: Java,
): Command {
  const own = Object.entries(keys ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, value]) => ['-D', `${key}=${value}`]);
  return {
    argv: [
      'java',
      ...flags,
      ...optimizedLater,
      ...opened,
      ...options,
      `-Dlog4j.configurationFile=file:${configuration}/log4j.properties`,
      '-cp',
      [`${flink}/lib/*`, ...jars].join(':'),
      main,
      ...(keys === undefined ? [] : ['--configDir', configuration, ...own]),
    ],
    environment: { FLINK_PLUGINS_DIR: `${flink}/plugins`, FLINK_CONF_DIR: configuration },
  };
}
