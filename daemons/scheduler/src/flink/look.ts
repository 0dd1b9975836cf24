import { resourceIdOf } from '@tessera/base';
import { listAll } from '@tessera/client';
import type { flink } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { type HostAccess, observeHosts, type SeenHost } from '../hosts/observe-hosts.ts';
import { clusterToRun } from './cluster-status.ts';
import type { FlinkOptions } from './flink-options.ts';
import { isActive } from './job-status.ts';

/** Everything that one look has found. */
export interface Look {
  /** All by id, and hosts as they were seen last: steps bring them up to date. Clusters are as they are carried out. */
  readonly clusters: ReadonlyMap<string, flink.FlinkCluster>;
  readonly clusterStatuses: ReadonlyMap<string, flink.FlinkClusterStatus>;
  readonly jobs: ReadonlyMap<string, flink.FlinkJob>;
  readonly jobStatuses: ReadonlyMap<string, flink.FlinkJobStatus>;
  readonly hosts: SeenHost[];
}

/** `undefined`: nothing is wanted of Flink, and nothing is left of it; then no host is asked. */
export async function lookAround(
  { clients, clock }: FlinkOptions,
  access: HostAccess,
): Promise<Look | undefined> {
  const client = clients as SchedulerClients;
  const [clusters, clusterStatuses, jobs, jobStatuses] = await Promise.all([
    listAll(client, 'flinkClusters'),
    listAll(client, 'flinkClusterStatuses'),
    listAll(client, 'flinkJobs'),
    listAll(client, 'flinkJobStatuses'),
  ]);
  const all = [clusters, clusterStatuses, jobs, jobStatuses];
  if (all.every(({ resources }) => resources.length === 0)) return undefined;
  const statuses = byId(clusterStatuses.resources);
  const carriedOut = clusters.resources.map((cluster) => {
    return clusterToRun(cluster, statuses.get(resourceIdOf(cluster.name)));
  });
  return {
    clusters: byId(carriedOut),
    clusterStatuses: statuses,
    jobs: byId(jobs.resources),
    jobStatuses: byId(jobStatuses.resources),
    hosts: await observeHosts(clients, access, clock),
  };
}

function byId<T extends { readonly name: string }>(resources: readonly T[]): Map<string, T> {
  return new Map(resources.map((resource) => [resourceIdOf(resource.name), resource]));
}

/** Where a host is reached. */
export function ipOf({ address }: SeenHost): string {
  return address.slice(0, address.lastIndexOf(':'));
}

/** Jobs that have not been stopped on a cluster. */
export function activeJobsOf(cluster: string, { jobStatuses }: Look): number {
  const active = [...jobStatuses.values()].filter(
    (status) => isActive(status) && resourceIdOf(status.deployed?.spec?.cluster ?? '') === cluster,
  );
  return active.length;
}
