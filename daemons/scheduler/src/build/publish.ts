import { createHash } from 'node:crypto';
import { resourceIdOf } from '@tessera/base';
import { listAll, segmentFromProto, segmentToProto } from '@tessera/client';
import { type Layout, layoutWithoutRows, type Segment, type WantedLayout } from '@tessera/cube';
import { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import type { BuildStore } from '../replicas/build-store.ts';
import type { SegmentWork } from './decide.ts';
import type { BuildDecision } from './decision.ts';
import type { PassOutcome } from './engine-pass.ts';
import type { SnapshotInUse } from './lookup-snapshots.ts';
import { hasContent } from './missing-layouts.ts';
import { builtFor, type ObservedCube } from './observe.ts';
import { withReplicas } from './with-replicas.ts';

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
 * Copies the new files to their replicas and warms them up there, then makes all segments of a pass readable in one transaction (P4). Repeating it gives the
 * first one's outcome.
 * @throws MODEL_CHANGED when the model or the cube is no longer what was built for: nothing is published then.
 */
export async function publishPass(
  store: BuildStore,
  pass: PassToPublish,
  signal: AbortSignal,
): Promise<readonly Segment[]> {
  const { clients } = store;
  const segments = pass.work.map((work) => segmentOf(pass, work));
  const { resources } = await listAll(clients, 'segments', { parent: pass.cube.name });
  const before = publishedBefore(pass, segments, resources);
  if (before !== undefined) return before;
  const built = builtFiles(pass.outcome.layouts);
  const made = {
    segments: segments.map((segment) => segmentToProto(segment, pass.cube.name)),
    dictionaries: await newDictionaries(clients, pass),
  };
  const copied = await withReplicas(
    store,
    { cube: pass.cube, present: resources, built, ...made },
    signal,
  );
  // Copying takes its time: where replicas are may have been written of the same segments meanwhile.
  const { resources: present } = await listAll(clients, 'segments', { parent: pass.cube.name });
  const etags = new Map(present.map(({ name, etag }) => [name, etag]));
  const published = await clients.segments.publishSegments({
    parent: pass.cube.name,
    segments: copied.segments.map((segment) => ({
      ...segment,
      operation: pass.operation,
      etag: etags.get(segment.name) ?? '',
    })),
    retire: retiredBy(pass.work, present),
    dictionaries: [...copied.dictionaries],
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

/** Those of layouts with rows. */
export function builtFiles(layouts: readonly { readonly file: string }[]): ReadonlySet<string> {
  return new Set(layouts.map(({ file }) => file).filter(hasContent));
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
