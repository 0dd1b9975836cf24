import { hash } from 'node:crypto';
import { resourceIdOf } from '@tessera/base';
import { listAll, segmentFromProto, segmentToProto } from '@tessera/client';
import {
  compareRanges,
  isSameVersion,
  type Layout,
  layoutWithoutRows,
  planBuild,
  rangeLabel,
  type Segment,
  type SegmentMerge,
  type SegmentRange,
  type WantedLayout,
  wantedLayouts,
} from '@tessera/cube';
import type { BuildProgress } from '@tessera/plugin';
import { type Any, scheduler, storage } from '@tessera/proto';
import {
  buildIncomplete,
  nothingInRange,
  rowsDisagree,
  segmentGone,
  segmentsDiffer,
  segmentsNotAdjacent,
} from '../errors.ts';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import type { Plain } from '../operations/plain.ts';
import type { BuildStore } from '../replicas/build-store.ts';
import { pulledFile } from '../replicas/items.ts';
import type { BuildDependencies } from './build-operation.ts';
import { hasContent, quarantineMissing } from './missing-layouts.ts';
import { builtFor, type ObservedCube, observeCube } from './observe.ts';
import { outcomeHere } from './outcome-here.ts';
import { builtFiles, requestIdOf } from './publish.ts';
import { BuildTotals } from './response.ts';
import { dropStaging, stagingKey } from './staging.ts';
import { withReplicas } from './with-replicas.ts';

/** Makes one segment of neighbouring ones, from their files alone. */
export class MergeOperation implements OperationKind {
  readonly kind = 'merge';
  readonly #deps: BuildDependencies;

  constructor(deps: BuildDependencies) {
    this.#deps = deps;
  }

  async run(context: OperationContext): Promise<Any> {
    const { clients, store, registry, clock } = this.#deps;
    const startedAt = clock.now();
    await quarantineMissing(store, context.record.target);
    const cube = await observeCube(clients, registry, context.record.target);
    const request = scheduler.MergeSegmentsRequest.decode(context.record.request!.value);
    const merge = (await context.journal.step(
      'decide',
      () => null,
      () => Promise.resolve(mergeAsked(cube, request) as unknown as Plain),
    )) as unknown as SegmentMerge;
    const totals = new BuildTotals();
    totals.add([await mergeSegments(this.#deps, cube, merge, context)], merge.segments);
    return totals.packed(clock.now() - startedAt);
  }

  cleanUp({ record, journal }: OperationContext): Promise<void> {
    const steps = journal.steps.filter(isMergeStep);
    return dropStaging(this.#deps.clients, record.target, record.name, steps);
  }
}

/** True for the steps that stage files. */
export function isMergeStep(step: string): boolean {
  return step.startsWith('merge-');
}

/** @throws NO_SEGMENTS_IN_RANGE, SEGMENTS_NOT_ADJACENT, SEGMENTS_DIFFER */
export function mergeAsked(
  cube: Pick<ObservedCube, 'name' | 'segments' | 'model'>,
  request: Pick<scheduler.MergeSegmentsRequest, 'segments' | 'startMicros' | 'endMicros'>,
): SegmentMerge {
  const ids = new Set(request.segments.map(resourceIdOf));
  const inRange = ({ range }: Segment) =>
    range.kind === 'range' &&
    (request.startMicros === undefined || range.start >= request.startMicros) &&
    (request.endMicros === undefined || range.end <= request.endMicros);
  const chosen = cube.segments
    .filter((segment) => (ids.size > 0 ? ids.has(segment.id) : inRange(segment)))
    .filter(({ range }) => range.kind === 'range')
    .sort((a, b) => compareRanges(a.range, b.range));
  if (chosen.length < 2) throw nothingInRange(cube.name);
  for (const [i, segment] of chosen.slice(1).entries()) requireNeighbours(chosen[i]!, segment);
  const bounds = (segment: Segment) => segment.range as Extract<SegmentRange, { kind: 'range' }>;
  const range: SegmentRange = {
    kind: 'range',
    start: bounds(chosen[0]!).start,
    end: bounds(chosen.at(-1)!).end,
  };
  return {
    id: rangeLabel(range, cube.model.timeZone),
    range,
    segments: chosen.map(({ id }) => id),
  };
}

function requireNeighbours(left: Segment, right: Segment): void {
  const [a, b] = [left.range, right.range];
  if (a.kind !== 'range' || b.kind !== 'range' || a.end !== b.start)
    throw segmentsNotAdjacent(left.id, right.id);
  const shape = ({ snapshots, layouts }: Segment) =>
    JSON.stringify([Object.entries(snapshots).sort(), layouts.map(({ id }) => id).sort()]);
  if (shape(left) !== shape(right)) throw segmentsDiffer(left.id, right.id);
}

/**
 * One journaled merge: engine, ingest, and a transaction that publishes the whole and retires the parts. Repeating
 * it gives the first one's outcome.
 * @throws SEGMENT_GONE, SEGMENTS_DIFFER when the parts have no layout that the cube still keeps.
 */
export async function mergeSegments(
  deps: BuildDependencies,
  cube: ObservedCube,
  merge: SegmentMerge,
  context: OperationContext,
): Promise<Segment> {
  const { journal, progress, record } = context;
  const before = publishedBefore(cube, merge, record.name);
  if (before !== undefined) {
    await journal.finish(`publish-${merge.id}`, before as unknown as Plain);
    return before;
  }
  const parts = merge.segments.map((id) => partOf(cube, id));
  const common = commonLayouts(wantedLayouts(cube.model, cube.spec, cube.planned), parts);
  if (common.length === 0) throw segmentsDiffer(parts[0]!.id, parts.at(-1)!.id);
  progress.update({ stepsTotal: common.length + 2 });
  const layouts = await outcomeHere<readonly Layout[]>(deps.store, context, {
    step: `merge-${merge.id}`,
    needed: () => !journal.isDone(`publish-${merge.id}`),
    filesOf: (made) => made,
    take: (key) => mergedLayouts(deps, cube, merge, parts, common, context, key),
  });
  progress.advance({ phase: 'PUBLISH', step: `publishing ${merge.id}` });
  const published = await journal.step(
    `publish-${merge.id}`,
    () => null,
    async () =>
      (await publishMerge(
        deps,
        cube,
        merge,
        mergedSegment(merge, parts, layouts),
        context,
      )) as unknown as Plain,
  );
  return published as unknown as Segment;
}

/** The whole, when an earlier life of this operation has published it already. */
function publishedBefore(
  { segments, publishedBy }: ObservedCube,
  { id }: SegmentMerge,
  operation: string,
): Segment | undefined {
  if (publishedBy.get(id) !== operation) return undefined;
  return segments.find((segment) => segment.id === id);
}

function partOf({ segments }: ObservedCube, id: string): Segment {
  const part = segments.find((segment) => segment.id === id);
  if (part === undefined) throw segmentGone(id);
  return part;
}

async function publishMerge(
  { clients, store }: BuildDependencies,
  cube: ObservedCube,
  merge: SegmentMerge,
  segment: Segment,
  { record, signal }: OperationContext,
): Promise<Segment> {
  const operation = record.name;
  const made = { segments: [segmentToProto(segment, cube.name)], dictionaries: [], present: [] };
  const built = builtFiles(segment.layouts);
  const { segments } = await withReplicas(store, { cube, built, ...made }, signal);
  // A retired segment may have the name that the whole gets.
  const { resources } = await listAll(clients, 'segments', { parent: cube.name });
  const etag = resources.find(({ name }) => name === segments[0]!.name)?.etag ?? '';
  const response = await clients.segments.publishSegments({
    parent: cube.name,
    segments: segments.map((whole) => ({ ...whole, operation, etag })),
    retire: merge.segments
      .filter((id) => id !== merge.id)
      .map((id) => ({ name: `${cube.name}/segments/${id}`, etag: cube.segmentEtags.get(id)! })),
    builtFor: builtFor(cube),
    requestId: requestIdOf(operation, [merge]),
  });
  return segmentFromProto(response.segments[0]!);
}

function commonLayouts(wanted: readonly WantedLayout[], parts: readonly Segment[]): WantedLayout[] {
  return wanted.filter(({ id }) =>
    parts.every((part) => part.layouts.some((layout) => layout.id === id)),
  );
}

async function mergedLayouts(
  deps: BuildDependencies,
  cube: ObservedCube,
  merge: SegmentMerge,
  parts: readonly Segment[],
  common: readonly WantedLayout[],
  { record, signal, progress }: OperationContext,
  step: string,
): Promise<readonly Layout[]> {
  const { clients, store, config } = deps;
  const steps = planBuild({
    cube: cube.name,
    model: cube.model,
    segments: [],
    layouts: common,
    snapshots: {},
  }).layouts;
  const sources = await Promise.all(
    steps.map(async (one) => ({
      step: one,
      files: await filesOf(store, parts, one.layout, signal),
    })),
  );
  const withRows = sources.filter(({ files }) => files.length > 0);
  if (withRows.length === 0) return common.map(layoutWithoutRows);
  const { ingest, stagingDirectory } = await clients.storage.prepareIngest({
    cube: cube.name,
    key: stagingKey(record.name, step),
  });
  const engine = await deps.engine();
  const request = {
    segment: merge.id,
    layouts: withRows,
    outputDirectory: stagingDirectory,
    memoryLimitBytes: config.buildMemoryBytes,
  };
  const built: Extract<BuildProgress, { kind: 'file' }>[] = [];
  for await (const event of engine.merge(request, signal)) {
    if (event.kind !== 'file') continue;
    built.push(event);
    progress.advance({ phase: 'CUBOIDS', step: `merging ${merge.id}` });
  }
  checkMerged(merge, parts, withRows, built);
  const stored = await clients.storage.commitIngest({
    ingest,
    files: built.map(({ layout, file }) => ({
      stagedPath: file.file,
      kind: storage.StoredFileKind.STORED_FILE_KIND_LAYOUT,
      segment: merge.id,
      id: layout,
      fileDigest: file.fileDigest,
      sizeBytes: file.sizeBytes,
      rowCount: file.rowCount,
    })),
  });
  return common.map((wanted) => {
    const i = built.findIndex(({ layout }) => layout === wanted.id);
    if (i === -1) return layoutWithoutRows(wanted);
    const { id, kind, cuboid, sortColumns } = wanted;
    return { ...built[i]!.file, id, kind, cuboid, sortColumns, file: stored.files[i]!.file };
  });
}

/** Every layout that had rows is there, and none has more than its parts had. */
function checkMerged(
  merge: SegmentMerge,
  parts: readonly Segment[],
  withRows: readonly { readonly step: { readonly layout: string } }[],
  built: readonly { readonly layout: string; readonly file: { readonly rowCount: bigint } }[],
): void {
  for (const { step } of withRows) {
    const id = step.layout;
    const rows = built.find(({ layout }) => layout === id)?.file.rowCount;
    if (rows === undefined) throw buildIncomplete(merge.id, id);
    const most = parts
      .flatMap(({ layouts }) => layouts.filter((layout) => layout.id === id))
      .reduce((sum, { rowCount }) => sum + rowCount, 0n);
    if (rows > most) throw rowsDisagree(merge.id, id, rows, most);
  }
}

/** Paths of a layout's files; parts without rows have none. */
async function filesOf(
  store: BuildStore,
  parts: readonly Segment[],
  layout: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const files = parts
    .map((part) => part.layouts.find(({ id }) => id === layout)!)
    .filter(({ file }) => hasContent(file));
  return store.locate(files.map(pulledFile), signal);
}

/** The whole is as old as its oldest part. */
function mergedSegment(
  merge: SegmentMerge,
  parts: readonly Segment[],
  layouts: readonly Layout[],
): Segment {
  const oldest = parts.reduce((a, b) => (b.builtAt < a.builtAt ? b : a));
  const unmatchedRows: Record<string, bigint> = {};
  for (const part of parts) {
    for (const [alias, rows] of Object.entries(part.unmatchedRows)) {
      unmatchedRows[alias] = (unmatchedRows[alias] ?? 0n) + rows;
    }
  }
  return {
    id: merge.id,
    range: merge.range,
    state: 'READY',
    layouts,
    snapshots: oldest.snapshots,
    sourceVersions: mergedVersions(parts),
    modelRevision: parts.reduce(
      (least, { modelRevision }) => (modelRevision < least ? modelRevision : least),
      oldest.modelRevision,
    ),
    sourceRows: parts.reduce((sum, { sourceRows }) => sum + sourceRows, 0n),
    rejectedRows: parts.reduce(
      (max, { rejectedRows }) => (rejectedRows > max ? rejectedRows : max),
      0n,
    ),
    builtAt: oldest.builtAt,
    unmatchedRows,
  };
}

/**
 * What the whole says of the tables that its parts were built from. Parts of several versions of a table make a whole of none: one that no
 * version of the table equals. Which of them is the older cannot be told, as tokens have no order and schedulers' clocks differ.
 */
export function mergedVersions(
  parts: readonly Pick<Segment, 'sourceVersions'>[],
): Segment['sourceVersions'] {
  const tables = new Set(parts.flatMap(({ sourceVersions }) => Object.keys(sourceVersions)));
  const merged = [...tables].map((table) => {
    const versions = parts.map(({ sourceVersions }) => sourceVersions[table]);
    const [first] = versions;
    const isOne = versions.every((one) => isSameVersion(one, first));
    if (first !== undefined && isOne) return [table, first];
    const tokens = versions.map((one) => (one?.known ? one.token : ''));
    return [table, { known: true, token: `several-${hash('sha256', JSON.stringify(tokens))}` }];
  });
  return Object.fromEntries(merged);
}
