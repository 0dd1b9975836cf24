import { scanCosts } from '../statistics/scan-costs.ts';
import type { CuboidSize, StoredSize } from './size-model.ts';

/**
 * The planner's cost model, in microseconds. A scan costs a fixed part and a part for every row (and its bytes) that is left
 * after the sort order has cut the filter; less than a block is never read. The numbers of a scan are those that matching
 * compares layouts with. A source is read whole. Upkeep is what writing a cuboid costs, shared among the
 * queries that are asked between two builds.
 */
export const costs = {
  ...scanCosts,
  blockRows: 1_024,
  sourceScanMicros: 5_000,
  sourceRowMicros: 0.01,
  sourceByteMicros: 0.002,
  writeRowMicros: 0.5,
  writeByteMicros: 0.01,
  /** Builds of the whole cube per query of the workload. */
  buildsPerQuery: 1e-4,
} as const;

/** `share` of the rows lies together, because the rows are sorted by what the query filters by. */
export function scanMicros({ rows, bytes }: StoredSize, share: number): number {
  const visited = Math.max(Math.min(rows, costs.blockRows), rows * share);
  const visitedBytes = rows === 0 ? 0 : (bytes * visited) / rows;
  return costs.scanMicros + visited * costs.rowMicros + visitedBytes * costs.byteMicros;
}

export function sourceMicros({ rows, bytes }: StoredSize): number {
  return costs.sourceScanMicros + rows * costs.sourceRowMicros + bytes * costs.sourceByteMicros;
}

/** What keeping a cuboid costs over a workload of this weight. */
export function upkeepMicros({ rows, bytes }: CuboidSize, workloadWeight: number): number {
  const build = rows * costs.writeRowMicros + bytes * costs.writeByteMicros;
  return build * costs.buildsPerQuery * workloadWeight;
}
