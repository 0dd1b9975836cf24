import type { DataType } from '@tessera/columnar';
import type { Expr, TableName } from '@tessera/sql';
import type { Grain, MeasureAggregate } from './model-spec.ts';

/**
 * A model with everything resolved and typed: what matching, planning and building work on. Column
 * expressions refer to tables by their alias in the model (`ColumnExpr.relation` is the alias).
 */
export interface Model {
  readonly name: string;
  /** Metadata revision of the model resource; part of every plan and coverage record. */
  readonly revision: bigint;
  readonly fact: ModelTable;
  /** In join order: a lookup's parent comes before it. */
  readonly lookups: readonly Lookup[];
  readonly partition?: Partition;
  /** Position is the dimension's bit in a cuboid; derived dimensions have a bit too but are never stored. */
  readonly dimensions: readonly Dimension[];
  readonly hierarchies: readonly (readonly number[])[];
  /** Computed columns of the fact, already inlined wherever they are used. */
  readonly computedColumns: ReadonlyMap<string, Expr>;
  readonly measures: readonly Measure[];
  readonly freshness: 'strict' | 'built' | 'auto';
  readonly timeZone: string;
}

export interface ModelTable {
  readonly alias: string;
  readonly table: TableName;
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
}

export interface Lookup extends ModelTable {
  readonly parent: string;
  readonly kind: 'left' | 'inner';
  readonly keys: readonly { readonly parentColumn: string; readonly column: string }[];
}

export interface Dimension {
  readonly name: string;
  readonly expr: Expr;
  readonly type: DataType;
  readonly grain?: Grain;
  /** Index of the key dimension from which the snapshot of `lookup` gives this one. */
  readonly derivedFrom?: { readonly dimension: number; readonly lookup: string };
}

export interface Measure {
  readonly name: string;
  readonly aggregate: MeasureAggregate;
  readonly arg?: Expr;
  readonly filter?: Expr;
  /** Type of the aggregate in PostgreSQL. */
  readonly type: DataType;
  /** Columns of a layout from which the measure is computed and rolled up. */
  readonly parts: readonly MeasurePart[];
}

/**
 * One stored column of a measure. Several measures may share a part (`avg(x)` and `sum(x)` share the sum):
 * a part is identified by what it computes, so its `column` name is derived from that.
 *
 * | fn | first computed as | rolled up by |
 * | --- | --- | --- |
 * | count | count of rows where `arg` is not NULL and `filter` holds | sum |
 * | sum, sum_squares | sum of arg, arg² in exact arithmetic for exact types | sum |
 * | min, max | the same | the same |
 * | m2 | sum of squared deviations (floats) | from count, sum and m2 of the parts |
 * | distinct_bits | kept in a companion layout: see `Layout.kind` | bit_or per bucket |
 */
export interface MeasurePart {
  readonly column: string;
  readonly fn: 'count' | 'sum' | 'sum_squares' | 'min' | 'max' | 'm2' | 'distinct_bits';
  readonly arg?: Expr;
  readonly filter?: Expr;
  readonly type: DataType;
}

/**
 * The time range column. Ranges are in microseconds since 1970 (in the model's zone for timestamptz),
 * whatever the column's own type; `format` says how an integer or text column spells a date.
 */
export interface Partition {
  readonly column: Expr;
  readonly grain: Grain;
  readonly format?: string;
}
