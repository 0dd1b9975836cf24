import { type AccessContext, callerOf } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import type { Resource } from '../resources/resource-kind.ts';
import type {
  DeleteRequest,
  ListRequest,
  ResourceEvent,
  ResourceTable,
} from '../resources/resource-table.ts';
import type { Journal } from '../rules/journal.ts';
import type { SegmentPublisher } from '../rules/publish-segments.ts';
import type { ResourceVersions } from '../rules/resource-versions.ts';
import type { Tables } from '../rules/tables.ts';
import { shownSegment, shownSource } from './shown-to.ts';

/** Wire in, wire out. Rules are in `rules/`, storing is in `resources/`. */

export function projectHandler({ projects }: Tables): metadata.ProjectServiceImplementation {
  return {
    getProject: ({ name }) => projects.get(name),
    listProjects: async (request) => {
      const { resources, ...page } = await projects.list(request);
      return { projects: resources, ...page };
    },
    createProject: ({ projectId, project, ...options }) =>
      projects.create({ name: `projects/${projectId}`, resource: project, ...options }),
    updateProject: ({ project, ...options }) => projects.update({ resource: project, ...options }),
    deleteProject: (request) => remove(projects, request),
    watchProjects: ({ startRevision }, { signal }) =>
      watch(projects, { parent: '', startRevision }, signal),
  };
}

export function sourceHandler({
  sources,
}: Tables): metadata.SourceServiceImplementation<AccessContext> {
  return {
    getSource: async ({ name }, context) => shownSource(await sources.get(name), callerOf(context)),
    listSources: async (request, context) => {
      const { resources, ...page } = await sources.list(request);
      const caller = callerOf(context);
      return { sources: resources.map((source) => shownSource(source, caller)), ...page };
    },
    createSource: ({ parent, sourceId, source, ...options }) =>
      sources.create({ name: `${parent}/sources/${sourceId}`, resource: source, ...options }),
    updateSource: ({ source, ...options }) => sources.update({ resource: source, ...options }),
    deleteSource: (request) => remove(sources, request),
    watchSources: (request, context) =>
      watch(sources, request, context.signal, (source) => shownSource(source, callerOf(context))),
  };
}

export function modelHandler(
  { models }: Tables,
  versions: ResourceVersions<metadata.Model>,
): metadata.ModelServiceImplementation {
  return {
    getModel: ({ name, version }) => versions.get(name, version),
    listModels: async (request) => {
      const { resources, ...page } = await models.list(request);
      return { models: resources, ...page };
    },
    createModel: ({ parent, modelId, model, ...options }) =>
      models.create({ name: `${parent}/models/${modelId}`, resource: model, ...options }),
    updateModel: ({ model, ...options }) => models.update({ resource: model, ...options }),
    deleteModel: (request) => remove(models, request),
    watchModels: (request, { signal }) => watch(models, request, signal),
    listModelVersions: async (request) => {
      const { resources, ...page } = await versions.list(request);
      return { models: resources, ...page };
    },
    rollbackModel: (request) => versions.rollback(request, ['spec']),
  };
}

export function cubeHandler({ cubes }: Tables): metadata.CubeServiceImplementation {
  return {
    getCube: ({ name }) => cubes.get(name),
    listCubes: async (request) => {
      const { resources, ...page } = await cubes.list(request);
      return { cubes: resources, ...page };
    },
    createCube: ({ parent, cubeId, cube, ...options }) =>
      cubes.create({ name: `${parent}/cubes/${cubeId}`, resource: cube, ...options }),
    updateCube: ({ cube, ...options }) => cubes.update({ resource: cube, ...options }),
    deleteCube: (request) => remove(cubes, request),
    watchCubes: (request, { signal }) => watch(cubes, request, signal),
  };
}

export function segmentHandler(
  { segments }: Tables,
  publisher: SegmentPublisher,
): metadata.SegmentServiceImplementation<AccessContext> {
  return {
    getSegment: async ({ name }, context) =>
      shownSegment(await segments.get(name), callerOf(context)),
    listSegments: async ({ states, ...request }, context) => {
      const filtered = { ...request, ...oneOf(states, ({ state }: metadata.Segment) => state) };
      const { resources, ...page } = await segments.list(filtered);
      const caller = callerOf(context);
      return { segments: resources.map((segment) => shownSegment(segment, caller)), ...page };
    },
    createSegment: ({ parent, segmentId, segment, ...options }) =>
      segments.create({ name: `${parent}/segments/${segmentId}`, resource: segment, ...options }),
    updateSegment: ({ segment, ...options }) => segments.update({ resource: segment, ...options }),
    deleteSegment: (request) => remove(segments, request),
    watchSegments: (request, context) =>
      watch(segments, request, context.signal, (one) => shownSegment(one, callerOf(context))),
    publishSegments: (request) => publisher.publish(request),
  };
}

export function snapshotHandler({ snapshots }: Tables): metadata.SnapshotServiceImplementation {
  return {
    getSnapshot: ({ name }) => snapshots.get(name),
    listSnapshots: async (request) => {
      const { resources, ...page } = await snapshots.list(request);
      return { snapshots: resources, ...page };
    },
    createSnapshot: ({ parent, snapshotId, snapshot, ...options }) =>
      snapshots.create({
        name: `${parent}/snapshots/${snapshotId}`,
        resource: snapshot,
        ...options,
      }),
    updateSnapshot: ({ snapshot, ...options }) =>
      snapshots.update({ resource: snapshot, ...options }),
    deleteSnapshot: (request) => remove(snapshots, request),
    watchSnapshots: (request, { signal }) => watch(snapshots, request, signal),
  };
}

export function dictionaryHandler({
  dictionaries,
}: Tables): metadata.DictionaryServiceImplementation {
  return {
    getDictionary: ({ name }) => dictionaries.get(name),
    listDictionaries: async (request) => {
      const { resources, ...page } = await dictionaries.list(request);
      return { dictionaries: resources, ...page };
    },
    createDictionary: ({ parent, dictionaryId, dictionary, ...options }) =>
      dictionaries.create({
        name: `${parent}/dictionaries/${dictionaryId}`,
        resource: dictionary,
        ...options,
      }),
    updateDictionary: ({ dictionary, ...options }) =>
      dictionaries.update({ resource: dictionary, ...options }),
    deleteDictionary: (request) => remove(dictionaries, request),
    watchDictionaries: (request, { signal }) => watch(dictionaries, request, signal),
  };
}

export function hostHandler({ hosts }: Tables): metadata.HostServiceImplementation {
  return {
    getHost: ({ name }) => hosts.get(name),
    listHosts: async (request) => {
      const { resources, ...page } = await hosts.list(request);
      return { hosts: resources, ...page };
    },
    createHost: ({ hostId, host, ...options }) =>
      hosts.create({ name: `hosts/${hostId}`, resource: host, ...options }),
    updateHost: ({ host, ...options }) => hosts.update({ resource: host, ...options }),
    deleteHost: (request) => remove(hosts, request),
    watchHosts: ({ startRevision }, { signal }) =>
      watch(hosts, { parent: '', startRevision }, signal),
  };
}

export function storageNodeHandler({
  storageNodes,
}: Tables): metadata.StorageNodeServiceImplementation {
  return {
    getStorageNode: ({ name }) => storageNodes.get(name),
    listStorageNodes: async (request) => {
      const { resources, ...page } = await storageNodes.list(request);
      return { storageNodes: resources, ...page };
    },
    createStorageNode: ({ storageNodeId, storageNode, ...options }) =>
      storageNodes.create({
        name: `storageNodes/${storageNodeId}`,
        resource: storageNode,
        ...options,
      }),
    updateStorageNode: ({ storageNode, ...options }) =>
      storageNodes.update({ resource: storageNode, ...options }),
    deleteStorageNode: (request) => remove(storageNodes, request),
    watchStorageNodes: ({ startRevision }, { signal }) =>
      watch(storageNodes, { parent: '', startRevision }, signal),
  };
}

export function deploymentHandler(
  { deployments, deploymentStatuses }: Tables,
  versions: ResourceVersions<metadata.Deployment>,
): metadata.DeploymentServiceImplementation {
  return {
    getDeployment: ({ name, version }) => versions.get(name, version),
    listDeployments: async (request) => {
      const { resources, ...page } = await deployments.list(request);
      return { deployments: resources, ...page };
    },
    createDeployment: ({ deploymentId, deployment, ...options }) =>
      deployments.create({
        name: `deployments/${deploymentId}`,
        resource: deployment,
        ...options,
      }),
    updateDeployment: ({ deployment, ...options }) =>
      deployments.update({ resource: deployment, ...options }),
    deleteDeployment: (request) => remove(deployments, request),
    watchDeployments: ({ startRevision }, { signal }) =>
      watch(deployments, { parent: '', startRevision }, signal),
    listDeploymentVersions: async (request) => {
      const { resources, ...page } = await versions.list(request);
      return { deployments: resources, ...page };
    },
    rollbackDeployment: (request) => versions.rollback(request, ['daemons']),
    getDeploymentStatus: ({ name }) => deploymentStatuses.get(name),
    listDeploymentStatuses: async (request) => {
      const { resources, ...page } = await deploymentStatuses.list(request);
      return { deploymentStatuses: resources, ...page };
    },
    updateDeploymentStatus: ({ deploymentStatus, fence }) =>
      deploymentStatuses.update({
        resource: deploymentStatus,
        updateMask: undefined,
        allowMissing: true,
        fence,
      }),
  };
}

export function operationHandler(
  { operations }: Tables,
  journal: Journal,
): metadata.OperationRecordServiceImplementation {
  return {
    getOperationRecord: ({ name }) => operations.get(name),
    listOperationRecords: async ({ states, target, ...request }) => {
      const inState = oneOf(states, ({ state }: metadata.OperationRecord) => state);
      const { resources, ...page } = await operations.listNewestFirst({
        ...request,
        filter: (one) =>
          (target === '' || one.target === target) && inState.filter?.(one) !== false,
        filterText: `${inState.filterText} ${target}`,
      });
      return { operationRecords: resources, ...page };
    },
    createOperationRecord: ({ operationRecordId, operationRecord, ...options }) =>
      operations.create({
        name: `operations/${operationRecordId}`,
        resource: operationRecord,
        ...options,
      }),
    updateOperationRecord: ({ operationRecord, ...options }) =>
      operations.update({ resource: operationRecord, ...options }),
    deleteOperationRecord: (request) => remove(operations, request),
    watchOperationRecords: ({ startRevision }, { signal }) =>
      watch(operations, { parent: '', startRevision }, signal),
    writeJournalEntry: (request) => journal.write(request),
    listJournalEntries: (request) => journal.list(request),
  };
}

export async function remove<T extends Resource>(
  table: ResourceTable<T>,
  request: DeleteRequest,
): Promise<Record<string, never>> {
  await table.delete(request);
  return {};
}

interface WireEvent<T> {
  readonly event?:
    | { readonly $case: 'put'; readonly value: T }
    | { readonly $case: 'deletedName'; readonly value: string };
  readonly revision: bigint;
}

export async function* watch<T extends Resource>(
  table: ResourceTable<T>,
  request: { readonly parent: string; readonly startRevision: bigint },
  signal: AbortSignal,
  shown: (resource: T) => T = (resource) => resource,
): AsyncGenerator<WireEvent<T>, void> {
  for await (const event of table.watch({ ...request, signal })) yield toWire(event, shown);
}

function toWire<T>(
  { put, deletedName, revision }: ResourceEvent<T>,
  shown: (resource: T) => T,
): WireEvent<T> {
  if (put !== undefined) return { event: { $case: 'put', value: shown(put) }, revision };
  if (deletedName === undefined) return { revision };
  return { event: { $case: 'deletedName', value: deletedName }, revision };
}

/** A list filter; without states it lets everything pass. */
function oneOf<T, S extends number>(
  states: readonly S[],
  stateOf: (resource: T) => S,
): Pick<ListRequest<T>, 'filter' | 'filterText'> {
  if (states.length === 0) return { filterText: '' };
  return { filter: (one) => states.includes(stateOf(one)), filterText: states.join() };
}
