import type { DataType, Schema } from '@tessera/columnar';
import type { Query, SelectBlock } from '@tessera/sql';
import type { Model } from './model.ts';
import type { ScanPlan } from './scan-plan.ts';
import type { Segment, SegmentRange } from './segment.ts';
import type { Stretch } from './time/stretches.ts';

/** What matching knows of one model: a snapshot of the metadata at one revision, a plain value. */
export interface ModelState {
  readonly model: Model;
  readonly cubes: readonly CubeState[];
  /** Copies of the model's lookups that can be read, by id. */
  readonly snapshots: ReadonlyMap<string, LookupSnapshot>;
  /** True: the connector was asked to push holes down; false: a hole refuses the query. */
  readonly pushDown: boolean;
}

/** A copy of a lookup at one version. */
export interface LookupSnapshot {
  readonly id: string;
  /** Resource name. */
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
  readonly rowCount: bigint;
  readonly sizeBytes: bigint;
  /** Rows of the lookup that did not parse and are outside the data. */
  readonly rejectedRows: bigint;
}

export interface CubeState {
  /** Resource name. */
  readonly name: string;
  /** Segments in state READY only. */
  readonly segments: readonly Segment[];
  /** Ids of segments whose source has changed since they were built, when the model is strict. */
  readonly stale: ReadonlySet<string>;
  /** What the source holds now, as far as it is known; `undefined`: unknown, so ends count as holes. */
  readonly sourceExtent?: SourceExtent;
}

/** Smallest and largest partition value of the fact (microseconds), and whether NULLs occur. */
export interface SourceExtent {
  readonly empty: boolean;
  readonly minimum: bigint;
  readonly maximum: bigint;
  readonly hasNulls: boolean;
  /** Where rows lie in between, ascending and apart; absent: anywhere. */
  readonly stretches?: readonly Stretch[];
}

/**
 * A statement after matching. `residual` is the same statement with each matched block replaced by a select
 * over a `MatchedRelation`; what tables are left in it are read from their source.
 */
export interface MatchedStatement {
  readonly residual: Query;
  readonly blocks: readonly MatchedBlock[];
  /** One per query block of the statement, matched or not, in the order of the text. */
  readonly explanations: readonly BlockExplanation[];
}

/**
 * Where the rows of one `MatchedRelation` come from. All parts (scans of several layouts, the push-down of holes)
 * give the partial columns of `schema`; rows with equal `keys` are merged as `merge` says. With one part there
 * is nothing to merge. A relation that stands for a lookup has its rows from `snapshot` and no other part.
 */
export interface MatchedBlock {
  /** Id of the MatchedRelation. */
  readonly relation: string;
  readonly model: string;
  readonly cube: string;
  readonly schema: Schema;
  /** Number of leading columns of `schema` that are group keys; the others are partial aggregates. */
  readonly keyCount: number;
  /** One per partial aggregate column. */
  readonly merge: readonly PartialMerge[];
  readonly scans: readonly ScanPlan[];
  readonly snapshot?: LookupSnapshot;
  /** The same partial columns computed from the source, restricted to `ranges` that no segment covers. */
  readonly holes?: { readonly ranges: readonly SegmentRange[]; readonly query: SelectBlock };
  readonly coverage: BlockCoverage;
}

/** `m2` columns come in triples count, sum, m2 and are merged together. Distinct counts never need a merge: they are asked of one scan. */
export type PartialMerge = 'sum' | 'min' | 'max' | 'm2' | 'none';

export interface BlockCoverage {
  readonly model: string;
  readonly modelRevision: bigint;
  readonly cube: string;
  readonly layouts: readonly string[];
  readonly segments: readonly string[];
  /** Segments left out because their statistics prove that no row passes the filter. */
  readonly prunedSegments: readonly string[];
  /** Ids of the lookup snapshots that are read, alone or joined to layouts. */
  readonly snapshots: readonly string[];
  readonly pushedDown: readonly SegmentRange[];
  readonly rejectedRows: bigint;
  /** Oldest build time among the segments read, microseconds; absent when everything came from the source. */
  readonly asOf?: bigint;
}

/** What EXPLAIN CUBOID shows of one query block. */
export interface BlockExplanation {
  /** 1-based, in the order of the text. */
  readonly block: number;
  /** Short text of the block for people. */
  readonly summary: string;
  readonly outcome: 'cuboid' | 'mixed' | 'snapshot' | 'source' | 'refused';
  /** Why no model matched, when none did. */
  readonly reason?: Reason;
  readonly candidates: readonly CandidateExplanation[];
  /** The smallest change of the model that would make the block match: applying it does. */
  readonly fix?: ModelFix;
}

export interface CandidateExplanation {
  readonly model: string;
  readonly cube?: string;
  /** Id of a layout or, of a block on lookups alone, of a snapshot. */
  readonly layout?: string;
  readonly dimensions: readonly string[];
  readonly rowCount: bigint;
  readonly sizeBytes: bigint;
  readonly predictedMicros: number;
  readonly taken: boolean;
  readonly reason: Reason;
}

/** `code` is stable and never renamed. `missing` names dimensions, columns or measures. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly missing: readonly string[];
}

/** A change of model and cube in YAML terms, and as text that can be applied. */
export interface ModelFix {
  readonly description: string;
  readonly addDimensions: readonly {
    readonly name: string;
    readonly column: string;
    readonly grain?: string;
  }[];
  readonly addMeasures: readonly {
    readonly name: string;
    readonly aggregate: string;
    readonly column?: string;
    readonly filter?: string;
  }[];
  readonly addCuboids: readonly (readonly string[])[];
}
