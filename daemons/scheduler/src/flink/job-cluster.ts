import { resourceIdOf } from '@tessera/base';
import { isGone } from '@tessera/flink';
import { SqlGatewayClient } from '@tessera/flink-rest';
import type { flink } from '@tessera/proto';
import type { SeenHost } from '../hosts/observe-hosts.ts';
import { clusterJournalOf, placementOf } from './cluster-status.ts';
import type { FlinkOptions } from './flink-options.ts';
import { jobManagerAddress } from './flink-process.ts';
import { JarSource } from './jar-source.ts';
import { observeJobManager, type SeenJobManager } from './job-manager.ts';
import { ipOf, type Look } from './look.ts';
import type { Memory } from './memory.ts';
import { processesOf, restAddressesOf } from './observe-cluster.ts';

/** What a job sees of its cluster. */
export interface JobCluster {
  /** Absent: there is no such cluster. */
  readonly stateDirectory: string | undefined;
  readonly haltsJobs: boolean;
  /** Absent: it does not answer. */
  readonly jobManager: SeenJobManager | undefined;
  /** For which reason it does not. */
  readonly silence?: string | undefined;
  /** Absent: none runs. */
  readonly gateway: SqlGatewayClient | undefined;
  readonly jars: JarSource;
}

/** What jobs see of a cluster as it is now. */
export async function jobClusterOf(
  id: string,
  { clusters, clusterStatuses, hosts }: Look,
  { connectFlink, workDirectory, clock, hanging }: FlinkOptions & Pick<Memory, 'hanging'>,
  signal: AbortSignal,
): Promise<JobCluster> {
  const status = clusterStatuses.get(id);
  const running = restAddressesOf(hosts, id, 'jobmanager')[0];
  const isOne = jobManagersThatMayRun(id, status, hosts) <= 1;
  const address = isOne ? (running ?? placedAddress(status, hosts)) : undefined;
  const gateway = restAddressesOf(hosts, id, 'sql-gateway')[0];
  const url = `http://${address}`;
  const ask = () => observeJobManager(connectFlink(url), { clock, signal });
  return {
    stateDirectory: clusters.get(id)?.spec?.stateDirectory,
    haltsJobs: status?.haltsJobs ?? false,
    ...(address === undefined ? { jobManager: undefined } : await hanging.look(url, ask)),
    gateway: gateway === undefined ? undefined : new SqlGatewayClient({ url: `http://${gateway}` }),
    jars: new JarSource(hosts, workDirectory),
  };
}

/**
 * A start that arrives late, or a host that is silent, can make it two. Then none is asked: that one of them does not know a job says nothing, since the other one may run it.
 */
function jobManagersThatMayRun(
  id: string,
  status: flink.FlinkClusterStatus | undefined,
  hosts: readonly SeenHost[],
): number {
  const started = status === undefined ? [] : clusterJournalOf(status).started;
  const seen = hosts.flatMap((host) =>
    processesOf(host, id, new Set()).map(({ process, role }) => ({
      ...{ role, id: process.id, host: resourceIdOf(host.name) },
      isGone: isGone(process),
    })),
  );
  const all = [...started.map((one) => ({ ...one, isGone: false })), ...seen];
  const names = all
    .filter(({ role, isGone: hasGone }) => role === 'jobmanager' && !hasGone)
    .map(({ id: process, host }) => `${host} ${process}`);
  return new Set(names).size;
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
