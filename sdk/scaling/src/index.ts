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
  assumedBands,
  assumedDeviation,
  type ForecastBand,
  fewestErrors,
} from './forecast/bands.ts';
export {
  type EnsembleState,
  type MixedForecast,
  noForecasts,
  observe,
  persistence,
} from './forecast/ensemble.ts';
export { forecastSteps } from './forecast/horizons.ts';
export { appended, endOf, type Series } from './forecast/series.ts';
export { isLagGrowing } from './lag.ts';
export { fitToSlots, type SizesToFit } from './limits/fit-to-slots.ts';
export { type Circumstances, limitDecision, reasonNotToAsk } from './limits/limit-decision.ts';
export {
  type Cooldown,
  defaultLimits,
  inPlaceLimits,
  type LimitCode,
  type LimitEffect,
  type LimitedDecision,
  noLimits,
  type QuotaShare,
  type RescaleInFlight,
  type RollbackRules,
  type ScalingBounds,
  type ScalingLimits,
  type VertexBounds,
} from './limits/limits.ts';
export {
  forbiddingWindow,
  isOpen,
  type MaintenanceWindow,
  type WeekDay,
  weekDays,
  windowFault,
} from './limits/maintenance-windows.ts';
export {
  type AvoidedSize,
  type LimitsMemory,
  type Mark,
  nothingRemembered,
  type Performance,
  type Trial,
} from './limits/memory.ts';
export { type QuotaDemand, shareQuota } from './limits/share-quota.ts';
export {
  checkedOutcome,
  type NotAskedCode,
  type StrategyFailure,
  type StrategyFailureCode,
  type StrategyOutcome,
} from './limits/strategy-outcome.ts';
export {
  checkedAnswer,
  type ScalingProposal,
  type VetoAnswer,
  type VetoOutcome,
  withVetoes,
} from './limits/vetoes.ts';
export {
  type MetricHistory,
  type MetricHistoryBounds,
  metricHistoryBounds,
  noMetrics,
  samplesAfter,
  withSamples,
} from './metric-history.ts';
export { counterRate, gaugeMean, latest, ofAttempt } from './rates.ts';
export { type Alternative, decideInstead } from './record/decide-instead.ts';
export {
  type DecisionHistory,
  type HistoryBounds,
  historyBounds,
  isEventful,
  type StoredDecision,
  withDecision,
} from './record/decision-history.ts';
export {
  askStrategy,
  askVeto,
  type DecidingJob,
  type DecidingStrategy,
  type DecisionRecord,
  decideWithin,
  type NamedVeto,
  proposalOf,
  type RecordedDecision,
  type RecordedOutcome,
  recordDecision,
  type StrategyUse,
  strategyThrew,
} from './record/decision-record.ts';
export { explain } from './record/explain.ts';
export {
  type ExplainedTable,
  type Explanation,
  slotsText,
  timeText,
} from './record/explanation.ts';
export {
  asksStrategy,
  type Difference,
  differencesOf,
  type Replay,
  replay,
} from './record/replay.ts';
export {
  type Patience,
  type RolloutPlan,
  type RolloutResult,
  rollOut,
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
