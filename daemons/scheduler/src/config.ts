import type { Quota } from '@tessera/flink';

/** What can be set of the scheduler daemon. */
export interface SchedulerConfig {
  /** The engine plugin that builds, and its own configuration. */
  readonly engine: { readonly use: string; readonly config: unknown };
  /** Memory that one build may use, bytes. */
  readonly buildMemoryBytes: number;
  /** Operations that run at the same time; those on one cube always run one after the other. */
  readonly maxConcurrentOperations: number;
  /** Segments that are built in one pass over the source and published in one transaction. */
  readonly maxSegmentsPerPass: number;
  /** How long the leader's lease lasts without being renewed: another scheduler leads at most 7/6 of it after the leader has died. */
  readonly leaseTtlMs: number;
  /** How often what falls due (merges, retention, unused files) is looked for; 0: never by itself. */
  readonly maintenanceIntervalMs: number;
  /** How often hosts are looked at, so that what a deployment wants runs there; 0: never. */
  readonly deploymentIntervalMs: number;
  /** How often hosts and JobManagers are looked at, so that Flink's clusters and jobs are as they are wanted; 0: never. */
  readonly flinkIntervalMs: number;
  /** What Flink clusters share that name it, by name: at most so many `slots`, `cpuMillis` and `memoryBytes` in all. */
  readonly flinkQuotas: ReadonlyMap<string, Quota>;
  /** Storage nodes that hold each segment, where its cube does not say; without storage nodes nothing is copied. */
  readonly replication: number;
  /** Id of the storage node that builds go through; its directory must be reachable by the engine. Absent: one on this host. */
  readonly buildNode?: string;
  /** How long one storage node may take to copy what is about to be published; then another one is asked. */
  readonly publishReplicasMs: number;
  /** How often storage nodes are looked at, so that segments are where they shall be; 0: never. */
  readonly replicaIntervalMs: number;
  /** How often each storage node is asked whether it still has all files that are recorded on it. */
  readonly replicaCheckIntervalMs: number;
  /** A storage node that does not answer for so long is lost: what it held is copied from elsewhere. */
  readonly storageLostAfterMs: number;
  /** Copies between storage nodes that go on at once. */
  readonly maxReplicaCopies: number;
  /** Bytes that may be on their way to, or from, one storage node at once; a larger segment goes alone. */
  readonly replicaBytesUnderWay: number;
  /** From the end of one round of reading all of deep storage again to the beginning of the next; 0: it is not read again. */
  readonly deepScrubIntervalMs: number;
  /** Retired segments and unused files are kept this long, for readers that began before. */
  readonly retiredGraceMs: number;
  /** Ended operations are kept this long. */
  readonly operationRetentionMs: number;
  /** Where plugins put temporary files. */
  readonly workDirectory: string;
  /** Where plugin packages are looked up when a source's own folder has none. */
  readonly pluginDirectory?: string;
}

export const schedulerDefaults = {
  engine: { use: '@tessera/engine-duckdb', config: {} },
  buildMemoryBytes: 1024 * 1024 * 1024,
  maxConcurrentOperations: 1,
  maxSegmentsPerPass: 50,
  leaseTtlMs: 3_000,
  maintenanceIntervalMs: 60_000,
  deploymentIntervalMs: 2_000,
  flinkIntervalMs: 1_000,
  flinkQuotas: new Map<string, Quota>(),
  replication: 2,
  publishReplicasMs: 300_000,
  replicaIntervalMs: 1_000,
  replicaCheckIntervalMs: 60_000,
  storageLostAfterMs: 30_000,
  maxReplicaCopies: 8,
  replicaBytesUnderWay: 1024 * 1024 * 1024,
  deepScrubIntervalMs: 7 * 24 * 3_600_000,
  retiredGraceMs: 60_000,
  operationRetentionMs: 30 * 24 * 3_600_000,
} as const satisfies Omit<SchedulerConfig, 'workDirectory'>;
