/** tessera.scheduler.v1: builds and other long-running work on cubes. */
export * from './gen/tessera/scheduler/v1/build_service.ts';
export * from './gen/tessera/scheduler/v1/replication_service.ts';
export * from './gen/tessera/scheduler/v1/scaling_service.ts';
