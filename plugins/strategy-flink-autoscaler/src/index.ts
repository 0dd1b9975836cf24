export { documentedExample, type FlinkAutoscalerConfig, flinkAutoscalerConfig } from './config.ts';
export { FlinkAutoscaler, type FlinkAutoscalerLearned } from './flink-autoscaler.ts';
export { plugin } from './plugin.ts';
