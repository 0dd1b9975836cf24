/** tessera.metadata.v1: resources and the services that keep them. */

export * from './gen/tessera/metadata/v1/backup_service.ts';
export type { ServerStreamingMethodResult } from './gen/tessera/metadata/v1/cube_service.ts';
export * from './gen/tessera/metadata/v1/cube_service.ts';
export * from './gen/tessera/metadata/v1/deployment.ts';
export * from './gen/tessera/metadata/v1/deployment_service.ts';
export * from './gen/tessera/metadata/v1/dictionary_service.ts';
export * from './gen/tessera/metadata/v1/host.ts';
export * from './gen/tessera/metadata/v1/host_service.ts';
export * from './gen/tessera/metadata/v1/maintenance_service.ts';
export * from './gen/tessera/metadata/v1/model_service.ts';
export * from './gen/tessera/metadata/v1/model_spec.ts';
export * from './gen/tessera/metadata/v1/operation_record_service.ts';
export * from './gen/tessera/metadata/v1/project_service.ts';
export * from './gen/tessera/metadata/v1/segment.ts';
export * from './gen/tessera/metadata/v1/segment_service.ts';
export * from './gen/tessera/metadata/v1/snapshot_service.ts';
export * from './gen/tessera/metadata/v1/source_service.ts';
export * from './gen/tessera/metadata/v1/storage_node.ts';
export * from './gen/tessera/metadata/v1/storage_node_service.ts';
