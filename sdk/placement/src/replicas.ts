import type { CopyStep, DropStep } from './moves.ts';
import type { Placement } from './placement.ts';

/** A replica as its storage daemon reports it. What a daemon has set aside is none. */
export type Replica =
  | { readonly kind: 'good' }
  /** Its content is not what its digest says: found by scrubbing, or when it was read. */
  | { readonly kind: 'damaged' }
  /** On its way; from deep storage when `from` is undefined. */
  | { readonly kind: 'copying'; readonly from: string | undefined };

export interface ReplicaView {
  readonly wanted: Placement;
  /** Replicas by segment id, by host. A host that does not answer is not among them. */
  readonly observed: ReadonlyMap<string, ReadonlyMap<string, Replica>>;
  /** Segments of which deep storage has every file. */
  readonly deep: ReadonlySet<string>;
  readonly bytesOf: (segment: string) => number;
  readonly limits: CopyLimits;
}

/** Bytes that may be on their way at once. A segment that is larger goes alone. */
export interface CopyLimits {
  /** To one host. */
  readonly inboundBytes: number;
  /** From one host. */
  readonly outboundBytes: number;
  /** From deep storage. */
  readonly deepBytes: number;
}

/** Moves a damaged replica out of the way, so that it is copied again. */
export interface QuarantineStep {
  readonly kind: 'quarantine';
  readonly segment: string;
  readonly host: string;
}

export type ReplicaStep = CopyStep | DropStep | QuarantineStep;

export interface ReplicaDecision {
  /** May be taken in any order or at once; each may fail, or be taken twice, without harm. */
  readonly steps: readonly ReplicaStep[];
  /** Segments that lack a replica of which no host that answers, nor deep storage, has a good one. */
  readonly withoutSource: readonly string[];
}
