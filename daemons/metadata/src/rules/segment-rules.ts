import type { KeyValueStore } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { badRequest, inUse, segmentsOverlap } from '../errors.ts';
import type { Commit } from '../resources/commit.ts';
import { cubeKind, segmentKind, snapshotKind } from '../resources/kinds.ts';
import { idsOf, internalKey, parentOf } from '../resources/resource-key.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import { copyRules, projectOf } from './project-rules.ts';
import { forgetUses, guardUses, refer } from './references.ts';

const { SEGMENT_STATE_READY, SEGMENT_STATE_RETIRED } = metadata.SegmentState;

export interface SegmentRulesOptions {
  readonly store: KeyValueStore;
  /** All segments of a cube, or of every cube when `-` stands for its id. */
  readonly segmentsOf: (cube: string) => Promise<readonly metadata.Segment[]>;
}

/** Segments: of a cube that is there, with a range, and no two READY ones over the same rows. */
export function segmentRules(options: SegmentRulesOptions): ResourceRules<metadata.Segment> {
  return {
    onWrite: async ({ before, after }, commit) => {
      checkRange(after);
      if (before === undefined) refer(commit, cubeKind, cubeOf(after.name));
      referSnapshots(commit, before, after);
      if (becomesReady(before, after)) {
        const { others } = await readCoverage(options, commit, cubeOf(after.name));
        checkOverlap([after], others);
      }
      return after;
    },
  };
}

/** Snapshots live as long as a segment that answers may need them. */
export function snapshotRules(options: SegmentRulesOptions): ResourceRules<metadata.Snapshot> {
  return {
    ...copyRules<metadata.Snapshot>(),
    onDelete: async ({ name }, commit) => {
      await guardUses(options.store, commit, snapshotKind, name);
      const segments = await options.segmentsOf(`${projectOf(name)}/cubes/-`);
      const users = segments.filter(
        (segment) => segment.state !== SEGMENT_STATE_RETIRED && snapshotsOf(segment).includes(name),
      );
      if (users.length > 0)
        throw inUse(
          'snapshot',
          name,
          users.map((segment) => segment.name),
        );
      forgetUses(commit, snapshotKind, name);
    },
  };
}

/**
 * What answers for a cube changes only under this key: whoever makes a segment READY has read all others and
 * requires the key unchanged, so that two cannot publish overlapping ranges side by side.
 */
export function coverageKey(cube: string): string {
  return internalKey('coverage', ...idsOf(cubeKind.pattern, cube));
}

/** Reads the segments of a cube; the commit only holds if nobody else publishes in between. */
export async function readCoverage(
  { store, segmentsOf }: SegmentRulesOptions,
  commit: Commit,
  cube: string,
): Promise<{ readonly others: readonly metadata.Segment[] }> {
  const key = coverageKey(cube);
  const { entry } = await store.get(key);
  commit.requireUnchanged(key, entry?.modRevision ?? 0n).put(key, new Uint8Array());
  return { others: await segmentsOf(cube) };
}

/**
 * `published` will be READY, `others` are as they will be beside them.
 * @throws FAILED_PRECONDITION SEGMENTS_OVERLAP.
 */
export function checkOverlap(
  published: readonly metadata.Segment[],
  others: readonly metadata.Segment[],
): void {
  const names = new Set(published.map(({ name }) => name));
  const beside = others.filter(
    ({ name, state }) => state === SEGMENT_STATE_READY && !names.has(name),
  );
  const [first] = overlapsOf([...published, ...beside]);
  if (first !== undefined) throw segmentsOverlap(first[0].name, first[1].name);
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

/** The NULL rows take a place of their own before all times. */
function spanOf({ range }: metadata.Segment): { start: bigint; end: bigint } {
  const beforeTime = -(1n << 70n);
  if (range?.kind?.$case !== 'range') return { start: beforeTime, end: beforeTime + 1n };
  return { start: range.kind.value.startMicros, end: range.kind.value.endMicros };
}

/** @throws INVALID_ARGUMENT BAD_REQUEST. */
export function checkRange({ name, range }: metadata.Segment): void {
  if (range?.kind === undefined) throw badRequest('segment.range', `of ${name} is missing.`);
  if (range.kind.$case !== 'range') return;
  const { startMicros, endMicros } = range.kind.value;
  if (startMicros >= endMicros) {
    throw badRequest('segment.range', `of ${name} is empty: it ends where it starts or before.`);
  }
}

/** Requires the snapshots that a segment starts to use. */
export function referSnapshots(
  commit: Commit,
  before: metadata.Segment | undefined,
  after: metadata.Segment,
): void {
  if (after.state === SEGMENT_STATE_RETIRED) return;
  const known =
    before === undefined || before.state === SEGMENT_STATE_RETIRED ? [] : snapshotsOf(before);
  for (const name of snapshotsOf(after)) {
    if (!known.includes(name)) refer(commit, snapshotKind, name);
  }
}

/** Resource names of the snapshots that a segment was built with. */
export function snapshotsOf({ name, snapshots }: metadata.Segment): string[] {
  const project = projectOf(name);
  return [...new Set(Object.values(snapshots))].map((id) => `${project}/snapshots/${id}`);
}

export function cubeOf(segmentName: string): string {
  return segmentName.split('/').slice(0, parentOf(segmentKind.pattern).split('/').length).join('/');
}

function becomesReady(before: metadata.Segment | undefined, after: metadata.Segment): boolean {
  if (after.state !== SEGMENT_STATE_READY) return false;
  if (before?.state !== SEGMENT_STATE_READY) return true;
  const bytes = ({ range }: metadata.Segment) => metadata.SegmentRange.encode(range!).finish();
  return Buffer.compare(bytes(before), bytes(after)) !== 0;
}
