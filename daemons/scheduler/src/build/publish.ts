import { listAll, segmentFromProto, segmentToProto } from '@tessera/client';
import type { Layout, Segment, WantedLayout } from '@tessera/cube';
import { metadata, storage } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import type { Leadership } from '../leader/leadership.ts';
import type { BuildDecision } from './build-operation.ts';
import type { SegmentWork } from './decide.ts';
import type { PassOutcome } from './engine-pass.ts';
import type { SnapshotInUse } from './lookup-snapshots.ts';
import type { ObservedCube } from './observe.ts';

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
 */
export async function publishPass(
  clients: SchedulerClients,
  leadership: Leadership,
  pass: PassToPublish,
): Promise<readonly Segment[]> {
  const segments = pass.work.map((work) => segmentOf(pass, work));
  await warmUp(clients, pass.cube.name, segments, pass.outcome);
  const { resources } = await listAll(clients, 'segments', { parent: pass.cube.name });
  const etags = new Map(resources.map(({ name, etag }) => [name, etag]));
  const published = await clients.segments.publishSegments({
    parent: pass.cube.name,
    segments: segments.map((segment) => {
      const message = segmentToProto(segment, pass.cube.name);
      return { ...message, operation: pass.operation, etag: etags.get(message.name) ?? '' };
    }),
    dictionaries: await newDictionaries(clients, pass),
    fence: leadership.fence(),
    requestId: `${pass.operation}-${pass.work.map(({ id }) => id).join('-')}`.slice(0, 120),
  });
  return published.segments.map(segmentFromProto);
}

function segmentOf(pass: PassToPublish, work: SegmentWork): Segment {
  const { cube, decision, outcome } = pass;
  const before = cube.segments.find(({ id }) => id === work.id);
  const kept = (before?.layouts ?? []).filter(({ id }) => work.keeps.includes(id));
  return {
    id: work.id,
    range: work.range,
    state: 'READY',
    layouts: [...kept, ...newLayouts(pass, work.id)],
    snapshots: Object.fromEntries(pass.snapshots.map(({ alias, id }) => [alias, id])),
    sourceVersions: decision.versions,
    modelRevision: cube.model.revision,
    sourceRows: outcome.sourceRows[work.id] ?? 0n,
    rejectedRows: outcome.rejectedRows,
    builtAt: decision.readAt,
    unmatchedRows: outcome.unmatchedRows[work.id] ?? {},
  };
}

function newLayouts({ outcome, layouts }: PassToPublish, segment: string): Layout[] {
  const wanted = new Map(layouts.map((layout) => [layout.id, layout]));
  return outcome.layouts
    .filter((built) => built.segment === segment)
    .map(({ layout, segment: _, ...file }) => {
      const { kind, cuboid, sortColumns } = wanted.get(layout)!;
      return { id: layout, kind, cuboid, sortColumns, ...file };
    });
}

async function warmUp(
  clients: SchedulerClients,
  cube: string,
  segments: readonly Segment[],
  outcome: PassOutcome,
): Promise<void> {
  const built = new Set(outcome.layouts.map(({ file }) => file));
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
