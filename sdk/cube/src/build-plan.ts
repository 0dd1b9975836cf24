import type { DataType } from '@tessera/columnar';
import type { Expr } from '@tessera/sql';
import type { LayoutColumn, SegmentRange } from './segment.ts';

/**
 * An engine-neutral plan to build the layouts of some segments of one cube in one go: read the sources
 * once into a flat relation (fact left/inner joined with its lookups), then each layout from the smallest
 * relation built before it, or from a layout that the segments have already. Any engine that runs it must give the
 * same checksums.
 */
export interface BuildPlan {
  readonly cube: string;
  /** IANA zone in which expressions over timestamptz are computed. Absent: UTC. */
  readonly timeZone?: string;
  /** First the fact; the others are joined in order. None: every layout comes from stored ones, and no source is read. */
  readonly inputs: readonly BuildInput[];
  readonly joins: readonly BuildJoin[];
  /** Rows of the flat relation are assigned to the first segment whose predicate holds; others are left out. */
  readonly segments: readonly {
    readonly id: string;
    readonly range: SegmentRange;
    readonly predicate?: Expr;
  }[];
  /** Columns of the flat relation: dimensions, and arguments and filters of measures. */
  readonly flat: readonly { readonly name: string; readonly expr: Expr; readonly type: DataType }[];
  readonly dictionaries: readonly DictionaryStep[];
  /** In an order in which every parent comes first. */
  readonly layouts: readonly LayoutStep[];
}

export interface BuildInput {
  readonly alias: string;
  readonly source: string;
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
  /** Set for lookups: the snapshot version that is read instead of the source. */
  readonly snapshot?: string;
}

export interface BuildJoin {
  readonly alias: string;
  readonly kind: 'left' | 'inner';
  readonly keys: readonly {
    readonly parent: string;
    readonly parentColumn: string;
    readonly column: string;
  }[];
}

/**
 * Ids for the values of a column that is counted distinct and is not an integer: append-only over the
 * builds of a model, sorted new values get the next ids.
 */
export interface DictionaryStep {
  readonly name: string;
  /** Column of the flat relation. */
  readonly column: string;
  readonly type: DataType;
}

export interface LayoutStep {
  readonly layout: string;
  readonly kind: 'rows' | 'distinct';
  /** Layout id of the parent (of the same kind) in this plan. Neither this nor `stored`: the flat relation. */
  readonly parent?: string;
  /** A layout (of the same kind) that each of the segments has, to be read instead of a parent. */
  readonly stored?: { readonly layout: string; readonly columns: readonly LayoutColumn[] };
  /** Names of the dimension columns that are kept. */
  readonly dimensions: readonly string[];
  readonly columns: readonly LayoutColumn[];
  readonly measures: readonly BuildMeasure[];
  /** Sort order of the stored rows: what queries filter by most comes first. */
  readonly sortColumns: readonly string[];
}

/** How a measure column comes from the flat relation; from a parent it is rolled up as `MeasurePart` says. */
export interface BuildMeasure {
  readonly column: string;
  readonly fn: 'count' | 'sum' | 'sum_squares' | 'min' | 'max' | 'm2' | 'distinct_bits';
  /** Column of the flat relation; absent: count(*). */
  readonly arg?: string;
  /** Boolean column of the flat relation. */
  readonly filter?: string;
  readonly dictionary?: string;
  readonly type: DataType;
}
