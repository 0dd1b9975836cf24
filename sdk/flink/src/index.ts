/** Apache Flink on bare-metal hosts: what runs where, how large, with which files and flags, and what to do next. Pure: no files, network or clocks. */

export {
  type ClusterDecision,
  type ClusterJournal,
  type ClusterStep,
  emptyClusterJournal,
  type StartedProcess,
  type WantedCluster,
  type WantedProcess,
} from './cluster/cluster-decision.ts';
export { lostAfterMs } from './cluster/host-loss.ts';
export { nextClusterAction } from './cluster/next-cluster-action.ts';
export {
  type ClusterHost,
  type ClusterProcess,
  isGone,
  type ObservedCluster,
  type RegisteredTaskManager,
} from './cluster/observed-cluster.ts';
export type { JobCondition, JobDecision, JobReason, JobStep } from './job/decision.ts';
export { jobIdOf, requestedTriggerIdOf, specDigest, triggerIdOf } from './job/identity.ts';
export { hasSize, type JobSize, type VertexParallelism } from './job/job-size.ts';
export {
  type Deployed,
  emptyJournal,
  type JobJournal,
  type JobPhase,
  type RequestedSavepoint,
  type SavepointOutcome,
  type StatePoint,
} from './job/journal.ts';
export { nextJobAction, type WantedJob } from './job/next-job-action.ts';
export {
  hasEnded,
  type ObservedJob,
  type ObservedJobManager,
  type ObservedRun,
  type ObservedSavepoint,
  type RunState,
  type SavepointProgress,
} from './job/observed-job.ts';
export { manyRestarts, specToRun } from './job/stability.ts';
export {
  type Command,
  jobManagerCommand,
  type SqlGatewaySize,
  sqlGatewayCommand,
  taskManagerCommand,
} from './launch/commands.ts';
export {
  addressOf,
  clusterConfiguration,
  configYaml,
  type JobManagerAddress,
  javaOptionsOf,
  type LaunchPaths,
  log4jProperties,
  reservedJobKeys,
  reservedKeys,
} from './launch/configuration.ts';
export { type Fit, type FitWish, fitToHosts } from './memory/fit-to-host.ts';
export type { RangeFraction } from './memory/fraction.ts';
export {
  type JobManagerMemory,
  type JobManagerSize,
  jobManagerJvmFlags,
  jobManagerKeys,
  jobManagerMemory,
} from './memory/job-manager-memory.ts';
export {
  type TaskManagerMemory,
  type TaskManagerSize,
  taskManagerJvmFlags,
  taskManagerKeys,
  taskManagerMemory,
} from './memory/task-manager-memory.ts';
export { placementCost } from './placement/attempt.ts';
export { isSelected } from './placement/eligibility.ts';
export { furtherRoom } from './placement/further-room.ts';
export { placeClusters } from './placement/place-clusters.ts';
export type {
  ClusterDemand,
  FlinkHost,
  GroupDemand,
  PlacedProcess,
  PlacementCondition,
  PlacementDisk,
  PlacementInput,
  PlacementOutcome,
  PlacementReason,
  PlacementSelector,
  ProcessRole,
  ProcessSize,
  Quota,
  Reservation,
} from './placement/placement.ts';
export {
  type ChangeEffect,
  clusterChanges,
  effectOf,
  jobChanges,
  type SpecChange,
} from './spec/changes.ts';
export type { FlinkClusterSpec } from './spec/cluster-spec.ts';
export { digestOf } from './spec/digest.ts';
export type { FlinkJobSpec, FlinkProgram, UpgradeMode } from './spec/job-spec.ts';
export { jobScript } from './sql/job-script.ts';
export { type ScriptPosition, type SqlStatement, sqlStatements } from './sql/statements.ts';
