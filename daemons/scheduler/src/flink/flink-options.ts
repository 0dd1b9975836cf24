import type { Clock } from '@tessera/base';
import type { ConnectOptions } from '@tessera/client';
import type { Logger } from '@tessera/daemon';
import type { Quota } from '@tessera/flink';
import type { SchedulerClients } from '../clients.ts';
import type { Authority } from '../leader/authority.ts';
import type { Strategies } from '../scaling/strategy-pool.ts';
import type { archivedEnd, deleteEnds } from './ended-jobs.ts';
import type { FlinkRest } from './job-manager.ts';
import type { newestState } from './state-directory.ts';

/** What carrying out Flink's clusters and jobs stands on. */
export interface FlinkOptions {
  readonly clients: Pick<
    SchedulerClients,
    'hosts' | 'leases' | 'flinkClusters' | 'flinkJobs' | 'flinkScalings'
  >;
  /** What hosts and Flink are told is told by it. */
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between looks; 0: never. */
  readonly intervalMs: number;
  /** What clusters share that name it. */
  readonly quotas: ReadonlyMap<string, Quota>;
  /** Where jars are put on their way to a JobManager. */
  readonly workDirectory: string;
  /** How host daemons are connected to. */
  readonly hostConnections?: ConnectOptions;
  /** A JobManager's REST interface at a URL. */
  readonly connectFlink: (url: string) => FlinkRest;
  /** Whom jobs ask for their size. */
  readonly strategies: Strategies;
  /** Where packages of strategies are looked up. */
  readonly pluginDirectory: string;
  /** What there is of an attempt in a state directory. Absent: what this machine's file system says. */
  readonly states?: {
    readonly newestState: typeof newestState;
    readonly archivedEnd: typeof archivedEnd;
    readonly deleteEnds: typeof deleteEnds;
  };
}
