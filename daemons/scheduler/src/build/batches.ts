import { compareRanges, type WantedLayout } from '@tessera/cube';
import type { SegmentWork } from './decide.ts';

/** What a pass gave is one journal entry, which metadata takes up to a size: so many segments fit. */
const journalBytes = 1_000_000;
const bytesPerLayout = 700;
const bytesPerColumn = 250;

export function segmentsPerPass(
  maxSegmentsPerPass: number,
  layouts: readonly WantedLayout[],
): number {
  const bytes = layouts.reduce(
    (sum, { columns }) => sum + bytesPerLayout + bytesPerColumn * columns.length,
    0,
  );
  return Math.max(1, Math.min(maxSegmentsPerPass, Math.floor(journalBytes / bytes)));
}

/**
 * Segments that have and lack the same layouts are built in one pass and published together, in the order of time: so what takes
 * over from one segment mostly does in one transaction.
 */
export function batchesOf(work: readonly SegmentWork[], most: number): SegmentWork[][] {
  const inOrder = work.toSorted((a, b) => compareRanges(a.range, b.range));
  const alike = Map.groupBy(inOrder, ({ layouts, keeps }) => JSON.stringify([layouts, keeps]));
  return [...alike.values()].flatMap((items) => chunksOf(items, most));
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
