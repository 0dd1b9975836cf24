import type { ColumnBatch, Field } from '@tessera/columnar';
import type { SourceVersion } from '@tessera/cube';
import type { Expr } from '@tessera/sql';

/**
 * A source of tables. May assume: one call at a time per stream, an `AbortSignal` that it honours, names as
 * `catalog` gave them. Not its business: caching, retries, limits, SQL beyond what `plan` says it takes.
 */
export interface Connector {
  /** All tables with their columns; throws CATALOG_UNREADABLE with what is wrong and where. */
  catalog(signal: AbortSignal): Promise<readonly ExternalTable[]>;
  /** The version of a table's data now; cheap (no data is read). */
  version(table: string, signal: AbortSignal): Promise<SourceVersion>;
  /** What of a scan the connector can do itself, and into which parts it splits. */
  plan(scan: TableScan, signal: AbortSignal): Promise<ScanOffer>;
  /** Rows of one split with the scan's columns, with back-pressure: the next batch is read when asked for. */
  read(split: Split, signal: AbortSignal): AsyncIterable<ColumnBatch>;
  /** Native files that an engine may read instead of `read`, when there are any. */
  location?(table: string, signal: AbortSignal): Promise<NativeLocation | undefined>;
}

export interface ExternalTable {
  readonly name: string;
  readonly columns: readonly Field[];
  readonly statistics: TableStatistics;
  /**
   * The version, as `version` tells it, of the data that `columns` were read from: taken before they were read. By it every
   * statement is planned with the columns of the data that it reads. Absent: other columns are noticed only of tables that
   * models use, and by statements that name columns which the table had not.
   */
  readonly version?: SourceVersion;
}

/** What is cheaply known; absent: unknown. */
export interface TableStatistics {
  readonly rowCount?: bigint;
  readonly sizeBytes?: bigint;
  /** Rows that did not parse and are outside the data. */
  readonly rejectedRows?: bigint;
}

export interface TableScan {
  readonly table: string;
  readonly columns: readonly string[];
  /** Conjuncts over the table's columns (`ColumnExpr.relation` is the table's name). */
  readonly predicates: readonly Expr[];
  /** A partial aggregate that the source may compute itself. */
  readonly aggregate?: {
    readonly groupBy: readonly string[];
    readonly aggregates: readonly Expr[];
  };
}

/** exact: rows not wanted never come; inexact: some may come, the caller filters again; unsupported: the caller does it all. */
export type Support = 'exact' | 'inexact' | 'unsupported';

export interface ScanOffer {
  /** One answer per predicate. */
  readonly predicates: readonly Support[];
  readonly aggregate: Support;
  readonly splits: readonly Split[];
}

/** Plain data: may be read by another process. `payload` is the connector's own. */
export interface Split {
  readonly table: string;
  readonly scan: TableScan;
  readonly payload: string;
  readonly estimatedBytes?: bigint;
}

/**
 * Files of one format. `columns` gives the types to read them with (a CSV has none of its own).
 * Rows that do not parse are left out by whoever reads, exactly as `read` leaves them out.
 */
export interface NativeLocation {
  readonly format: 'parquet' | 'csv' | 'json';
  readonly paths: readonly string[];
  readonly columns: readonly Field[];
  /** CSV dialect: delimiter, quote, escape, header ('true' | 'false'), nullText, dateFormat, timestampFormat. */
  readonly options: Readonly<Record<string, string>>;
  /** Rows that do not parse and are left out, when that was counted. */
  readonly rejectedRows?: bigint;
}
