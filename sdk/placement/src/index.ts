/** Which storage daemons hold which segments, and how replicas get there. Pure: no files, network or clocks. */

export { decide } from './decide.ts';
export {
  type CopyStep,
  type DropStep,
  type MoveBatch,
  type MoveOptions,
  type MoveStep,
  moves,
} from './moves.ts';
export { place } from './place.ts';
export {
  defaultTolerance,
  type PlacedSegment,
  type Placement,
  type PlacementCondition,
  type PlacementHost,
  type PlacementOptions,
  type PlacementOutcome,
  type PlacementReason,
} from './placement.ts';
export type {
  CopyLimits,
  QuarantineStep,
  Replica,
  ReplicaDecision,
  ReplicaStep,
  ReplicaView,
} from './replicas.ts';
