import { segmentFromProto, segmentToProto } from '@tessera/client';
import {
  compareRanges,
  type Layout,
  planBuild,
  rangeLabel,
  type Segment,
  type SegmentMerge,
  type SegmentRange,
  type WantedLayout,
  wantedLayouts,
} from '@tessera/cube';
import { type Any, scheduler, storage } from '@tessera/proto';
import { nothingInRange, segmentsDiffer, segmentsNotAdjacent } from '../errors.ts';
import type { OperationContext, OperationKind } from '../operations/operation.ts';
import type { Plain } from '../operations/plain.ts';
import type { BuildDependencies } from './build-operation.ts';
import { type ObservedCube, observeCube } from './observe.ts';
import { BuildTotals } from './response.ts';

/** Makes one segment of neighbouring ones, from their files alone. */
export class MergeOperation implements OperationKind {
  readonly kind = 'merge';
  readonly #deps: BuildDependencies;

  constructor(deps: BuildDependencies) {
    this.#deps = deps;
  }

  async run(context: OperationContext): Promise<Any> {
    const { clients, registry, clock } = this.#deps;
    const startedAt = clock.now();
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

  async cleanUp({ record, journal }: OperationContext): Promise<void> {
    for (const step of journal.steps.filter((key) => key.startsWith('merge-'))) {
      const key = stagingKey(record.name, step);
      const { ingest } = await this.#deps.clients.storage.prepareIngest({
        cube: record.target,
        key,
      });
      await this.#deps.clients.storage.abortIngest({ ingest });
    }
  }
}

/** @throws NO_SEGMENTS_IN_RANGE, SEGMENTS_NOT_ADJACENT, SEGMENTS_DIFFER */
export function mergeAsked(
  cube: Pick<ObservedCube, 'name' | 'segments' | 'model'>,
  request: Pick<scheduler.MergeSegmentsRequest, 'segments' | 'startMicros' | 'endMicros'>,
): SegmentMerge {
  const ids = new Set(request.segments.map((name) => name.slice(name.lastIndexOf('/') + 1)));
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
  const snapshots = (segment: Segment) => JSON.stringify(Object.entries(segment.snapshots).sort());
  if (snapshots(left) !== snapshots(right)) throw segmentsDiffer(left.id, right.id);
}

/** One journaled merge: engine, ingest, and a transaction that publishes the whole and retires the parts. */
export async function mergeSegments(
  deps: BuildDependencies,
  cube: ObservedCube,
  merge: SegmentMerge,
  context: OperationContext,
): Promise<Segment> {
  const { journal, progress, record } = context;
  const parts = merge.segments.map((id) => cube.segments.find((segment) => segment.id === id)!);
  const common = commonLayouts(wantedLayouts(cube.model, cube.spec, cube.planned), parts);
  progress.update({ stepsTotal: common.length + 2 });
  const layouts = (await journal.step(
    `merge-${merge.id}`,
    () => null,
    async () =>
      (await mergedLayouts(deps, cube, merge, parts, common, context)) as unknown as Plain,
  )) as unknown as readonly Layout[];
  progress.advance({ phase: 'PUBLISH', step: `publishing ${merge.id}` });
  const published = await journal.step(
    `publish-${merge.id}`,
    () => null,
    async () => {
      const segment = mergedSegment(merge, parts, layouts);
      const response = await deps.clients.segments.publishSegments({
        parent: cube.name,
        segments: [
          {
            ...segmentToProto(segment, cube.name),
            operation: record.name,
            etag: cube.segmentEtags.get(merge.id) ?? '',
          },
        ],
        retire: merge.segments
          .filter((id) => id !== merge.id)
          .map((id) => ({ name: `${cube.name}/segments/${id}`, etag: cube.segmentEtags.get(id)! })),
        fence: deps.leadership.fence(),
        requestId: `${record.name}-${merge.id}`.slice(0, 120),
      });
      return segmentFromProto(response.segments[0]!) as unknown as Plain;
    },
  );
  return published as unknown as Segment;
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
): Promise<readonly Layout[]> {
  const { clients, config } = deps;
  const { ingest, stagingDirectory } = await clients.storage.prepareIngest({
    cube: cube.name,
    key: stagingKey(record.name, `merge-${merge.id}`),
  });
  const steps = planBuild({
    cube: cube.name,
    model: cube.model,
    segments: [],
    layouts: common,
    snapshots: {},
  }).layouts;
  const sources = await Promise.all(steps.map((step) => filesOf(clients, parts, step.layout)));
  const engine = await deps.engine();
  const request = {
    segment: merge.id,
    layouts: steps.map((step, i) => ({ step, files: sources[i]! })),
    outputDirectory: stagingDirectory,
    memoryLimitBytes: config.buildMemoryBytes,
  };
  const built = [];
  for await (const event of engine.merge(request, signal)) {
    if (event.kind !== 'file') continue;
    built.push(event);
    progress.advance({ phase: 'CUBOIDS', step: `merging ${merge.id}` });
  }
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
  return built.map(({ layout, file }, i) => {
    const { kind, cuboid, sortColumns } = common.find(({ id }) => id === layout)!;
    return { ...file, id: layout, kind, cuboid, sortColumns, file: stored.files[i]!.file };
  });
}

async function filesOf(
  clients: BuildDependencies['clients'],
  parts: readonly Segment[],
  layout: string,
): Promise<readonly string[]> {
  const files = parts.map((part) => part.layouts.find(({ id }) => id === layout)!.file);
  return (await clients.storage.locateFiles({ files })).paths;
}

/** The whole is as old as its oldest part, in every respect. */
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
    sourceVersions: oldest.sourceVersions,
    modelRevision: oldest.modelRevision,
    sourceRows: parts.reduce((sum, { sourceRows }) => sum + sourceRows, 0n),
    rejectedRows: parts.reduce(
      (max, { rejectedRows }) => (rejectedRows > max ? rejectedRows : max),
      0n,
    ),
    builtAt: oldest.builtAt,
    unmatchedRows,
  };
}

function stagingKey(operation: string, step: string): string {
  return `${operation.slice(operation.lastIndexOf('/') + 1)}-${step}`;
}
