/** tessera.flink.v1: clusters and jobs of Apache Flink. */
export * from './gen/tessera/flink/v1/flink_cluster.ts';
export * from './gen/tessera/flink/v1/flink_job.ts';
