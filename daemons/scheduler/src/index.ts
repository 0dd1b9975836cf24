/** The scheduler daemon: turns specifications into work, one leader at a time. */
export { type AssembledScheduler, assembleScheduler, type SchedulerParts } from './assembly.ts';
export { composeScheduler, type Scheduler, type SchedulerDependencies } from './composition.ts';
export { type SchedulerConfig, schedulerDefaults } from './config.ts';
