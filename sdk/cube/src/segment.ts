import type { DataType, Value } from '@tessera/columnar';
import type { CuboidId } from './cuboid.ts';

/**
 * What part of the source a segment holds. `all`: an unpartitioned model's one segment. `null`: the rows
 * whose partition column is NULL. `range`: half-open [start, end), microseconds as `Partition` has them.
 */
export type SegmentRange =
  | { readonly kind: 'all' }
  | { readonly kind: 'null' }
  | { readonly kind: 'range'; readonly start: bigint; readonly end: bigint };

export type SegmentState = 'BUILDING' | 'READY' | 'RETIRED';

/** A published (or being built) part of a cube, as the query side sees it. */
export interface Segment {
  readonly id: string;
  readonly range: SegmentRange;
  readonly state: SegmentState;
  readonly layouts: readonly Layout[];
  /** Snapshot version per lookup alias that the segment was built with. */
  readonly snapshots: Readonly<Record<string, string>>;
  /** Version per table (`source.table`) that was read. */
  readonly sourceVersions: Readonly<Record<string, SourceVersion>>;
  readonly modelRevision: bigint;
  /** Rows of the fact in this range, and rows that did not parse (outside the data, counted). */
  readonly sourceRows: bigint;
  readonly rejectedRows: bigint;
  /** When the source was read, microseconds. */
  readonly builtAt: bigint;
  /** Per lookup alias: fact rows that found no partner, so that left and inner joins are known to agree when 0. */
  readonly unmatchedRows: Readonly<Record<string, bigint>>;
}

/** `unknown` when the connector cannot tell; then nothing is ever called stale. */
export interface SourceVersion {
  readonly known: boolean;
  readonly token: string;
}

/** Whether two say the same of a table, also when both say nothing. */
export function isSameVersion(a: SourceVersion | undefined, b: SourceVersion | undefined): boolean {
  return a?.known === b?.known && a?.token === b?.token;
}

/**
 * A stored cuboid of one segment. `rows`: one row per group with its measure parts. `distinct`: the companion of
 * one exact distinct count, one row per (group, bucket) with a 64-bit word of the bitmap; bucket = id >> 6, so
 * any SQL engine merges it by bit_or and counts it by bit_count.
 */
export interface Layout {
  /** Stable over segments: derived from kind, cuboid and measures, so equal ids mean equal columns. */
  readonly id: string;
  readonly kind: 'rows' | 'distinct';
  readonly cuboid: CuboidId;
  readonly columns: readonly LayoutColumn[];
  readonly sortColumns: readonly string[];
  readonly rowCount: bigint;
  readonly sizeBytes: bigint;
  /** Order-independent checksum over canonical values: the same from every engine. */
  readonly checksum: string;
  /** SHA-256 of the file, verified on load. */
  readonly fileDigest: string;
  /** Relative to the storage daemon's cuboid directory; empty for a layout without rows, which needs no file. */
  readonly file: string;
}

export interface LayoutColumn {
  readonly name: string;
  readonly type: DataType;
  readonly role: 'dimension' | 'measure' | 'bucket' | 'bits';
  /** For dimensions: smallest and largest non-NULL value of the segment and whether NULLs occur, for pruning. */
  readonly minimum?: Value;
  readonly maximum?: Value;
  readonly hasNulls?: boolean;
}
