/** Apache Flink on bare-metal hosts: what runs where, how large, with which files and flags, and what to do next. Pure: no files, network or clocks. */

export { placementCost } from './placement/attempt.ts';
export { placeClusters } from './placement/place-clusters.ts';
export type {
  ClusterDemand,
  FlinkHost,
  GroupDemand,
  PlacedProcess,
  PlacementCondition,
  PlacementDisk,
  PlacementInput,
  PlacementOutcome,
  PlacementReason,
  PlacementSelector,
  ProcessRole,
  ProcessSize,
  Quota,
  Reservation,
} from './placement/placement.ts';
