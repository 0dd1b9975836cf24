import type { coordination, flink } from '@tessera/proto';
import { badRequest } from '../errors.ts';
import type { Resource } from '../resources/resource-kind.ts';
import type { ResourceTable } from '../resources/resource-table.ts';
import type { ResourceVersions } from '../rules/resource-versions.ts';
import type { Tables } from '../rules/tables.ts';
import { remove, watch } from './metadata-handlers.ts';

/** Wire in, wire out: what is wanted of Flink, and how far it is carried out. */

export function flinkClusterHandler(
  { flinkClusters: clusters, flinkClusterStatuses: statuses }: Tables,
  versions: ResourceVersions<flink.FlinkCluster>,
): flink.FlinkClusterServiceImplementation {
  return {
    getFlinkCluster: ({ name, version }) => versions.get(name, version),
    listFlinkClusters: async (request) => {
      const { resources, ...page } = await clusters.list(request);
      return { flinkClusters: resources, ...page };
    },
    createFlinkCluster: ({ flinkClusterId, flinkCluster, ...options }) =>
      clusters.create({
        name: `flink-clusters/${flinkClusterId}`,
        resource: flinkCluster,
        ...options,
      }),
    updateFlinkCluster: ({ flinkCluster, ...options }) =>
      clusters.update({ resource: flinkCluster, ...options }),
    deleteFlinkCluster: (request) => remove(clusters, request),
    watchFlinkClusters: ({ startRevision }, { signal }) =>
      watch(clusters, { parent: '', startRevision }, signal),
    listFlinkClusterVersions: async (request) => {
      const { resources, ...page } = await versions.list(request);
      return { flinkClusters: resources, ...page };
    },
    rollbackFlinkCluster: (request) => versions.rollback(request, ['spec']),
    getFlinkClusterStatus: ({ name }) => statuses.get(name),
    listFlinkClusterStatuses: async (request) => {
      const { resources, ...page } = await statuses.list(request);
      return { flinkClusterStatuses: resources, ...page };
    },
    updateFlinkClusterStatus: ({ flinkClusterStatus, fence }) =>
      writeStatus(statuses, flinkClusterStatus, fence),
    deleteFlinkClusterStatus: (request) => remove(statuses, request),
    watchFlinkClusterStatuses: ({ startRevision }, { signal }) =>
      watch(statuses, { parent: '', startRevision }, signal),
  };
}

export function flinkJobHandler(
  { flinkJobs: jobs, flinkJobStatuses: statuses }: Tables,
  versions: ResourceVersions<flink.FlinkJob>,
): flink.FlinkJobServiceImplementation {
  return {
    getFlinkJob: ({ name, version }) => versions.get(name, version),
    listFlinkJobs: async (request) => {
      const { resources, ...page } = await jobs.list(request);
      return { flinkJobs: resources, ...page };
    },
    createFlinkJob: ({ flinkJobId, flinkJob, ...options }) =>
      jobs.create({ name: `flink-jobs/${flinkJobId}`, resource: flinkJob, ...options }),
    updateFlinkJob: ({ flinkJob, ...options }) => jobs.update({ resource: flinkJob, ...options }),
    deleteFlinkJob: (request) => remove(jobs, request),
    watchFlinkJobs: ({ startRevision }, { signal }) =>
      watch(jobs, { parent: '', startRevision }, signal),
    listFlinkJobVersions: async (request) => {
      const { resources, ...page } = await versions.list(request);
      return { flinkJobs: resources, ...page };
    },
    rollbackFlinkJob: (request) => versions.rollback(request, ['spec']),
    getFlinkJobStatus: ({ name }) => statuses.get(name),
    listFlinkJobStatuses: async (request) => {
      const { resources, ...page } = await statuses.list(request);
      return { flinkJobStatuses: resources, ...page };
    },
    updateFlinkJobStatus: ({ flinkJobStatus, fence }) =>
      writeStatus(statuses, flinkJobStatus, fence),
    deleteFlinkJobStatus: (request) => remove(statuses, request),
    watchFlinkJobStatuses: ({ startRevision }, { signal }) =>
      watch(statuses, { parent: '', startRevision }, signal),
  };
}

/** So many are sent at once: a decision holds all that its strategy had learned. */
const wholeDecisions = 20;

export function flinkScalingHandler({
  flinkJobScalings: scalings,
  scalingDecisions: decisions,
}: Tables): flink.FlinkScalingServiceImplementation {
  return {
    getScalingDecision: ({ name }) => decisions.get(name),
    listScalingDecisions: async ({ summaries, pageSize, ...request }) => {
      const most = summaries ? 1_000 : wholeDecisions;
      const size = pageSize <= 0 ? most : Math.min(most, pageSize);
      const { resources, ...page } = await decisions.list({ ...request, pageSize: size });
      const shown = ({ decision, ...rest }: flink.FlinkScalingDecision) => ({
        ...rest,
        decision: summaries ? undefined : decision,
      });
      return { scalingDecisions: resources.map(shown), ...page };
    },
    createScalingDecision: ({ parent, scalingDecisionId, scalingDecision, fence }) =>
      decisions.create({
        name: `${parent}/scaling-decisions/${scalingDecisionId}`,
        resource: scalingDecision,
        fence,
      }),
    deleteScalingDecision: (request) => remove(decisions, { ...request, etag: '' }),
    getFlinkJobScaling: ({ name }) => scalings.get(name),
    updateFlinkJobScaling: ({ flinkJobScaling, fence }) =>
      scalings.update({
        resource: flinkJobScaling,
        updateMask: undefined,
        allowMissing: true,
        fence,
      }),
  };
}

/** Without an etag it is a new one: a log is never written over unread. */
function writeStatus<T extends Resource>(
  table: ResourceTable<T>,
  status: T | undefined,
  fence: coordination.Fence | undefined,
): Promise<T> {
  if (status === undefined) throw badRequest('status', 'is missing.');
  const { name, etag } = status;
  return etag === ''
    ? table.create({ name, resource: status, fence })
    : table.update({ resource: status, updateMask: undefined, fence });
}
