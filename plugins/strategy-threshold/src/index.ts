export { type ThresholdConfig, thresholdConfig } from './config.ts';
export { plugin } from './plugin.ts';
export { Threshold } from './threshold.ts';
