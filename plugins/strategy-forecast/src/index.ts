export { type ForecastConfig, forecastConfig } from './config.ts';
export { ForecastStrategy } from './forecast-strategy.ts';
export type { ForecastLearned } from './learned.ts';
export { plugin } from './plugin.ts';
