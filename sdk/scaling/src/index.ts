/** How a stream job is kept the right size: what is observed, what follows from it, what is decided. Pure. */
export type * from './decision.ts';
export { type ObservedFlow, observedFlow } from './flow.ts';
export { counterRate, gaugeMean, latest, ofAttempt } from './rates.ts';
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
