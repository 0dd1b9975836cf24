import type { CubeState } from '../matched.ts';
import type { Model } from '../model.ts';
import type { Layout, Segment } from '../segment.ts';
import { isCurrent } from './layout-answer.ts';
import { setOfSegment, type TimeSet, union } from './time-set.ts';

/**
 * What matching asks of a cube for every block, worked out once: a cube's state lives as long as its catalog, and sees
 * thousands of statements.
 */
export interface CubeIndex {
  /** In the order of the cube's segments. */
  readonly segments: readonly IndexedSegment[];
  /** Of layouts that the model still means, by kind and id. */
  readonly layouts: Readonly<Record<Layout['kind'], readonly IndexedLayout[]>>;
}

export interface IndexedSegment {
  readonly segment: Segment;
  /** Its partition values. */
  readonly times: TimeSet;
}

/** One layout over all segments that have it. */
export interface IndexedLayout {
  readonly id: string;
  readonly inSegments: ReadonlyMap<Segment, Layout>;
  readonly dimensions: readonly string[];
  /** Sums over the segments. */
  readonly rowCount: bigint;
  readonly sizeBytes: bigint;
}

const indexes = new WeakMap<Model, WeakMap<CubeState, CubeIndex>>();

export function indexOf(model: Model, cube: CubeState): CubeIndex {
  const ofModel = indexes.get(model) ?? new WeakMap<CubeState, CubeIndex>();
  indexes.set(model, ofModel);
  const known = ofModel.get(cube) ?? makeIndex(model, cube);
  ofModel.set(cube, known);
  return known;
}

function makeIndex(model: Model, { segments }: CubeState): CubeIndex {
  return {
    segments: segments.map((segment) => ({ segment, times: setOfSegment(segment.range) })),
    layouts: {
      rows: layoutsOf(model, segments, 'rows'),
      distinct: layoutsOf(model, segments, 'distinct'),
    },
  };
}

function layoutsOf(
  model: Model,
  segments: readonly Segment[],
  kind: Layout['kind'],
): readonly IndexedLayout[] {
  const byId = new Map<string, Map<Segment, Layout>>();
  for (const segment of segments) {
    for (const layout of segment.layouts) {
      if (layout.kind !== kind || !isCurrent(model, layout)) continue;
      const inSegments = byId.get(layout.id) ?? new Map<Segment, Layout>();
      byId.set(layout.id, inSegments.set(segment, layout));
    }
  }
  return [...byId].map(([id, inSegments]) => indexedLayout(id, inSegments));
}

function indexedLayout(id: string, inSegments: ReadonlyMap<Segment, Layout>): IndexedLayout {
  const all = [...inSegments.values()];
  const dimensions = all[0]!.columns.filter(({ role }) => role === 'dimension');
  return {
    id,
    inSegments,
    dimensions: dimensions.map(({ name }) => name),
    rowCount: all.reduce((sum, { rowCount }) => sum + rowCount, 0n),
    sizeBytes: all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n),
  };
}

/** The partition values of segments that are read. */
export function timesOf(segments: readonly IndexedSegment[]): TimeSet {
  return union(...segments.map(({ times }) => times));
}
