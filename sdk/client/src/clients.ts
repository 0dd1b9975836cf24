import {
  access,
  coordination,
  flink,
  host,
  longrunning,
  metadata,
  query,
  scheduler,
  storage,
} from '@tessera/proto';
import type { Client, CompatServiceDefinition } from 'nice-grpc';
import { measuringSizes } from './calls/message-sizes.ts';

/** Every service of the platform, by the name that `TesseraClient` has it under. */
export const services = {
  projects: metadata.ProjectServiceDefinition,
  sources: metadata.SourceServiceDefinition,
  models: metadata.ModelServiceDefinition,
  cubes: metadata.CubeServiceDefinition,
  segments: metadata.SegmentServiceDefinition,
  snapshots: metadata.SnapshotServiceDefinition,
  dictionaries: metadata.DictionaryServiceDefinition,
  hosts: metadata.HostServiceDefinition,
  storageNodes: metadata.StorageNodeServiceDefinition,
  deployments: metadata.DeploymentServiceDefinition,
  flinkClusters: flink.FlinkClusterServiceDefinition,
  flinkJobs: flink.FlinkJobServiceDefinition,
  flinkScalings: flink.FlinkScalingServiceDefinition,
  operationRecords: metadata.OperationRecordServiceDefinition,
  maintenance: metadata.MaintenanceServiceDefinition,
  backups: metadata.BackupServiceDefinition,
  leases: coordination.LeaseServiceDefinition,
  builds: scheduler.BuildServiceDefinition,
  replication: scheduler.ReplicationServiceDefinition,
  scaling: scheduler.ScalingServiceDefinition,
  operations: longrunning.OperationsDefinition,
  queries: query.QueryServiceDefinition,
  users: access.UserServiceDefinition,
  groups: access.GroupServiceDefinition,
  roles: access.RoleServiceDefinition,
  policies: access.PolicyServiceDefinition,
  authentication: access.AuthenticationServiceDefinition,
  storage: measuringSizes(storage.StorageServiceDefinition, ['scanCuboid', 'scanCuboids']),
  transfers: storage.TransferServiceDefinition,
  host: host.HostServiceDefinition,
} as const;

export type Services = typeof services;

/**
 * Typed clients of all services. Calls take plain values with absent fields at their defaults, throw
 * `TesseraError`, and end when the `signal` among their options does.
 */
export type TesseraClient = { readonly [Name in keyof Services]: Client<Services[Name]> };

/** Makes one service's client: over a channel, or bound to a handler in this process. */
export type Bind = <Definition extends CompatServiceDefinition>(
  definition: Definition,
) => Client<Definition>;

/** The clients of all services by one way of binding; each is made when it is first used. */
export function clientsBy(bind: Bind): TesseraClient {
  const made = new Map<string, unknown>();
  const client: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(services)) {
    Object.defineProperty(client, name, {
      enumerable: true,
      get: () => {
        if (!made.has(name)) made.set(name, bind(definition));
        return made.get(name);
      },
    });
  }
  return client as unknown as TesseraClient;
}
