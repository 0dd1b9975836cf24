import { resourceIdOf } from '@tessera/base';
import { SqlGatewayClient } from '@tessera/flink-rest';
import type { flink } from '@tessera/proto';
import type { SeenHost } from '../hosts/observe-hosts.ts';
import { placementOf } from './cluster-status.ts';
import type { FlinkOptions } from './flink-options.ts';
import { jobManagerAddress } from './flink-process.ts';
import { JarSource } from './jar-source.ts';
import { observeJobManager, type SeenJobManager } from './job-manager.ts';
import { ipOf, type Look } from './look.ts';
import { restAddressesOf } from './observe-cluster.ts';

/** What a job sees of its cluster. */
export interface JobCluster {
  /** Absent: there is no such cluster. */
  readonly stateDirectory: string | undefined;
  readonly haltsJobs: boolean;
  /** Absent: it does not answer. */
  readonly jobManager: SeenJobManager | undefined;
  /** Absent: none runs. */
  readonly gateway: SqlGatewayClient | undefined;
  readonly jars: JarSource;
}

/** What jobs see of a cluster as it is now. */
export async function jobClusterOf(
  id: string,
  { clusters, clusterStatuses, hosts }: Look,
  { connectFlink, workDirectory }: FlinkOptions,
  signal: AbortSignal,
): Promise<JobCluster> {
  const status = clusterStatuses.get(id);
  const address = restAddressesOf(hosts, id, 'jobmanager')[0] ?? placedAddress(status, hosts);
  const gateway = restAddressesOf(hosts, id, 'sql-gateway')[0];
  return {
    stateDirectory: clusters.get(id)?.spec?.stateDirectory,
    haltsJobs: status?.haltsJobs ?? false,
    jobManager:
      address === undefined
        ? undefined
        : await observeJobManager(connectFlink(`http://${address}`), signal),
    gateway: gateway === undefined ? undefined : new SqlGatewayClient({ url: `http://${gateway}` }),
    jars: new JarSource(hosts, workDirectory),
  };
}

/** Where the JobManager was placed, for when its host daemon does not say. */
function placedAddress(
  status: flink.FlinkClusterStatus | undefined,
  hosts: readonly SeenHost[],
): string | undefined {
  if (status === undefined) return undefined;
  const addresses = new Map(hosts.map((host) => [resourceIdOf(host.name), ipOf(host)]));
  const placed = jobManagerAddress(placementOf(status), addresses);
  return placed && `${placed.host}:${placed.restPort}`;
}
