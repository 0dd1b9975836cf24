import type { ColumnBatch, Value } from '@tessera/columnar';
import type { BuildPlan, LayoutColumn } from '@tessera/cube';
import type { Expr } from '@tessera/sql';
import type { NativeLocation } from './connector.ts';

/**
 * Runs build plans. Each call does one unit of work to completion in `outputDirectory`, may be called again
 * after a crash with the same arguments (it starts that unit over), and never touches anything outside
 * `outputDirectory` and its own work directory.
 */
export interface Engine {
  /**
   * Checks the inputs, makes dictionaries, and writes every layout of every segment as Parquet, reporting as it goes.
   * A plan without inputs is computed from stored layouts alone, and reports neither sources nor segments.
   * @throws LOOKUP_NOT_UNIQUE with an example row, SOURCE_CHANGED when a file vanished or was cut off while
   * reading, BUILD_OUT_OF_DISK, BUILD_OUT_OF_MEMORY, BUILD_CANCELLED.
   */
  build(request: BuildRequest, signal: AbortSignal): AsyncIterable<BuildProgress>;
  /** Writes a versioned copy of a lookup table as one Parquet file, checking that `keys` are unique. */
  snapshot(request: SnapshotRequest, signal: AbortSignal): Promise<SnapshotResult>;
  /** Merges layouts of several segments into one segment's, from the stored Parquet files alone. */
  merge(request: MergeRequest, signal: AbortSignal): AsyncIterable<BuildProgress>;
  /** Smallest and largest value of a column of one input and whether NULLs occur: where its segments begin and end. */
  extent(request: ExtentRequest, signal: AbortSignal): Promise<ExtentResult>;
  /** Rows and distinct counts of sets of columns of the flat relation, from a sample: for the planner. */
  sample(request: SampleRequest, signal: AbortSignal): Promise<SampleResult>;
}

/** Native files when the source has them, else a stream that may be opened again for each attempt. */
export type EngineInput =
  | { readonly kind: 'native'; readonly location: NativeLocation }
  | {
      readonly kind: 'stream';
      open(columns: readonly string[], signal: AbortSignal): AsyncIterable<ColumnBatch>;
    };

export interface BuildRequest {
  readonly plan: BuildPlan;
  /** By input alias. */
  readonly inputs: Readonly<Record<string, EngineInput>>;
  /** Newest file of each dictionary by name; absent on the first build. */
  readonly dictionaries: Readonly<Record<string, string>>;
  /** Absolute path of each layout that a step is computed from, by segment and layout; none for a layout without rows. */
  readonly stored?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly outputDirectory: string;
  readonly memoryLimitBytes: number;
}

/** A `file` event means: this file is complete and synced, and will not be written again. */
export type BuildProgress =
  | {
      readonly kind: 'progress';
      readonly phase: string;
      readonly rowsDone: bigint;
      readonly rowsTotal?: bigint;
      readonly bytesWritten: bigint;
    }
  | {
      readonly kind: 'segment';
      readonly segment: string;
      readonly sourceRows: bigint;
      readonly unmatchedRows: Readonly<Record<string, bigint>>;
    }
  | { readonly kind: 'source'; readonly alias: string; readonly rejectedRows: bigint }
  | {
      readonly kind: 'dictionary';
      readonly name: string;
      readonly file: string;
      readonly size: bigint;
      readonly sizeBytes: bigint;
      readonly fileDigest: string;
    }
  | {
      readonly kind: 'file';
      readonly segment: string;
      readonly layout: string;
      readonly file: BuiltFile;
    };

/** Paths are relative to `outputDirectory`. */
export interface BuiltFile {
  readonly file: string;
  readonly rowCount: bigint;
  readonly sizeBytes: bigint;
  readonly checksum: string;
  readonly fileDigest: string;
  /** With the statistics of each dimension filled in. */
  readonly columns: readonly LayoutColumn[];
}

export interface SnapshotRequest {
  readonly alias: string;
  readonly input: EngineInput;
  readonly columns: LayoutColumn[];
  readonly keys: readonly string[];
  readonly outputFile: string;
}

export interface SnapshotResult {
  readonly rowCount: bigint;
  readonly sizeBytes: bigint;
  readonly checksum: string;
  readonly fileDigest: string;
  readonly rejectedRows: bigint;
}

export interface MergeRequest {
  readonly segment: string;
  readonly layouts: readonly {
    readonly step: BuildPlan['layouts'][number];
    /** Absolute paths of the stored files to merge. */
    readonly files: readonly string[];
  }[];
  readonly outputDirectory: string;
  readonly memoryLimitBytes: number;
}

export interface SampleRequest {
  readonly plan: Pick<BuildPlan, 'cube' | 'inputs' | 'joins' | 'flat'>;
  readonly inputs: Readonly<Record<string, EngineInput>>;
  /** Sets of flat columns whose number of distinct combinations is wanted. */
  readonly columnSets: readonly (readonly string[])[];
  readonly maxRows: number;
  readonly memoryLimitBytes: number;
}

export interface SampleResult {
  readonly rowCount: bigint;
  readonly sampledRows: bigint;
  /** For each set, how often combinations occur in the sample: `[occurrences, combinations]` pairs. */
  readonly frequencies: readonly (readonly (readonly [number, number])[])[];
}

export interface ExtentRequest {
  readonly alias: string;
  readonly input: EngineInput;
  /** Over the input's columns; `ColumnExpr.relation` is the alias. */
  readonly column: Expr;
  /** Groups whose smallest and largest value of `column` are wanted as well, found in the same pass. */
  readonly groups?: { readonly by: Expr; readonly most: number };
  readonly memoryLimitBytes: number;
}

/** `minimum` and `maximum` are NULL when there is no value at all. */
export interface ExtentResult {
  readonly rowCount: bigint;
  readonly nullRows: bigint;
  readonly minimum: Value;
  readonly maximum: Value;
  /** One per group that has a value, by `minimum`; absent when they were not asked for, or are more than `most`. */
  readonly groups?: readonly { readonly minimum: Value; readonly maximum: Value }[];
}
