import { definePlugin } from '@tessera/plugin';
import { forecastConfig } from './config.ts';
import { ForecastStrategy } from './forecast-strategy.ts';

/** Scales by what sizes will cost as the load goes on: the default. */
export const plugin = definePlugin({
  kind: 'strategy',
  name: 'forecast',
  apiVersion: 1,
  config: forecastConfig,
  create: ({ config }) => new ForecastStrategy(config),
});
