import { definePlugin } from '@tessera/plugin';
import { thresholdConfig } from './config.ts';
import { Threshold } from './threshold.ts';

/** Holds the share of the time that subtasks are busy. */
export const plugin = definePlugin({
  kind: 'strategy',
  name: 'threshold',
  apiVersion: 1,
  config: thresholdConfig,
  create: ({ config }) => new Threshold(config),
});
