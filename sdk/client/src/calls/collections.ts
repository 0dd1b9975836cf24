import type { access, flink, metadata } from '@tessera/proto';
import type { CallOptions } from 'nice-grpc-common';
import type { TesseraClient } from '../clients.ts';
import { pages } from './pages.ts';
import { type WatchEvent, type WatchMessage, type WatchOptions, watch } from './watch.ts';

/** The resource types that the metadata daemon keeps, by the name of their client or, of statuses, of their own. */
export interface Collections {
  readonly projects: metadata.Project;
  readonly sources: metadata.Source;
  readonly models: metadata.Model;
  readonly cubes: metadata.Cube;
  readonly segments: metadata.Segment;
  readonly snapshots: metadata.Snapshot;
  readonly dictionaries: metadata.Dictionary;
  readonly hosts: metadata.Host;
  readonly storageNodes: metadata.StorageNode;
  readonly deployments: metadata.Deployment;
  readonly flinkClusters: flink.FlinkCluster;
  readonly flinkClusterStatuses: flink.FlinkClusterStatus;
  readonly flinkJobs: flink.FlinkJob;
  readonly flinkJobStatuses: flink.FlinkJobStatus;
  readonly operationRecords: metadata.OperationRecord;
  readonly users: access.User;
  readonly groups: access.Group;
  readonly roles: access.Role;
  readonly policies: access.Policy;
}
export type CollectionName = keyof Collections;

/** Statuses are served with what they are of. */
const served = { flinkClusterStatuses: 'flinkClusters', flinkJobStatuses: 'flinkJobs' } as const;

export interface CollectionOptions extends WatchOptions {
  /** Resource name of what holds them, `-` for any: `projects/-`. Absent for what stands at the top, such as projects and hosts. */
  readonly parent?: string;
  readonly pageSize?: number;
}

type List = (request: object, options: CallOptions) => Promise<ListResponse>;
type ListResponse = Readonly<Record<string, unknown>> & {
  readonly nextPageToken: string;
  readonly revision: bigint;
};
type Watch = (request: object, options: CallOptions) => AsyncIterable<WatchMessage<never>>;

const defaultPageSize = 500;

/** Everything in a collection, at one revision. */
export async function listAll<Name extends CollectionName>(
  client: TesseraClient,
  name: Name,
  options: Omit<CollectionOptions, keyof WatchOptions> & { readonly signal?: AbortSignal } = {},
): Promise<{ readonly resources: Collections[Name][]; readonly revision: bigint }> {
  const { parent, pageSize = defaultPageSize, signal } = options;
  const list = methodOf(client, name, 'list') as List;
  let revision = 0n;
  const items = pages(async (pageToken) => {
    const request = { ...(parent === undefined ? {} : { parent }), pageSize, pageToken };
    const response = await list(request, signal ? { signal } : {});
    revision = response.revision;
    return {
      items: response[name] as readonly Collections[Name][],
      nextPageToken: response.nextPageToken,
    };
  });
  const resources = await Array.fromAsync(items);
  return { resources, revision };
}

/** Lists a collection, then follows it for ever: see `watch`. */
export function watchAll<Name extends CollectionName>(
  client: TesseraClient,
  name: Name,
  options: CollectionOptions = {},
): AsyncGenerator<WatchEvent<Collections[Name]>, never, undefined> {
  const { parent } = options;
  const changes = methodOf(client, name, 'watch') as unknown as Watch;
  return watch<Collections[Name]>(
    {
      list: (signal) => {
        const { parent: _, ...rest } = options;
        return listAll(client, name, {
          ...(parent === undefined ? {} : { parent }),
          ...(rest.pageSize === undefined ? {} : { pageSize: rest.pageSize }),
          ...(signal ? { signal } : {}),
        });
      },
      watch: (startRevision, signal) =>
        changes(
          { ...(parent === undefined ? {} : { parent }), startRevision },
          signal ? { signal } : {},
        ) as AsyncIterable<WatchMessage<Collections[Name]>>,
    },
    options,
  );
}

/** `listModels` of `client.models`, and so on: the names follow from each other in every service. */
function methodOf(client: TesseraClient, name: CollectionName, verb: 'list' | 'watch'): unknown {
  const method = `${verb}${name[0]!.toUpperCase()}${name.slice(1)}`;
  const clientName = isStatus(name) ? served[name] : name;
  const service = client[clientName] as unknown as Readonly<Record<string, unknown>>;
  return service[method];
}

function isStatus(name: CollectionName): name is keyof typeof served {
  return Object.hasOwn(served, name);
}
