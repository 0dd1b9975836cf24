import type { KeyValueStore } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { badRequest, inUse } from '../errors.ts';
import type { Commit } from '../resources/commit.ts';
import { cubeKind, segmentKind, snapshotKind } from '../resources/kinds.ts';
import { parentOf } from '../resources/resource-key.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import { type CoverageReads, coverBy, uncover } from './coverage.ts';
import { copyRules, projectOf } from './project-rules.ts';
import { forgetUses, guardUses, refer } from './references.ts';

const { SEGMENT_STATE_READY, SEGMENT_STATE_RETIRED } = metadata.SegmentState;

export interface SegmentRulesOptions extends CoverageReads {
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
        uncover(commit, before);
        const change = { ready: [after], leaving: new Set([after.name]) };
        await coverBy(options, commit, cubeOf(after.name), change);
      } else if (after.state !== SEGMENT_STATE_READY) uncover(commit, before);
      return after;
    },
    onDelete: async (segment, commit) => uncover(commit, segment),
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
