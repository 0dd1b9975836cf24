import { tooManySegments } from '../errors.ts';
import { limits } from '../limits.ts';
import type { SourceExtent } from '../matched.ts';
import type { Grain } from '../model-spec.ts';
import type { SegmentRange } from '../segment.ts';
import { nextPeriod, type Period, periodAt } from './period.ts';
import { type Stretch, stretchesOf } from './stretches.ts';

/** Where time without rows is cut, so that its parts can be merged and built like periods. */
export interface RunBorders {
  /** Lengths that segments are merged to: what a run has of a period that began before it, or ends after it, stands alone. */
  readonly autoMerge?: readonly Grain[];
  /** Bounds of what is built now: a run ends at the last period that begins, or starts at the first that ends, within them. */
  readonly start?: bigint;
  readonly end?: bigint;
}

/**
 * The segments that together hold every row of the source, in order: the periods of `every` that rows lie in, one
 * segment for each run of periods between them that has none (or few, where `borders` cut it), then `null` when the column
 * has NULLs. Without `every` the model has no partition column and one segment holds all.
 * @throws INVALID_ARGUMENT TOO_MANY_SEGMENTS
 */
export function segmentRanges(
  every: Grain | undefined,
  extent: SourceExtent,
  zone = 'UTC',
  borders: RunBorders = {},
): SegmentRange[] {
  if (every === undefined) return [{ kind: 'all' }];
  const periods = periodsWithRows(every, stretchesOf(extent), zone);
  const times = periods.flatMap((period, i) => {
    const start = periods[i - 1]?.end ?? period.start;
    return [...cutRun({ start, end: period.start }, { every, zone, ...borders }), period];
  });
  if (times.length > limits.segments) throw tooManySegments(BigInt(times.length), limits.segments);
  const ranges = times.map(({ start, end }): SegmentRange => ({ kind: 'range', start, end }));
  return extent.hasNulls ? [...ranges, { kind: 'null' }] : ranges;
}

function periodsWithRows(every: Grain, stretches: readonly Stretch[], zone: string): Period[] {
  const longest = BigInt(limits.segments + 1);
  const periods: Period[] = [];
  for (const { minimum, maximum } of stretches) {
    const atLeast = (maximum - minimum) / maxLength(every) + 1n;
    if (atLeast > longest) throw tooManySegments(atLeast, limits.segments);
    const last = periods.at(-1);
    let period =
      last !== undefined && minimum < last.end
        ? nextPeriod(every, last, zone)
        : periodAt(every, minimum, zone);
    for (; period.start <= maximum; period = nextPeriod(every, period, zone)) {
      if (periods.length === limits.segments) throw tooManySegments(longest, limits.segments);
      periods.push(period);
    }
  }
  return periods;
}

/** A run of periods without rows, cut into as few parts as the borders allow. */
function cutRun(
  run: Period,
  { every, zone, autoMerge = [], start, end }: RunBorders & { every: Grain; zone: string },
): Period[] {
  if (run.start === run.end) return [];
  const cuts = autoMerge.flatMap((grain) => {
    const [first, last] = [periodAt(grain, run.start, zone), periodAt(grain, run.end, zone)];
    return first.start === run.start ? [last.start] : [first.end, last.start];
  });
  if (start !== undefined) {
    const period = periodAt(every, start, zone);
    cuts.push(period.start === start ? start : period.end);
  }
  if (end !== undefined) cuts.push(periodAt(every, end, zone).start);
  const inside = [...new Set(cuts)].filter((cut) => cut > run.start && cut < run.end);
  const bounds = [run.start, ...inside.sort((a, b) => (a < b ? -1 : 1)), run.end];
  return bounds.slice(1).map((bound, i) => ({ start: bounds[i]!, end: bound }));
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
