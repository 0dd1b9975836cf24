import type { ScanOptions } from '@tessera/client';
import type { ColumnBatch } from '@tessera/columnar';
import type { ScanPlan } from '@tessera/cube';
import type { LayoutFile } from './layout-file.ts';

/**
 * Executes scan plans over stored cuboids. What is behind it (tiles in memory, DuckDB over files) can be replaced:
 * nothing above knows tiles, SQL or files.
 */
export interface CuboidStore {
  /**
   * Rows as `ScanPlan` promises them, in batches; none when there are none.
   * @throws LAYOUT_NOT_STORED, LAYOUT_CORRUPTED, SNAPSHOT_NOT_STORED, SCAN_QUEUE_FULL, BAD_SCAN_PLAN.
   */
  execute(plan: ScanPlan, options: ScanOptions): AsyncIterable<ColumnBatch>;
  /** Loads files into memory as far as the budget allows; says which are there afterwards. */
  warmUp(files: readonly LayoutFile[], signal: AbortSignal): Promise<WarmUpOutcome>;
  /** Layouts that no eviction may take out of memory (or no longer); returns the pinned ones of the cube. */
  pin(cube: string, layouts: readonly string[], pinned: boolean): readonly string[];
  /** Forgets a stored file, before it is deleted or because it is damaged. */
  forget(file: LayoutFile): void;
  usage(): MemoryUsage;
}

export interface WarmUpOutcome {
  readonly loadedFiles: number;
  readonly loadedBytes: number;
}

export interface MemoryUsage {
  readonly memoryBytes: number;
  readonly budgetBytes: number;
  readonly layouts: readonly LayoutUsage[];
}

export interface LayoutUsage {
  readonly cube: string;
  readonly layout: string;
  readonly memoryBytes: number;
  readonly segmentsInMemory: number;
  readonly hitCount: number;
  /** Microseconds since 1970; absent: never. */
  readonly lastHit?: bigint;
  readonly pinned: boolean;
}
