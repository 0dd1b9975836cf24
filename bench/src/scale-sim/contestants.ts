import {
  simulationSuite as judged,
  type OraclePlan,
  type Scenario,
} from '@tessera/flink-simulator';
import type { ScalingStrategy } from '@tessera/plugin';
import { Ds2, ds2Config } from '@tessera/strategy-ds2';
import {
  documentedExample,
  FlinkAutoscaler,
  flinkAutoscalerConfig,
} from '@tessera/strategy-flink-autoscaler';
import { ForecastStrategy, forecastConfig } from '@tessera/strategy-forecast';
import { Threshold, thresholdConfig } from '@tessera/strategy-threshold';
import { FollowedPlan, JustInTime } from './knowing.ts';

const { rescaleCost, oracleSegmentSeconds } = judged;

export interface Contestant {
  readonly name: string;
  /** Real strategies take nothing; those that show what knowledge is worth are told the truth. */
  create(scenario: Scenario, plan: OraclePlan): ScalingStrategy;
}

/** One that could be used. */
export interface Strategy extends Contestant {
  create(): ScalingStrategy;
}

const minute = 60_000;

export const ours: Strategy = {
  name: 'forecast',
  create: () => new ForecastStrategy(forecastConfig.parse({})),
};
export const defaults: Strategy = {
  name: 'flink-autoscaler',
  create: () => new FlinkAutoscaler(flinkAutoscalerConfig.parse({})),
};
export const example: Strategy = {
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

/** What knowledge is worth: they see the truth, and are no rivals. */
export const knowing: readonly Contestant[] = [
  { name: 'just in time', create: (scenario) => new JustInTime(scenario, rescaleCost) },
  { name: 'oracle followed', create: (_, plan) => new FollowedPlan(plan, oracleSegmentSeconds) },
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
