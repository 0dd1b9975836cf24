import { definePlugin } from '@tessera/plugin';
import { flinkAutoscalerConfig } from './config.ts';
import { FlinkAutoscaler } from './flink-autoscaler.ts';

/** Scales by the rules of Flink's own autoscaler. */
export const plugin = definePlugin({
  kind: 'strategy',
  name: 'flink-autoscaler',
  apiVersion: 1,
  config: flinkAutoscalerConfig,
  create: ({ config }) => new FlinkAutoscaler(config),
});
