import type { Grain } from '../model-spec.ts';
import type { Segment, SegmentRange } from '../segment.ts';
import { grains } from './civil.ts';
import { periodAt } from './period.ts';
import { rangeLabel } from './range-label.ts';
import { compareRanges } from './segment-ranges.ts';

/** Segments whose rows become one segment's. */
export interface SegmentMerge {
  /** Id and range of the merged segment. */
  readonly id: string;
  readonly range: SegmentRange;
  /** Ids of the merged segments, by time. */
  readonly segments: readonly string[];
}

type Mergeable = Pick<Segment, 'id' | 'range' | 'state' | 'layouts' | 'snapshots'>;
type TimeRange = Extract<SegmentRange, { kind: 'range' }>;
type Timed = Mergeable & { readonly range: TimeRange };

/**
 * What auto-merge would do now: periods of the wanted grains that two or more READY segments fill without a
 * gap. The longest period wins, so no segment is merged twice. Segments that were built from different
 * snapshots of a lookup, or that have different layouts, stay apart: one segment has one of each.
 */
export function mergesDue(
  segments: readonly Mergeable[],
  autoMerge: readonly Grain[],
  zone = 'UTC',
): SegmentMerge[] {
  let left = segments.filter(isTimed).sort((a, b) => compareRanges(a.range, b.range));
  const merges: SegmentMerge[] = [];
  for (const grain of grains.toReversed().filter((grain) => autoMerge.includes(grain))) {
    for (const [range, members] of byPeriod(left, grain, zone)) {
      if (members.length < 2 || !fills(members, range) || !alike(members)) continue;
      merges.push({ id: rangeLabel(range, zone), range, segments: members.map(({ id }) => id) });
      left = left.filter((segment) => !members.includes(segment));
    }
  }
  return merges.sort((a, b) => compareRanges(a.range, b.range));
}

function isTimed(segment: Mergeable): segment is Timed {
  return segment.state === 'READY' && segment.range.kind === 'range';
}

function byPeriod(segments: readonly Timed[], grain: Grain, zone: string): [TimeRange, Timed[]][] {
  const groups: [TimeRange, Timed[]][] = [];
  for (const segment of segments) {
    const last = groups.at(-1);
    if (last !== undefined && segment.range.start < last[0].end) last[1].push(segment);
    else {
      const range: TimeRange = { kind: 'range', ...periodAt(grain, segment.range.start, zone) };
      groups.push([range, [segment]]);
    }
  }
  return groups;
}

function fills(members: readonly Timed[], range: TimeRange): boolean {
  let reached = range.start;
  for (const member of members) {
    if (member.range.start !== reached) return false;
    reached = member.range.end;
  }
  return reached === range.end;
}

function alike(members: readonly Timed[]): boolean {
  const shapes = members.map(({ snapshots, layouts }) =>
    JSON.stringify([Object.entries(snapshots).sort(), layouts.map(({ id }) => id).sort()]),
  );
  return new Set(shapes).size === 1;
}
