import { createHash } from 'node:crypto';
import { resourceIdOf } from '@tessera/base';
import { listAll, segmentFromProto, segmentToProto } from '@tessera/client';
import { type Layout, layoutWithoutRows, type Segment, type WantedLayout } from '@tessera/cube';
import { metadata, storage } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import type { SegmentWork } from './decide.ts';
import type { BuildDecision } from './decision.ts';
import type { PassOutcome } from './engine-pass.ts';
import type { SnapshotInUse } from './lookup-snapshots.ts';
import { hasContent } from './missing-layouts.ts';
import { builtFor, type ObservedCube } from './observe.ts';

export interface PassToPublish {
  readonly cube: ObservedCube;
  readonly layouts: readonly WantedLayout[];
  readonly work: readonly SegmentWork[];
  readonly decision: BuildDecision;
  readonly snapshots: readonly SnapshotInUse[];
  readonly outcome: PassOutcome;
  readonly operation: string;
}

/**
 * Warms the new files up, then makes all segments of a pass readable in one transaction (P4). Repeating it gives the
 * first one's outcome.
 * @throws MODEL_CHANGED when the model or the cube is no longer what was built for: nothing is published then.
 */
export async function publishPass(
  clients: SchedulerClients,
  pass: PassToPublish,
): Promise<readonly Segment[]> {
  const segments = pass.work.map((work) => segmentOf(pass, work));
  const { resources } = await listAll(clients, 'segments', { parent: pass.cube.name });
  const before = publishedBefore(pass, segments, resources);
  if (before !== undefined) return before;
  await warmUp(clients, pass.cube.name, segments, pass.outcome);
  const etags = new Map(resources.map(({ name, etag }) => [name, etag]));
  const published = await clients.segments.publishSegments({
    parent: pass.cube.name,
    segments: segments.map((segment) => {
      const message = segmentToProto(segment, pass.cube.name);
      return { ...message, operation: pass.operation, etag: etags.get(message.name) ?? '' };
    }),
    retire: retiredBy(pass.work, resources),
    dictionaries: await newDictionaries(clients, pass),
    builtFor: builtFor(pass.cube),
    requestId: requestIdOf(pass.operation, segments),
  });
  return published.segments.map(segmentFromProto);
}

/** Ids of the segments that others take over from. */
export function replacedBy(work: readonly SegmentWork[]): string[] {
  return [...new Set(work.flatMap(({ replaces }) => replaces ?? []))];
}

/** Those of them that still answer: of several passes the first retires what all take over from. */
function retiredBy(
  work: readonly SegmentWork[],
  present: readonly metadata.Segment[],
): metadata.SegmentReference[] {
  const replaced = new Set(replacedBy(work));
  return present
    .filter(({ name }) => replaced.has(resourceIdOf(name)))
    .filter(({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY)
    .map(({ name, etag }) => ({ name, etag }));
}

/** What an earlier life of this operation has published of the pass already. */
function publishedBefore(
  { cube, operation }: PassToPublish,
  segments: readonly Segment[],
  present: readonly metadata.Segment[],
): readonly Segment[] | undefined {
  const byName = new Map(present.map((segment) => [segment.name, segment]));
  const found = segments.map(({ id }) => byName.get(`${cube.name}/segments/${id}`));
  const isOurs = (segment: metadata.Segment | undefined, i: number) =>
    segment?.operation === operation &&
    segment.state === metadata.SegmentState.SEGMENT_STATE_READY &&
    segments[i]!.layouts.every(({ file }) => segment.layouts.some((one) => one.file === file));
  return found.every(isOurs) ? found.map((segment) => segmentFromProto(segment!)) : undefined;
}

/** One per operation and set of segments, within the length that metadata takes. */
export function requestIdOf(
  operation: string,
  segments: readonly { readonly id: string }[],
): string {
  const ids = JSON.stringify(segments.map(({ id }) => id));
  return createHash('sha256').update(`${operation}\0${ids}`).digest('hex');
}

function segmentOf(pass: PassToPublish, work: SegmentWork): Segment {
  const { cube, decision, outcome } = pass;
  const before = cube.segments.find(({ id }) => id === work.id);
  const kept = (before?.layouts ?? []).filter(({ id }) => work.keeps.includes(id));
  const layouts = [...kept, ...newLayouts(pass, work)];
  const modelRevision = cube.model.revision;
  if (before !== undefined && !isOfSource(work, outcome))
    return { ...before, layouts, modelRevision };
  return {
    id: work.id,
    range: work.range,
    state: 'READY',
    layouts,
    snapshots: Object.fromEntries(pass.snapshots.map(({ alias, id }) => [alias, id])),
    sourceVersions: decision.versions,
    modelRevision,
    sourceRows: outcome.sourceRows[work.id] ?? 0n,
    rejectedRows: outcome.rejectedRows,
    builtAt: decision.readAt,
    unmatchedRows: outcome.unmatchedRows[work.id] ?? allMatched(cube),
  };
}

/** False for a segment that only got layouts computed from those it had: it is as old as it was. */
export function isOfSource(
  { id, keeps }: SegmentWork,
  { sourceRows }: Pick<PassOutcome, 'sourceRows'>,
): boolean {
  return keeps.length === 0 || sourceRows[id] !== undefined;
}

function allMatched({ model }: ObservedCube): Record<string, bigint> {
  return Object.fromEntries(model.lookups.map(({ alias }) => [alias, 0n]));
}

function newLayouts({ outcome, layouts }: PassToPublish, work: SegmentWork): Layout[] {
  if (work.empty) {
    return layouts.filter(({ id }) => work.layouts.includes(id)).map(layoutWithoutRows);
  }
  const wanted = new Map(layouts.map((layout) => [layout.id, layout]));
  return outcome.layouts
    .filter((built) => built.segment === work.id)
    .map(({ layout, segment: _, ...file }) => {
      const { kind, cuboid, sortColumns } = wanted.get(layout)!;
      return { id: layout, kind, cuboid, sortColumns, ...file };
    });
}

/** Loads the files that were just built, as far as memory allows, before anybody asks for them. */
export async function warmUp(
  clients: SchedulerClients,
  cube: string,
  segments: readonly Segment[],
  outcome: { readonly layouts: readonly { readonly file: string }[] },
): Promise<void> {
  const built = new Set(outcome.layouts.map(({ file }) => file).filter(hasContent));
  await clients.storage.warmUp({
    files: segments.flatMap(({ id: segment, layouts }) =>
      layouts
        .filter(({ file }) => built.has(file))
        .map(({ id, file, fileDigest }) => ({
          cube,
          kind: storage.StoredFileKind.STORED_FILE_KIND_LAYOUT,
          segment,
          id,
          file,
          fileDigest,
        })),
    ),
  });
}

/** The next version of each dictionary that the pass extended. */
async function newDictionaries(
  clients: SchedulerClients,
  { cube, outcome }: PassToPublish,
): Promise<metadata.Dictionary[]> {
  if (outcome.dictionaries.length === 0) return [];
  const { resources } = await listAll(clients, 'dictionaries', {
    parent: `projects/${cube.project}`,
  });
  return outcome.dictionaries.flatMap((built) => {
    const versions = resources.filter(({ key }) => key === built.name);
    if (versions.some(({ fileDigest }) => fileDigest === built.fileDigest)) return [];
    const version =
      versions.reduce((max, item) => (item.version > max ? item.version : max), 0n) + 1n;
    return [
      metadata.Dictionary.fromPartial({
        name: `projects/${cube.project}/dictionaries/${built.name}-${version}`,
        model: cube.modelName,
        key: built.name,
        version,
        file: built.file,
        fileDigest: built.fileDigest,
        size: built.size,
      }),
    ];
  });
}
