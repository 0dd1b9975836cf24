import { resourceIdOf } from '@tessera/base';
import type { BlockCoverage } from '../matched.ts';
import type { SegmentRange } from '../segment.ts';
import { rangeLabel, timeLabel } from '../time/range-label.ts';
import { beginning, end } from './time-set.ts';

/** More ranges than these are only counted. */
const shownRanges = 20;

/**
 * A line for each cube of which ranges are read from the source, which names them as segments of theirs would be
 * named. Nothing where cuboids answer alone, or nothing.
 */
export function formatSourceRanges(coverage: readonly BlockCoverage[]): readonly string[] {
  const lines = coverage
    .filter(({ pushedDown }) => pushedDown.length > 0)
    .map(
      ({ cube, pushedDown }) =>
        `Ranges of ${resourceIdOf(cube)} from the source: ${listOf(pushedDown)}`,
    );
  return [...new Set(lines)];
}

function listOf(ranges: readonly SegmentRange[]): string {
  const more = ranges.length - shownRanges;
  const shown = ranges.slice(0, shownRanges).map(textOf).join(', ');
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function textOf(range: SegmentRange): string {
  if (range.kind !== 'range') return rangeLabel(range);
  const open = { start: range.start === beginning, end: range.end === end };
  if (open.start && open.end) return 'all times';
  if (open.start) return `before ${timeLabel(range.end)}`;
  return open.end ? `from ${timeLabel(range.start)} on` : rangeLabel(range);
}
