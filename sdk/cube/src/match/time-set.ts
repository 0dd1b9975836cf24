import type { SourceExtent } from '../matched.ts';
import type { SegmentRange } from '../segment.ts';

/**
 * Sets of partition values: disjoint half-open ranges of microseconds, ascending, and whether NULL is in the
 * set. `beginning` and `end` stand for no bound.
 */
export const beginning = -(2n ** 63n);
export const end = 2n ** 63n - 1n;

export interface TimeRange {
  readonly start: bigint;
  readonly end: bigint;
}

export interface TimeSet {
  readonly ranges: readonly TimeRange[];
  readonly nulls: boolean;
}

export const everything: TimeSet = { ranges: [{ start: beginning, end }], nulls: true };
export const allTimes: TimeSet = { ranges: [{ start: beginning, end }], nulls: false };
export const nothing: TimeSet = { ranges: [], nulls: false };
export const onlyNull: TimeSet = { ranges: [], nulls: true };

export function between(start: bigint, stop: bigint): TimeSet {
  return start < stop ? { ranges: [{ start, end: stop }], nulls: false } : nothing;
}

export function union(...sets: readonly TimeSet[]): TimeSet {
  const merged: { start: bigint; end: bigint }[] = [];
  const sorted = sets.flatMap(({ ranges }) => ranges).sort((x, y) => compare(x.start, y.start));
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last === undefined || range.start > last.end) merged.push({ ...range });
    else if (range.end > last.end) last.end = range.end;
  }
  return { ranges: merged, nulls: sets.some(({ nulls }) => nulls) };
}

/** Both lists ascend, so one pass over them is enough. */
export function intersect(a: TimeSet, b: TimeSet): TimeSet {
  if (a === everything || a === b) return b;
  if (b === everything) return a;
  const ranges: TimeRange[] = [];
  for (let i = 0, j = 0; i < a.ranges.length && j < b.ranges.length; ) {
    const [x, y] = [a.ranges[i]!, b.ranges[j]!];
    ranges.push(...between(max(x.start, y.start), min(x.end, y.end)).ranges);
    if (x.end < y.end) i += 1;
    else j += 1;
  }
  return { ranges, nulls: a.nulls && b.nulls };
}

export function subtract(a: TimeSet, b: TimeSet): TimeSet {
  const ranges: TimeRange[] = [];
  let hole = 0;
  for (const range of a.ranges) {
    while (hole < b.ranges.length && b.ranges[hole]!.end <= range.start) hole += 1;
    let { start } = range;
    for (let i = hole; i < b.ranges.length && b.ranges[i]!.start < range.end; i++) {
      ranges.push(...between(start, b.ranges[i]!.start).ranges);
      start = max(start, b.ranges[i]!.end);
    }
    ranges.push(...between(start, range.end).ranges);
  }
  return { ranges, nulls: a.nulls && !b.nulls };
}

export function isEmpty(set: TimeSet): boolean {
  return set.ranges.length === 0 && !set.nulls;
}

/** True when the sets have a member in common. */
export function overlap(a: TimeSet, b: TimeSet): boolean {
  if (a.nulls && b.nulls) return true;
  for (let i = 0, j = 0; i < a.ranges.length && j < b.ranges.length; ) {
    const [x, y] = [a.ranges[i]!, b.ranges[j]!];
    if (x.start < y.end && y.start < x.end) return true;
    if (x.end < y.end) i += 1;
    else j += 1;
  }
  return false;
}

/** True when every member of `part` is one of `whole`. */
export function contains(whole: TimeSet, part: TimeSet): boolean {
  return isEmpty(subtract(part, whole));
}

/** The members of the source: what no segment has to cover, because there is nothing there. */
export function extentSet(extent: SourceExtent | undefined): TimeSet {
  if (extent === undefined) return everything;
  const times = extent.empty ? nothing : between(extent.minimum, extent.maximum + 1n);
  return { ranges: times.ranges, nulls: extent.hasNulls };
}

export function setOfSegment(range: SegmentRange): TimeSet {
  if (range.kind === 'all') return everything;
  if (range.kind === 'null') return onlyNull;
  return between(range.start, range.end);
}

export function segmentRangesOf(set: TimeSet): SegmentRange[] {
  const ranges: SegmentRange[] = set.ranges.map((range) => ({ kind: 'range', ...range }));
  return set.nulls ? [...ranges, { kind: 'null' }] : ranges;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
