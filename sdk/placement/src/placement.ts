/** A segment with what all its files take on one host. */
export interface PlacedSegment {
  readonly id: string;
  readonly bytes: number;
}

/** A storage daemon as placement sees it. */
export interface PlacementHost {
  readonly id: string;
  /** What fails together: power, a switch. Hosts that name none count as one rack. */
  readonly rack?: string;
  /** Segments are spread in proportion to it. A host without capacity holds nothing. */
  readonly capacityBytes: number;
  /** Is being emptied: nothing is placed there. */
  readonly draining?: boolean;
}

/** Hosts by segment id, each list in ascending order. */
export type Placement = ReadonlyMap<string, readonly string[]>;

export interface PlacementOptions {
  /** Hosts that should hold each segment. */
  readonly replication: number;
  /** What is placed now; replicas stay where they are unless there is a reason to move them. */
  readonly current?: Placement;
  /**
   * How far a host's bytes may be from its even share before segments are moved for balance alone, as part of the share. New
   * replicas use half of it, so that a placement does not start at the edge.
   */
  readonly tolerance?: number;
}

export const defaultTolerance = 0.05;

export interface PlacementOutcome {
  readonly placement: Placement;
  /** What the hosts cannot give; the placement is the best there is. */
  readonly conditions: readonly PlacementCondition[];
}

export interface PlacementCondition {
  readonly reason: PlacementReason;
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type PlacementReason = 'HOSTS_TOO_FEW' | 'RACKS_TOO_FEW' | 'CAPACITY_TOO_SMALL';
