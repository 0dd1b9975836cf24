import { describeScalingStrategy } from '@tessera/testkit/contracts';
import { flinkAutoscalerConfig } from './config.ts';
import { FlinkAutoscaler } from './flink-autoscaler.ts';

describeScalingStrategy('flink-autoscaler', {
  create: () => new FlinkAutoscaler(flinkAutoscalerConfig.parse({})),
});
