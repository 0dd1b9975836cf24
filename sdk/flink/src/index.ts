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
export { nextClusterAction } from './cluster/next-cluster-action.ts';
export type {
  ClusterHost,
  ClusterProcess,
  ObservedCluster,
  RegisteredTaskManager,
} from './cluster/observed-cluster.ts';
export type { JobCondition, JobDecision, JobReason, JobStep } from './job/decision.ts';
export { jobIdOf, specDigest, triggerIdOf } from './job/identity.ts';
export {
  type Deployed,
  emptyJournal,
  type JobJournal,
  type JobPhase,
  type StatePoint,
} from './job/journal.ts';
export { nextJobAction, type WantedJob } from './job/next-job-action.ts';
export type {
  ObservedJob,
  ObservedJobManager,
  ObservedRun,
  RunState,
  SavepointProgress,
} from './job/observed-job.ts';
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
