/** A platform and hosts by their own commands, for a real Flink on them. */
export { type Ending, endOnSignals } from './end-on-signals.ts';
export { FlinkStage } from './flink-stage.ts';
export { kill, type StageProcess } from './stage-processes.ts';
