import type { Clock } from '@tessera/base';
import type { ConnectOptions } from '@tessera/client';
import type { Logger } from '@tessera/daemon';
import type { SchedulerClients } from '../clients.ts';
import type { Authority } from '../leader/authority.ts';
import type { FlinkRest } from './job-manager.ts';

/** What carrying out Flink's clusters and jobs stands on. */
export interface FlinkOptions {
  readonly clients: Pick<SchedulerClients, 'hosts' | 'leases' | 'flinkClusters' | 'flinkJobs'>;
  /** What hosts and Flink are told is told by it. */
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between looks; 0: never. */
  readonly intervalMs: number;
  /** Where jars are put on their way to a JobManager. */
  readonly workDirectory: string;
  /** How host daemons are connected to. */
  readonly hostConnections?: ConnectOptions;
  /** A JobManager's REST interface at a URL. */
  readonly connectFlink: (url: string) => FlinkRest;
}
