import type { DataType } from '@tessera/columnar';
import type { Expr, OrderItem } from '@tessera/sql';
import type { LayoutColumn } from './segment.ts';

/**
 * What is to be read from cuboids for one matched query block: a small plain value, the same in process and
 * on the wire. It names layouts, never files, tables or SQL, so whoever executes it can be replaced.
 *
 * The result has one row per group with columns `groupBy[i].name`, then `aggregates[i].name`. Without
 * `groupBy` there is exactly one row, also over nothing (counts 0, the rest NULL).
 */
export interface ScanPlan {
  /** Resource name of the cube. */
  readonly cube: string;
  /** Layout id, and the segments to read it from (none: an empty input). */
  readonly layout: string;
  readonly segments: readonly SegmentRead[];
  /** Snapshots joined for derived dimensions. */
  readonly lookups: readonly SnapshotJoin[];
  /**
   * Over `layoutRelation` columns and lookup aliases. May contain parameters: `scan(plan, parameters)`.
   */
  readonly filter?: Expr;
  readonly groupBy: readonly { readonly name: string; readonly expr: Expr }[];
  readonly aggregates: readonly ScanAggregate[];
  /**
   * Only the first rows by this order are wanted; allowed only when one scan makes up the whole block. The order is
   * over the scan's result: columns of relation `scanRelation`.
   */
  readonly topK?: { readonly orderBy: readonly OrderItem[]; readonly limit: number };
  /** Zone by which the expressions turn instants into clock times and back. Absent: UTC, or none of them does. */
  readonly timeZone?: string;
}

/** The relation id by which a scan plan's expressions name columns of the layout. */
export const layoutRelation = 'layout';

/** The relation id by which the order of `topK` names columns of the scan's result. */
export const scanRelation = 'scan';

export interface SegmentRead {
  readonly id: string;
  /** Checksum of the layout's file: a ticket for exactly this content. */
  readonly fileDigest: string;
  /** What is known of the values of the layout's columns here. Not sent: for whoever decides which segments to read where. */
  readonly columns?: readonly LayoutColumn[];
}

/** Left join of a lookup snapshot: `alias.column` may be used in expressions. Keys are unique in the snapshot. */
export interface SnapshotJoin {
  readonly alias: string;
  readonly snapshot: string;
  readonly on: readonly { readonly expr: Expr; readonly column: string }[];
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
  /** True: rows without a partner are dropped. */
  readonly inner: boolean;
}

export interface ScanAggregate {
  readonly name: string;
  /**
   * `sum`, `min`, `max`: over `args[0]`. `count_sum`: sum of counts, 0 over nothing. `m2`: args are the columns
   * (count, sum, m2). `distinct`: number of distinct ids of a `distinct` layout (final). `distinct_bits`: the
   * words themselves: then the result has one row per (group, bucket), with columns `bucket` and `bits`.
   */
  readonly fn: 'sum' | 'min' | 'max' | 'count_sum' | 'm2' | 'distinct' | 'distinct_bits';
  readonly args: readonly Expr[];
  readonly filter?: Expr;
  readonly type: DataType;
}
