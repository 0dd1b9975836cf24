/**
 * Models and cubes as users write them, after the YAML was checked for shape. Expressions are still text:
 * `resolveModel` binds them. The same shapes travel in `tessera.metadata.v1` and come out of `tessera export`.
 */
export interface ModelSpec {
  readonly fact: { readonly source: string; readonly table: string; readonly alias: string };
  readonly joins: readonly JoinSpec[];
  readonly partition?: PartitionSpec;
  readonly dimensions: readonly DimensionSpec[];
  /** Each from coarse to fine. */
  readonly hierarchies: readonly (readonly string[])[];
  readonly computedColumns: readonly ComputedColumnSpec[];
  readonly measures: readonly MeasureSpec[];
  /** `strict` treats a segment built from an older version of its source as a hole; `built` answers as of the build. */
  readonly freshness?: 'strict' | 'built';
  /** IANA zone in which timestamptz grains and partition bounds are computed. Default UTC. */
  readonly timeZone?: string;
}

export interface JoinSpec {
  readonly source?: string;
  readonly table: string;
  readonly alias: string;
  /** `a.x = b.y`, several joined by `and`; one side is this alias, the other an alias named before. */
  readonly on: string;
  readonly kind: 'left' | 'inner';
}

export interface PartitionSpec {
  readonly column: string;
  readonly grain: Grain;
  /** For integer or text dates, for example `yyyyMMdd`. */
  readonly format?: string;
}

export type Grain = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';

export interface DimensionSpec {
  readonly name: string;
  /** `alias.column` or any scalar SQL expression over the aliases. */
  readonly column: string;
  readonly grain?: Grain;
  /** Name of a dimension that is the key of this one's lookup: not stored, joined from the snapshot. */
  readonly derivedFrom?: string;
}

/** A named expression usable as `fact_alias.name` in dimensions, measures and queries on the model. */
export interface ComputedColumnSpec {
  readonly name: string;
  readonly expression: string;
}

export type MeasureAggregate =
  | 'count'
  | 'sum'
  | 'min'
  | 'max'
  | 'avg'
  | 'stddev_samp'
  | 'stddev_pop'
  | 'var_samp'
  | 'var_pop'
  | 'count_distinct';

export interface MeasureSpec {
  readonly name: string;
  readonly aggregate: MeasureAggregate;
  /** Absent: count(*). */
  readonly column?: string;
  readonly filter?: string;
  readonly precision?: 'exact';
}

export interface CubeSpec {
  readonly model: string;
  /** By hand; or, instead, the planner. */
  readonly groups: readonly AggregationGroupSpec[];
  readonly planner?: PlannerSpec;
  /** Cuboids kept by name whatever else says, each a list of dimensions (this is where plans are pinned). */
  readonly cuboids: readonly (readonly string[])[];
  readonly segments: SegmentsSpec;
  /** Storage nodes that hold each segment; absent: what the platform is set to. */
  readonly replication?: number;
}

export interface AggregationGroupSpec {
  readonly include: readonly string[];
  readonly mandatory: readonly string[];
  readonly joint: readonly (readonly string[])[];
  /** Each from coarse to fine: a finer member is only kept together with the coarser ones. */
  readonly hierarchies: readonly (readonly string[])[];
  readonly maxDimensions?: number;
  /** Names of the measures its cuboids keep; absent: all of the model's. */
  readonly measures?: readonly string[];
}

export interface PlannerSpec {
  /** `0.2x` of the source's bytes, or bytes such as `512MB`. */
  readonly budget: string;
}

export interface SegmentsSpec {
  /** Length of a segment; absent on an unpartitioned model. */
  readonly every?: Grain;
  readonly autoMerge: readonly Grain[];
  /** For example `10y`, `90d`; absent: for ever. */
  readonly retain?: string;
}
