import type { KeyValueStore } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { segmentsOverlap } from '../errors.ts';
import { Commit } from '../resources/commit.ts';
import { cubeKind, segmentKind } from '../resources/kinds.ts';
import { readRange } from '../resources/read-whole.ts';
import { idsOf, internalKey, keyOf, nameOf, selectBelow } from '../resources/resource-key.ts';
import { decodeResource } from '../resources/resource-kind.ts';

/**
 * Which rows of a cube its READY segments answer for, so that no two answer for the same. Two kinds of keys:
 *
 * - One per cube that changes whenever a segment becomes READY. Who makes one READY requires it unchanged since before it
 *   looked at the others, so that two cannot publish overlapping ranges side by side.
 * - One per READY segment, in the order of their ends. As they do not overlap, the only neighbours of a range are the
 *   first ones that end after its start: few keys are read however many segments there are.
 *
 * An entry without its segment does no harm, as entries are believed only when their segment is there. A missing entry would: the
 * key of the cube says whether there are entries for all. Where it does not they are made first.
 */
const { SEGMENT_STATE_READY } = metadata.SegmentState;

/** What the key of a cube holds whose READY segments all have entries. */
const complete = Buffer.from('complete');
/** Entries that are written in one transaction where there were none. */
const entriesPerCommit = 500;
/** Entries that are read at a time: mostly the first one tells. */
const nearby = 8;

export interface CoverageReads {
  readonly store: KeyValueStore;
  /** All segments of a cube. */
  readonly segmentsOf: (cube: string) => Promise<readonly metadata.Segment[]>;
}

/** Rows as a half-open interval. NULL rows take a place of their own before all times. */
interface Span {
  readonly start: bigint;
  readonly end: bigint;
}

const beforeTime = -(1n << 70n);
const afterTime = 1n << 70n;

export function spanOf({ range }: metadata.Segment): Span {
  switch (range?.kind?.$case) {
    case 'range':
      return { start: range.kind.value.startMicros, end: range.kind.value.endMicros };
    case 'null':
      return { start: beforeTime, end: beforeTime + 1n };
    default:
      return { start: beforeTime, end: afterTime };
  }
}

export function coverageKey(cube: string): string {
  return internalKey('coverage', ...idsOf(cubeKind.pattern, cube));
}

export function isComplete(value: Uint8Array | undefined): boolean {
  return value !== undefined && complete.equals(value);
}

/** The key of a READY segment's entry: `ready/{project}/{cube}/{end}/{segment}`. */
export function entryKey(segment: metadata.Segment): string {
  const [project, cube, id] = idsOf(segmentKind.pattern, segment.name);
  return internalKey('ready', project!, cube!, ordered(spanOf(segment).end), id!);
}

/** Bigints from `beforeTime` on as texts of the same order. */
function ordered(value: bigint): string {
  return (value - beforeTime).toString(16).padStart(18, '0');
}

/**
 * Adds to the commit that segments become READY, and that nobody else makes others READY meanwhile.
 * @param leaving names of segments that this commit changes: as they were they are in nobody's way
 * @throws FAILED_PRECONDITION SEGMENTS_OVERLAP
 */
export async function coverBy(
  { store, segmentsOf }: CoverageReads,
  commit: Commit,
  cube: string,
  {
    ready,
    leaving,
  }: {
    readonly ready: readonly metadata.Segment[];
    readonly leaving: ReadonlySet<string>;
  },
): Promise<void> {
  const key = coverageKey(cube);
  const { entry } = await store.get(key);
  const revision = entry?.modRevision ?? 0n;
  commit.requireUnchanged(key, revision).put(key, complete);
  requireApart(ready);
  if (!isComplete(entry?.value)) await makeEntries(store, cube, await segmentsOf(cube), revision);
  for (const segment of ready) {
    const neighbour = await overlapping(store, commit, segment, leaving);
    if (neighbour !== undefined) throw segmentsOverlap(segment.name, neighbour);
    commit.put(entryKey(segment), new Uint8Array());
  }
}

/** Adds to the commit that a segment is READY no longer, or that it will have another entry. */
export function uncover(commit: Commit, segment: metadata.Segment | undefined): void {
  if (segment?.state === SEGMENT_STATE_READY) commit.delete(entryKey(segment));
}

/** Of a cube that is deleted. */
export function forgetCoverage(commit: Commit, cube: string): void {
  const entries = selectBelow('ready', idsOf(cubeKind.pattern, cube));
  commit.delete(coverageKey(cube)).deletePrefix(entries.start, entries.end!);
}

/** Neighbours of which both would hold the same rows. Without any, no two segments do. */
export function overlapsOf(
  segments: readonly metadata.Segment[],
): (readonly [metadata.Segment, metadata.Segment])[] {
  const all = segments.map((segment) => ({ segment, span: spanOf(segment) }));
  all.sort((a, b) => (a.span.start < b.span.start ? -1 : a.span.start > b.span.start ? 1 : 0));
  const whole = all.find(({ segment }) => segment.range?.kind?.$case === 'all');
  if (whole !== undefined) {
    const others = all.filter((one) => one !== whole);
    return others.map(({ segment }) => [whole.segment, segment] as const);
  }
  return all.flatMap(({ segment, span }, i) => {
    const next = all[i + 1];
    return next !== undefined && next.span.start < span.end ? [[segment, next.segment]] : [];
  });
}

function requireApart(segments: readonly metadata.Segment[]): void {
  const [first] = overlapsOf(segments);
  if (first !== undefined) throw segmentsOverlap(first[0].name, first[1].name);
}

/** The name of a READY segment that holds some of the same rows. Entries without their segment are removed on the way. */
async function overlapping(
  store: KeyValueStore,
  commit: Commit,
  segment: metadata.Segment,
  leaving: ReadonlySet<string>,
): Promise<string | undefined> {
  const { start, end } = spanOf(segment);
  const [project, cube] = idsOf(segmentKind.pattern, segment.name);
  const all = selectBelow('ready', [project!, cube!]);
  // No id starts with `~`: what ends at `start` or before lies before this key.
  const range = { ...all, start: internalKey('ready', project!, cube!, ordered(start), '~') };
  for await (const { key } of readRange(store, range, { limit: nearby })) {
    const name = `${cubeOfEntry(key)}/segments/${key.split('/').at(-1)}`;
    if (leaving.has(name)) continue;
    const found = await readyOf(store, name, key);
    if (found === undefined) commit.delete(key);
    else return spanOf(found).start < end ? name : undefined;
  }
  return undefined;
}

/** The segment that an entry stands for, as long as it is READY over those rows. */
async function readyOf(store: KeyValueStore, name: string, entry: string) {
  const { entry: found } = await store.get(keyOf(segmentKind.pattern, name));
  const segment = found && decodeResource(segmentKind, found);
  const isThere = segment?.state === SEGMENT_STATE_READY && entryKey(segment) === entry;
  return isThere ? segment : undefined;
}

/** The name of the cube that an entry belongs to. */
function cubeOfEntry(key: string): string {
  return nameOf(cubeKind.pattern, key);
}

/** Nobody relies on them before the key of the cube says so; if that changes meanwhile the commit fails, and all is done again. */
async function makeEntries(
  store: KeyValueStore,
  cube: string,
  segments: readonly metadata.Segment[],
  revision: bigint,
): Promise<void> {
  const ready = segments.filter(({ state }) => state === SEGMENT_STATE_READY);
  for (let i = 0; i < ready.length; i += entriesPerCommit) {
    const commit = new Commit().requireUnchanged(coverageKey(cube), revision);
    for (const segment of ready.slice(i, i + entriesPerCommit)) {
      commit.put(entryKey(segment), new Uint8Array());
    }
    await commit.run(store);
  }
}
