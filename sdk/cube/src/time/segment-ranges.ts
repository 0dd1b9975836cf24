import { tooManySegments } from '../errors.ts';
import { limits } from '../limits.ts';
import type { SourceExtent } from '../matched.ts';
import type { Grain } from '../model-spec.ts';
import type { SegmentRange } from '../segment.ts';
import { nextPeriod, periodAt } from './period.ts';

/**
 * The segments that together hold every row of the source: the periods of `every` from the smallest to the
 * largest partition value, in order, then `null` when the column has NULLs. Without `every` the model has no
 * partition column and one segment holds all.
 * @throws INVALID_ARGUMENT TOO_MANY_SEGMENTS
 */
export function segmentRanges(
  every: Grain | undefined,
  extent: SourceExtent,
  zone = 'UTC',
): SegmentRange[] {
  if (every === undefined) return [{ kind: 'all' }];
  const ranges: SegmentRange[] = extent.empty ? [] : periodsBetween(every, extent, zone);
  if (extent.hasNulls) ranges.push({ kind: 'null' });
  return ranges;
}

function periodsBetween(every: Grain, extent: SourceExtent, zone: string): SegmentRange[] {
  const first = periodAt(every, extent.minimum, zone);
  const longest = BigInt(limits.segments + 1);
  const atLeast = (extent.maximum - extent.minimum) / maxLength(every) + 1n;
  if (atLeast > longest) throw tooManySegments(atLeast, limits.segments);
  const ranges: SegmentRange[] = [];
  for (let period = first; period.start <= extent.maximum; ) {
    if (ranges.length === limits.segments) throw tooManySegments(longest, limits.segments);
    ranges.push({ kind: 'range', start: period.start, end: period.end });
    period = nextPeriod(every, period, zone);
  }
  return ranges;
}

/** An upper bound of a period's length in microseconds. */
function maxLength(grain: Grain): bigint {
  const hours = { minute: 1, hour: 1, day: 49, week: 193, month: 770, quarter: 2300, year: 9000 };
  return BigInt(hours[grain]) * 3_600_000_000n;
}

/** Orders ranges by time; `null` and `all` come last. */
export function compareRanges(a: SegmentRange, b: SegmentRange): number {
  if (a.kind !== 'range' || b.kind !== 'range') {
    return Number(a.kind !== 'range') - Number(b.kind !== 'range');
  }
  return a.start < b.start ? -1 : a.start > b.start ? 1 : 0;
}
