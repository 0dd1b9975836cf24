import type { ScalingStrategy } from '@tessera/plugin';
import { Ds2, ds2Config } from '@tessera/strategy-ds2';
import {
  documentedExample,
  FlinkAutoscaler,
  flinkAutoscalerConfig,
} from '@tessera/strategy-flink-autoscaler';
import { ForecastStrategy, forecastConfig } from '@tessera/strategy-forecast';
import { Threshold, thresholdConfig } from '@tessera/strategy-threshold';

export interface Contestant {
  readonly name: string;
  create(): ScalingStrategy;
}

const minute = 60_000;

export const ours: Contestant = {
  name: 'forecast',
  create: () => new ForecastStrategy(forecastConfig.parse({})),
};
export const defaults: Contestant = {
  name: 'flink-autoscaler',
  create: () => new FlinkAutoscaler(flinkAutoscalerConfig.parse({})),
};
export const example: Contestant = {
  name: 'flink-autoscaler example',
  create: () => new FlinkAutoscaler(documentedExample),
};

/** Everybody, ours first. */
export const contestants: readonly Contestant[] = [
  ours,
  defaults,
  example,
  { name: 'ds2 x1.2', create: () => new Ds2(ds2Config.parse({ scalingFactor: 0.2 })) },
  { name: 'threshold 70 %', create: () => new Threshold(thresholdConfig.parse({})) },
];

/** Settings of Flink's autoscaler among which the best for each trace is found afterwards. */
export const tunedSettings: readonly Contestant[] = [0.7, 0.8, 0.9].flatMap((target) =>
  [5, 1].flatMap((stabilization) =>
    [5, 1].map((restart) => {
      const config = flinkAutoscalerConfig.parse({
        utilizationTarget: target,
        utilizationMax: Math.min(1, target + 0.3),
        stabilizationIntervalMs: stabilization * minute,
        metricsWindowMs: (stabilization === 5 ? 15 : 5) * minute,
        restartTimeMs: restart * minute,
      });
      const name = `target ${target}, stabilization ${stabilization} m, restart ${restart} m`;
      return { name, create: () => new FlinkAutoscaler(config) };
    }),
  ),
);
