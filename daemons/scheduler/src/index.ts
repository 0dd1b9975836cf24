/** The scheduler daemon: turns specifications into work, one leader at a time. */
export { type AssembledScheduler, assembleScheduler, type SchedulerParts } from './assembly.ts';
export { composeScheduler, type Scheduler, type SchedulerDependencies } from './composition.ts';
export { type SchedulerConfig, schedulerDefaults } from './config.ts';
export { parseQuotas } from './flink/parse-quotas.ts';
export { decideReplicas, type ReplicasSeen } from './replicas/decide.ts';
export { type KnownItems, storedItems } from './replicas/items.ts';
export { reportReplication } from './replicas/report.ts';
export type { SeenNode } from './replicas/stored-item.ts';
