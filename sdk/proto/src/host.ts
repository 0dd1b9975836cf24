/** tessera.host.v1: one machine, its artifacts and processes. */
export * from './gen/tessera/host/v1/artifact.ts';
export * from './gen/tessera/host/v1/host_service.ts';
export * from './gen/tessera/host/v1/process.ts';
