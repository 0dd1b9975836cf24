import {
  compareRanges,
  rangeLabel,
  type Segment,
  type SegmentRange,
  type SourceVersion,
} from '@tessera/cube';

/** What a build looks at: one cube at one moment, a plain value. */
export interface CubeObservation {
  /** READY segments. */
  readonly segments: readonly Segment[];
  /** Ranges that the source's rows fall into, by the cube's segment length. */
  readonly ranges: readonly SegmentRange[];
  /** Current version per table (`source.table`) that the model reads. */
  readonly versions: Readonly<Record<string, SourceVersion>>;
  /** Ids of the layouts that each segment shall have. */
  readonly layouts: readonly string[];
  readonly timeZone: string;
}

/** What is asked: only what is missing or stale, everything, or the layouts that a complete segment lacks. */
export interface BuildWish {
  /** Microseconds; absent: unbounded. */
  readonly start?: bigint;
  readonly end?: bigint;
  /** True: what is READY and current is built again too. */
  readonly force: boolean;
  /** Only these segments (by id), when given. */
  readonly only?: readonly string[];
  /** True: no segments but those that exist already. */
  readonly existingOnly: boolean;
}

/** One segment to build. */
export interface SegmentWork {
  readonly id: string;
  readonly range: SegmentRange;
  /** Layout ids to build; what the replaced segment has of the others is kept. */
  readonly layouts: readonly string[];
  readonly keeps: readonly string[];
}

/**
 * Which segments are built, with which layouts. Ranges of the result never overlap those of segments that stay: where
 * the cube's segment length has changed, what lies between the segments that exist is filled.
 */
export function segmentsToBuild(seen: CubeObservation, wish: BuildWish): SegmentWork[] {
  const work = seen.segments
    .filter((segment) => wanted(segment.range, wish) && named(segment.id, wish))
    .map((segment) => renewal(segment, seen, wish))
    .filter((item) => item !== undefined);
  if (wish.existingOnly) return work;
  const fresh = seen.ranges
    .flatMap((range) => gapsOf(range, seen.segments))
    .filter((range) => wanted(range, wish))
    .map((range) => ({ id: rangeLabel(range, seen.timeZone), range }))
    .filter(({ id }) => named(id, wish))
    .map(({ id, range }) => ({ id, range, layouts: seen.layouts, keeps: [] }));
  return [...work, ...fresh];
}

/** Whether the work must take in every row that the source had: nothing is left out, and the source is known to stay. */
export function isOfEverything(
  seen: CubeObservation,
  work: readonly SegmentWork[],
  { start, end, only, existingOnly }: BuildWish,
): boolean {
  if (start !== undefined || end !== undefined || only !== undefined || existingOnly) return false;
  const built = new Set(work.map(({ id }) => id));
  const known = Object.values(seen.versions).every((version) => version.known);
  return known && seen.segments.every(({ id }) => built.has(id));
}

/** How an existing segment is brought up to date, or `undefined` when it is. */
function renewal(
  segment: Segment,
  seen: CubeObservation,
  wish: BuildWish,
): SegmentWork | undefined {
  const { id, range } = segment;
  if (wish.force || isStale(segment, seen.versions)) {
    return { id, range, layouts: seen.layouts, keeps: [] };
  }
  const has = new Set(segment.layouts.map((layout) => layout.id));
  const missing = seen.layouts.filter((layout) => !has.has(layout));
  if (missing.length === 0) return undefined;
  return { id, range, layouts: missing, keeps: seen.layouts.filter((l) => has.has(l)) };
}

/** A segment is stale when a table that it was built from has another version now; unknown versions are never stale. */
export function isStale(
  segment: Pick<Segment, 'sourceVersions'>,
  versions: Readonly<Record<string, SourceVersion>>,
): boolean {
  return Object.entries(segment.sourceVersions).some(([table, built]) => {
    const now = versions[table];
    return now?.known === true && built.known && now.token !== built.token;
  });
}

function wanted(range: SegmentRange, { start, end }: BuildWish): boolean {
  if (start === undefined && end === undefined) return true;
  if (range.kind !== 'range') return false;
  return (start === undefined || range.start >= start) && (end === undefined || range.end <= end);
}

/** The parts of a range that no segment covers. */
function gapsOf(range: SegmentRange, segments: readonly Segment[]): SegmentRange[] {
  const inTheWay = segments.map((segment) => segment.range).filter((one) => overlap(one, range));
  if (inTheWay.length === 0) return [range];
  if (range.kind !== 'range') return [];
  const gaps: SegmentRange[] = [];
  let reached = range.start;
  for (const one of inTheWay.toSorted(compareRanges)) {
    if (one.kind !== 'range') return [];
    if (one.start > reached) gaps.push({ kind: 'range', start: reached, end: one.start });
    if (one.end > reached) reached = one.end;
  }
  if (reached < range.end) gaps.push({ kind: 'range', start: reached, end: range.end });
  return gaps;
}

function named(id: string, { only }: BuildWish): boolean {
  return only === undefined || only.includes(id);
}

export function overlap(a: SegmentRange, b: SegmentRange): boolean {
  if (a.kind === 'all' || b.kind === 'all') return true;
  if (a.kind === 'null' || b.kind === 'null') return a.kind === b.kind;
  return a.start < b.end && b.start < a.end;
}
