/** How a stream job is kept the right size: what is observed, what follows from it, what is decided. Pure. */
export {
  type CapacityCurve,
  type CapacityEstimate,
  type CapacityObservation,
  fitCapacity,
} from './capacity-curve.ts';
export type * from './decision.ts';
export { type ObservedFlow, observedFlow } from './flow.ts';
export {
  type EnsembleState,
  type ForecastBand,
  forecastSteps,
  type MixedForecast,
  noForecasts,
  observe,
  persistence,
} from './forecast/ensemble.ts';
export { appended, endOf, type Series } from './forecast/series.ts';
export { counterRate, gaugeMean, latest, ofAttempt } from './rates.ts';
export {
  type Patience,
  type RolloutPlan,
  type RolloutResult,
  rollOut,
  rolloutStepSeconds,
} from './rollout.ts';
export type * from './sample.ts';
export {
  effectiveSubtasks,
  isSource,
  type JobEdge,
  type JobTopology,
  type JobVertex,
  type Parallelism,
  type ShipStrategy,
  sameParallelism,
  slotsOf,
  unitsOf,
  withinBounds,
} from './topology.ts';
export { usableSamples } from './usable.ts';
