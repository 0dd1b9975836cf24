import { flink } from '@tessera/proto';

/** What the load job is to do. */
export interface Load {
  /** `second:rate,…` since `startMs`. */
  readonly profile: string;
  /** Milliseconds since 1970. */
  readonly startMs: number;
  /** After so many records the source offers none. Absent: it goes on. */
  readonly total?: number;
  /** Folder of its exactly-once sink. */
  readonly out: string;
}

/** Splits of its source, which bound how wide that can be. */
export const splits = 12;
const maxParallelism = 24;
/** What a record costs, in microseconds. */
const costMicros = 1_000;
/** Records per second that one subtask can take. */
export const capacityOfSubtask = 1_000_000 / costMicros;

/** A job that reads a paced source, counts by key, and has an exactly-once sink. */
export function loadJobSpec(
  jar: string,
  { profile, startMs, total, out }: Load,
  change: Partial<flink.FlinkJobSpec> = {},
): flink.FlinkJobSpec {
  const args = { profile, t0: startMs, ...(total !== undefined && { total }), splits, out };
  const sizes = { 'cost-us': costMicros, 'max-parallelism': maxParallelism };
  const all = Object.entries({ ...args, ...sizes });
  return flink.FlinkJobSpec.fromPartial({
    cluster: clusterName,
    program: {
      $case: 'jar',
      value: {
        artifact: `artifacts/${jar}`,
        arguments: all.flatMap(([name, value]) => [`--${name}`, String(value)]),
      },
    },
    parallelism: 1,
    configuration: { 'execution.buffer-timeout.interval': '20 ms' },
    ...change,
  });
}

export const clusterName = 'flink-clusters/load';
export const jobName = 'flink-jobs/load';

const mib = 2n ** 20n;
export const slotsOfTaskManager = 2;

/** As the rival's cluster was: small processes, TaskManagers of two slots on hosts of their own, and small buffers, in which no backlog hides. */
export function loadClusterSpec(parts: {
  readonly bundle: string;
  readonly stateDirectory: string;
  readonly taskManagers: number;
}): flink.FlinkClusterSpec {
  const { bundle, stateDirectory, taskManagers } = parts;
  return flink.FlinkClusterSpec.fromPartial({
    flinkVersion: '2.3.0',
    bundle: `artifacts/${bundle}`,
    jobManager: { processBytes: 900n * mib, cpuMillis: 100 },
    taskManagerSizing: {
      $case: 'taskManager',
      value: {
        processBytes: 768n * mib,
        slots: slotsOfTaskManager,
        cpuMillis: 100,
        frameworkHeapBytes: 64n * mib,
        metaspaceBytes: 192n * mib,
        managed: { $case: 'managedBytes', value: 64n * mib },
        network: { minBytes: 64n * mib, maxBytes: 64n * mib },
        overhead: { minBytes: 64n * mib, maxBytes: 64n * mib },
      },
    },
    taskManagerCount: taskManagers,
    maxTaskManagersPerHost: 1,
    stateDirectory,
    configuration: {
      'execution.checkpointing.aligned-checkpoint-timeout': '1 s',
      'execution.checkpointing.interval': '5 s',
      'execution.checkpointing.unaligned.enabled': 'true',
      'taskmanager.memory.segment-size': '4kb',
    },
  });
}
