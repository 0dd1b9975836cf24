import {
  compareRanges,
  holdsNoRows,
  rangeLabel,
  type Segment,
  type SegmentRange,
  type SourceExtent,
  type SourceVersion,
} from '@tessera/cube';

/** What a build looks at: one cube at one moment, a plain value. */
export interface CubeObservation {
  /** READY segments. */
  readonly segments: readonly Segment[];
  /** The segments that the source wants, by the cube's segment length: see `segmentRanges`. */
  readonly ranges: readonly SegmentRange[];
  /** Where the source has rows. */
  readonly extent: SourceExtent;
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
  /** True when no row is in the range: then there is nothing to read, and nothing to write but the segment itself. */
  readonly empty: boolean;
  /** The segment that this one takes over from, together with others, when that is not the one of the same id. */
  readonly replaces?: string;
}

/**
 * Which segments are built, with which layouts. Ranges of the result never overlap those of segments that stay: where
 * the cube's segment length has changed, what lies between the segments that exist is filled. A segment without rows
 * that has got some is cut into the periods that they are in.
 */
export function segmentsToBuild(seen: CubeObservation, wish: BuildWish): SegmentWork[] {
  const work = seen.segments
    .filter((segment) => wanted(segment.range, wish) && named(segment.id, wish))
    .flatMap((segment) => renewal(segment, seen, wish));
  if (wish.existingOnly) return work;
  const existing = seen.segments.map(({ range }) => range);
  const fresh = seen.ranges
    .flatMap((range) => gapsOf(range, existing))
    .filter((range) => wanted(range, wish))
    .map((range) => whole(rangeLabel(range, seen.timeZone), range, seen))
    .filter(({ id }) => named(id, wish));
  return [...work, ...fresh];
}

function whole(id: string, range: SegmentRange, seen: CubeObservation): SegmentWork {
  return { id, range, layouts: seen.layouts, keeps: [], empty: holdsNoRows(range, seen.extent) };
}

/** Whether the work must read every row that the source had: nothing is left out or kept, and the source is known to stay. */
export function isOfEverything(
  seen: CubeObservation,
  work: readonly SegmentWork[],
  { start, end, only, existingOnly }: BuildWish,
): boolean {
  if (start !== undefined || end !== undefined || only !== undefined || existingOnly) return false;
  if (work.some(({ keeps }) => keeps.length > 0)) return false;
  const built = new Set(work.flatMap(({ id, replaces }) => [id, replaces]));
  const known = Object.values(seen.versions).every((version) => version.known);
  return known && seen.segments.every(({ id }) => built.has(id));
}

/** How an existing segment is brought up to date: nothing when it is. */
function renewal(segment: Segment, seen: CubeObservation, wish: BuildWish): SegmentWork[] {
  const { id, range } = segment;
  const empty = segment.sourceRows === 0n;
  const has = new Set(segment.layouts.map((layout) => layout.id));
  const missing = seen.layouts.filter((layout) => !has.has(layout));
  const keeps = seen.layouts.filter((layout) => has.has(layout));
  // When nothing is kept the model may have changed what the range means, so also whether rows are in it.
  if (wish.force || keeps.length === 0 || isStale(segment, seen.versions)) {
    const again = whole(id, range, seen);
    return empty && !again.empty ? periodsOf(again, seen) : [again];
  }
  if (missing.length === 0) return [];
  return [{ id, range, layouts: missing, keeps, empty }];
}

/** What was one segment without rows, cut where the source's rows want it. */
function periodsOf(work: SegmentWork, seen: CubeObservation): SegmentWork[] {
  const inside = seen.ranges.flatMap((range) => intersection(range, work.range));
  const beside = gapsOf(work.range, inside);
  const pieces = [...inside, ...beside].sort(compareRanges);
  if (pieces.length < 2) return [work];
  return pieces.map((range) => ({
    ...whole(rangeLabel(range, seen.timeZone), range, seen),
    replaces: work.id,
  }));
}

function intersection(a: SegmentRange, b: SegmentRange): SegmentRange[] {
  if (a.kind !== 'range' || b.kind !== 'range' || !overlap(a, b)) return [];
  const start = a.start > b.start ? a.start : b.start;
  return [{ kind: 'range', start, end: a.end < b.end ? a.end : b.end }];
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

/** The parts of a range that none of the others covers. */
function gapsOf(range: SegmentRange, others: readonly SegmentRange[]): SegmentRange[] {
  const inTheWay = others.filter((one) => overlap(one, range));
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
