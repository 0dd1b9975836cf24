import { configurationReserved } from '../errors.ts';
import type { PlacedProcess } from '../placement/placement.ts';
import type { FlinkClusterSpec } from '../spec/cluster-spec.ts';

/** Where the JobManager of a cluster answers. */
export interface JobManagerAddress {
  readonly host: string;
  readonly rpcPort: number;
  readonly restPort: number;
  readonly blobPort: number;
}

/** What a process finds on its host, and how its Java is started. */
export interface LaunchPaths {
  /** The bundle: `lib`, `opt`, `plugins`. */
  readonly flink: string;
  /** The folder that `config.yaml` and `log4j.properties` are in. */
  readonly configuration: string;
  /** Of the process alone, for what it need not keep. */
  readonly scratch: string;
  /** After all others: see `javaOptionsOf`. */
  readonly javaOptions?: readonly string[];
}

/** The ports of a JobManager in the order in which placement gives them. */
export function addressOf(jobManager: PlacedProcess, host: string): JobManagerAddress {
  const [rpcPort = 0, restPort = 0, blobPort = 0] = jobManager.ports;
  return { host, rpcPort, restPort, blobPort };
}

/**
 * The keys of `config.yaml`, the same on every host of a cluster; what differs between processes is on their command lines. FLINK_CONFIGURATION_RESERVED when the spec sets a key
 * that is computed.
 */
export function clusterConfiguration(
  spec: FlinkClusterSpec,
  address: JobManagerAddress,
): Readonly<Record<string, string>> {
  const own = spec.configuration ?? {};
  const reserved = reservedKeys(Object.keys(own));
  if (reserved.length > 0) throw configurationReserved(reserved);
  return { ...defaults, ...own, ...computedKeys(spec, address) };
}

/** Of the keys those that a spec must not set, because they are computed from sizes and placement. Sorted. */
export function reservedKeys(keys: readonly string[]): string[] {
  return keys.filter((key) => computedNames.has(key) || isOfProcess(key)).sort();
}

/** The same of a job's own configuration: neither what it starts from, nor its id, is a matter of keys. */
export function reservedJobKeys(keys: readonly string[]): string[] {
  const ofRestore = keys.filter((key) =>
    /^(execution\.(state-recovery|savepoint)\.|\$internal\.)/.test(key),
  );
  return [...new Set([...reservedKeys(keys), ...ofRestore])].sort();
}

/** What a spec may set otherwise: reactions in seconds rather than minutes. */
const defaults: Readonly<Record<string, string>> = {
  // How long a TaskManager waits after it has not reached the JobManager, which starts beside it or comes back.
  'cluster.registration.error-delay': '500 ms',
  'execution.checkpointing.interval': '10 s',
  'execution.checkpointing.mode': 'EXACTLY_ONCE',
  'heartbeat.interval': '1000',
  'heartbeat.timeout': '5000',
  'jobmanager.adaptive-scheduler.executing.cooldown-after-rescaling': '2 s',
  'jobmanager.adaptive-scheduler.executing.resource-stabilization-timeout': '2 s',
  'jobmanager.adaptive-scheduler.rescale-trigger.max-delay': '10 s',
  'jobmanager.adaptive-scheduler.submission.resource-stabilization-timeout': '1 s',
  'jobmanager.execution.failover-strategy': 'region',
  'metrics.fetcher.update-interval': '1000',
  'restart-strategy.fixed-delay.attempts': '2147483647',
  'restart-strategy.fixed-delay.delay': '1 s',
  'restart-strategy.type': 'fixed-delay',
  // A job that has shrunk gives its slots back after that, and only then a TaskManager is without work.
  'slot.idle.timeout': '5 s',
  'state.backend.type': 'hashmap',
  'web.refresh-interval': '1000',
  'web.timeout': '20 s',
};

function computedKeys(
  { stateDirectory }: Pick<FlinkClusterSpec, 'stateDirectory'>,
  { host, rpcPort, restPort, blobPort }: JobManagerAddress,
): Readonly<Record<string, string>> {
  return {
    'blob.server.port': String(blobPort),
    'execution.checkpointing.dir': `${stateDirectory}/checkpoints`,
    // Without it a cancelled or failed job leaves nothing to go on from.
    'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
    'execution.checkpointing.savepoint-dir': `${stateDirectory}/savepoints`,
    // What has become of a job stays known when its JobManager is lost.
    'jobmanager.archive.fs.dir': `${stateDirectory}/ended-jobs`,
    'jobmanager.bind-host': host,
    'jobmanager.rpc.address': host,
    'jobmanager.rpc.port': String(rpcPort),
    'jobmanager.scheduler': 'adaptive',
    'rest.address': host,
    'rest.bind-address': host,
    'rest.port': String(restPort),
    'web.adaptive-scheduler.rescale-history.size': '50',
  };
}

/**
 * What a spec adds to the command line of a process, by the keys that Flink's own scripts read: `env.java.opts.all` and `env.java.opts.{role}`. They are separated by spaces; double quotes keep some together.
 */
export function javaOptionsOf(
  role: PlacedProcess['role'],
  configuration: Readonly<Record<string, string>> = {},
): string[] {
  const texts = ['all', role].map((name) => configuration[`env.java.opts.${name}`] ?? '');
  const options = texts.join(' ').match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  return options.map((option) => option.replaceAll('"', ''));
}

const nowhere: JobManagerAddress = { host: '', rpcPort: 0, restPort: 0, blobPort: 0 };
const computedNames = new Set(Object.keys(computedKeys({ stateDirectory: '' }, nowhere)));

/** Given on the command line of each process. */
function isOfProcess(key: string): boolean {
  return (
    /^(job|task)manager\.memory\.(?!segment-size)/.test(key) ||
    [
      'io.tmp.dirs',
      'taskmanager.bind-host',
      'taskmanager.cpu.cores',
      'taskmanager.data.port',
      'taskmanager.host',
      'taskmanager.numberOfTaskSlots',
      'taskmanager.resource-id',
      'taskmanager.rpc.port',
      'web.upload.dir',
    ].includes(key)
  );
}

/** The text of `config.yaml`: one line for each key, in order. Every value is quoted, which YAML reads like JSON. */
export function configYaml(configuration: Readonly<Record<string, string>>): string {
  const lines = Object.entries(configuration)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  return lines.join('');
}

/** The text of `log4j.properties`: everything to standard output, which the host daemon keeps and rotates. */
export const log4jProperties = `rootLogger.level = INFO
rootLogger.appenderRef.out.ref = Out
appender.out.name = Out
appender.out.type = CONSOLE
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c %x - %m%n
`;
