/** tessera.flink.v1: clusters and jobs of Apache Flink, the services that keep them, and how jobs are scaled. */
export * from './gen/tessera/flink/v1/flink_cluster.ts';
export type { ServerStreamingMethodResult } from './gen/tessera/flink/v1/flink_cluster_service.ts';
export * from './gen/tessera/flink/v1/flink_cluster_service.ts';
export * from './gen/tessera/flink/v1/flink_job.ts';
export * from './gen/tessera/flink/v1/flink_job_service.ts';
export * from './gen/tessera/flink/v1/flink_scaling.ts';
export * from './gen/tessera/flink/v1/flink_scaling_service.ts';
export * from './gen/tessera/flink/v1/scaling_decision.ts';
