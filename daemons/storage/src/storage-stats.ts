import type { FoundFile } from './files/file-system.ts';
import { parseStoredPath } from './files/stored-path.ts';
import type { MemoryUsage } from './store/cuboid-store.ts';

export interface StorageStats {
  readonly layouts: readonly LayoutStats[];
  readonly memoryBytes: number;
  readonly memoryBudgetBytes: number;
  /** Of all stored files, whatever cube was asked for. */
  readonly diskBytes: number;
  /** Files in quarantine, whatever cube was asked for. */
  readonly quarantinedFiles: number;
}

/** One layout over all its segments. */
export interface LayoutStats {
  readonly cube: string;
  readonly layout: string;
  readonly segmentCount: number;
  readonly rowCount: bigint;
  readonly sizeBytes: number;
  readonly bytesPerRow: number;
  readonly memoryBytes: number;
  readonly segmentsInMemory: number;
  readonly hitCount: number;
  /** Microseconds since 1970; absent: never. */
  readonly lastHit?: bigint;
  readonly pinned: boolean;
  readonly quarantinedSegments: number;
}

/** What is on disk and what of it is in memory, joined by layout. */
export function statsOf(input: {
  readonly stored: readonly FoundFile[];
  readonly quarantined: readonly FoundFile[];
  readonly rowCounts: ReadonlyMap<string, bigint>;
  readonly usage: MemoryUsage;
  readonly cube?: string | undefined;
}): StorageStats {
  const stored = layoutsOf(input.stored);
  const quarantined = layoutsOf(input.quarantined);
  const used = new Map(input.usage.layouts.map((each) => [`${each.cube} ${each.layout}`, each]));
  const keys = [...new Set([...stored.keys(), ...quarantined.keys()])].sort();
  const layouts = keys.map((key): LayoutStats => {
    const files = stored.get(key) ?? [];
    const usage = used.get(key);
    const [cube, layout] = key.split(' ') as [string, string];
    const rowCount = files.reduce((sum, { path }) => sum + (input.rowCounts.get(path) ?? 0n), 0n);
    const sizeBytes = sizeOfAll(files);
    return {
      cube,
      layout,
      segmentCount: files.length,
      rowCount,
      sizeBytes,
      bytesPerRow: rowCount === 0n ? 0 : sizeBytes / Number(rowCount),
      memoryBytes: usage?.memoryBytes ?? 0,
      segmentsInMemory: usage?.segmentsInMemory ?? 0,
      hitCount: usage?.hitCount ?? 0,
      ...(usage?.lastHit === undefined ? {} : { lastHit: usage.lastHit }),
      pinned: usage?.pinned ?? false,
      quarantinedSegments: quarantined.get(key)?.length ?? 0,
    };
  });
  return {
    layouts: layouts.filter(({ cube }) => input.cube === undefined || cube === input.cube),
    memoryBytes: input.usage.memoryBytes,
    memoryBudgetBytes: input.usage.budgetBytes,
    diskBytes: sizeOfAll(input.stored),
    quarantinedFiles: input.quarantined.length,
  };
}

function layoutsOf(files: readonly FoundFile[]): Map<string, FoundFile[]> {
  const layouts = files.filter(({ path }) => parseStoredPath(path)?.kind === 'layout');
  return Map.groupBy(layouts, ({ path }) => {
    const { cube, id } = parseStoredPath(path)!;
    return `${cube} ${id}`;
  });
}

function sizeOfAll(files: readonly FoundFile[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
