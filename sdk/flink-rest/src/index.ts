/** Talking to Apache Flink: the REST interfaces of its JobManager and of its SQL gateway, with deadlines, bounds and answers that are checked. */
export type {
  ClusterOverview,
  JobManagerConfiguration,
  JobManagerEnvironment,
  TaskManager,
  TaskManagerDetails,
} from './answers/cluster.ts';
export type { RunJar, UploadedJar } from './answers/jar.ts';
export type {
  JobDetails,
  JobException,
  JobState,
  JobSummary,
  JobVertex,
  Subtask,
  TaskCounts,
  TaskState,
  VertexInput,
} from './answers/job.ts';
export type { AggregatedMetric, MetricScope } from './answers/metrics.ts';
export type { ParallelismBounds, ResourceRequirements } from './answers/requirements.ts';
export type { OperationStatus, SqlOperation, SqlPage } from './answers/sql.ts';
export type { Checkpoint, Checkpoints, Savepoint } from './answers/state.ts';
export {
  FlinkRestClient,
  type SavepointFormat,
  type StopWithSavepoint,
  type TriggerSavepoint,
} from './flink-rest-client.ts';
export type { RestTarget } from './http/rest-caller.ts';
export { runSqlScript, type SqlScript } from './run-sql-script.ts';
export { SqlGatewayClient } from './sql-gateway-client.ts';
