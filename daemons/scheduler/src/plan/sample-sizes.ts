import {
  type CuboidId,
  cuboidOf,
  dimensionIndex,
  dimensionsOf,
  estimateDistinct,
  isCurrentLayout,
  type Layout,
  type Model,
  measureBytesOf,
  type PlanQuery,
  partitionPredicate,
  planBuild,
  type SegmentRange,
  SizeModel,
  type StoredSize,
  storedDimensions,
  wantedLayouts,
} from '@tessera/cube';
import type { Engine, SampleRequest } from '@tessera/plugin';
import { type CaseExpr, lit } from '@tessera/sql';
import { buildInputs } from '../build/engine-inputs.ts';
import { type ObservedCube, tableKey } from '../build/observe.ts';

/** What the planner knows of the data. */
export interface SampledSizes {
  readonly sizes: SizeModel;
  /** By dimension bit; 1 for those that are not stored. */
  readonly cardinalities: readonly number[];
  readonly source: StoredSize;
  readonly sampledRows: number;
}

export interface SampleTask {
  readonly engine: Engine;
  readonly cube: ObservedCube;
  readonly ranges: readonly SegmentRange[];
  readonly candidates: readonly CuboidId[];
  readonly queries: readonly PlanQuery[];
  readonly memoryLimitBytes: number;
}

const maxRows = 200_000;
/** So many cuboids are sampled, those that most is asked of first; the others are estimated from them. */
const maxSampledCuboids = 256;
/** More segments than this are not told apart in the sample. */
const maxSegments = 400;
/** A column of the flat relation that no dimension can be called. */
const segmentColumn = 'segment of row';
/** For sources that do not tell their size. */
const bytesPerValue = 8;

/**
 * Sizes of cuboids from one sample of the source: distinct values of each dimension, rows of the most wanted cuboids over
 * all segments, and values of what is counted distinct. What is built already is counted instead, and its bytes
 * correct the predicted ones.
 */
export async function sampleSizes(task: SampleTask, signal: AbortSignal): Promise<SampledSizes> {
  const { engine, cube, ranges } = task;
  const { model } = cube;
  const flat = flatRelation(cube, ranges);
  const stored = storedDimensions(model);
  const sampled = mostWanted(task);
  const name = (dimension: number) => model.dimensions[dimension]!.name;
  const perSegment = flat.segmented ? [segmentColumn] : [];
  const columnSets = [
    ...stored.map((dimension) => [name(dimension)]),
    ...flat.counted.map(({ column }) => [column]),
    ...sampled.map((cuboid) => [...dimensionsOf(cuboid).map(name), ...perSegment]),
  ];
  const { sampledRows, rowCount, frequencies } = await engine.sample(
    {
      plan: flat.plan,
      inputs: await buildInputs(flat.plan.inputs, cube.sources, new Map(), model, signal),
      columnSets,
      maxRows,
      memoryLimitBytes: task.memoryLimitBytes,
    },
    signal,
  );
  // A source that is small enough is read whole; rows are then only missing because inner joins drop them.
  const all = rowCount <= BigInt(maxRows) ? Number(sampledRows) : Number(rowCount);
  const estimates = frequencies.map((each) => estimateDistinct(each, Number(sampledRows), all));
  const cardinalities = model.dimensions.map(() => 1);
  for (const [i, dimension] of stored.entries())
    cardinalities[dimension] = Math.max(1, estimates[i]!);
  const ofCounted = estimates.slice(stored.length);
  const ofCuboids = ofCounted.slice(flat.counted.length);
  const inputs = {
    sourceRows: all,
    segmentCount: Math.max(1, ranges.length),
    cardinalities,
    measured: new Map([
      ...sampled.map((cuboid, i) => [cuboid, ofCuboids[i]!] as const),
      ...rowsOfBuilt(cube, ranges),
    ]),
    measureBytes: measureBytesOf(model),
    counted: new Map(flat.counted.map(({ part }, i) => [part, ofCounted[i]!] as const)),
  };
  const correction = correctionOf(cube, new SizeModel(inputs));
  return {
    sizes: new SizeModel({ ...inputs, correction }),
    cardinalities,
    source: { rows: Number(rowCount), bytes: sourceBytesOf(cube, Number(rowCount)) },
    sampledRows: Number(sampledRows),
  };
}

/** All dimensions and all that is counted distinct, as a build would have them, and the segment of each row. */
function flatRelation(
  { name, model }: ObservedCube,
  ranges: readonly SegmentRange[],
): {
  readonly plan: SampleRequest['plan'];
  readonly counted: readonly { readonly part: string; readonly column: string }[];
  readonly segmented: boolean;
} {
  const names = storedDimensions(model).map((dimension) => model.dimensions[dimension]!.name);
  const layouts = wantedLayouts(model, { groups: [], cuboids: [names] });
  const build = planBuild({ cube: name, model, segments: [], layouts, snapshots: {} });
  const bits = build.layouts
    .flatMap(({ measures }) => measures)
    .filter(({ fn }) => fn === 'distinct_bits');
  const counted = bits.flatMap(({ column, arg }) =>
    arg === undefined ? [] : [{ part: column, column: arg }],
  );
  const used = new Set([...names, ...counted.map(({ column }) => column)]);
  const segment = segmentOfRow(model, ranges);
  const flat = build.flat.filter((column) => used.has(column.name));
  return {
    plan: { ...build, flat: segment === undefined ? flat : [...flat, segment] },
    counted,
    segmented: segment !== undefined,
  };
}

function segmentOfRow(
  { partition }: Model,
  ranges: readonly SegmentRange[],
): SampleRequest['plan']['flat'][number] | undefined {
  if (partition === undefined || ranges.length < 2 || ranges.length > maxSegments) return undefined;
  const whens = ranges.flatMap((range, i) => {
    const when = partitionPredicate(partition, range);
    // biome-ignore lint/suspicious/noThenProperty: the expression's own name for it; nobody awaits one.
    return when === undefined ? [] : [{ when, then: lit.int(i) }];
  });
  const expr: CaseExpr = { kind: 'case', type: lit.int(0).type, whens, otherwise: lit.int(-1) };
  return { name: segmentColumn, expr, type: expr.type };
}

/** What queries need comes before unions of it; of the others the small ones, which estimate many. */
function mostWanted({ candidates, queries }: SampleTask): CuboidId[] {
  const weights = new Map<CuboidId, number>();
  for (const { cuboid, weight } of queries) {
    weights.set(cuboid, (weights.get(cuboid) ?? 0) + weight);
  }
  const weightOf = (cuboid: CuboidId) => weights.get(cuboid) ?? 0;
  return candidates
    .toSorted(
      (a, b) =>
        weightOf(b) - weightOf(a) ||
        dimensionsOf(a).length - dimensionsOf(b).length ||
        (a < b ? -1 : 1),
    )
    .slice(0, maxSampledCuboids);
}

/** Rows of cuboids that every segment has. */
function rowsOfBuilt(cube: ObservedCube, ranges: readonly SegmentRange[]): Map<CuboidId, number> {
  const { segments } = cube;
  if (segments.length < ranges.length) return new Map();
  const found = Map.groupBy(builtLayouts(cube), ({ cuboid }) => cuboid);
  const complete = [...found].filter(([, layouts]) => layouts.length === segments.length);
  return new Map(
    complete.map(([cuboid, layouts]) => [
      cuboid,
      layouts.reduce((sum, { layout }) => sum + Number(layout.rowCount), 0),
    ]),
  );
}

/** Bytes on disk per predicted byte of what is built; a model of Parquet is never quite right. */
function correctionOf(cube: ObservedCube, sizes: SizeModel): number {
  let actual = 0;
  let predicted = 0;
  for (const { cuboid, layout } of builtLayouts(cube)) {
    const { rows, bytes } = sizes.sizeOf(cuboid).rowsLayout;
    if (rows === 0) continue;
    actual += Number(layout.sizeBytes);
    predicted += (bytes * Number(layout.rowCount)) / rows;
  }
  if (predicted === 0) return 1;
  return Math.min(maxCorrection, Math.max(1 / maxCorrection, actual / predicted));
}

/** Stored rows that mean today what they meant when they were built, by what is today's cuboid of their dimensions. */
function builtLayouts({
  model,
  segments,
}: ObservedCube): { readonly cuboid: CuboidId; readonly layout: Layout }[] {
  const index = dimensionIndex(model);
  return segments
    .flatMap(({ layouts }) => layouts)
    .filter((layout) => layout.kind === 'rows' && isCurrentLayout(model, layout))
    .map((layout) => {
      const kept = layout.columns.filter(({ role }) => role === 'dimension');
      return { cuboid: cuboidOf(kept.map(({ name }) => index(name))), layout };
    });
}

const maxCorrection = 4;

/** Bytes of all tables of the model, as their connectors tell them. */
function sourceBytesOf({ model, sources }: ObservedCube, factRows: number): number {
  const tables = new Map(
    [model.fact, ...model.lookups].map((each) => [tableKey(each.table), each] as const),
  );
  return [...tables.values()].reduce((sum, { table, columns }) => {
    const known = sources.get(table.source)?.tables.find(({ name }) => name === table.table);
    const { sizeBytes, rowCount } = known?.statistics ?? {};
    const rows = rowCount === undefined ? factRows : Number(rowCount);
    return (
      sum + (sizeBytes === undefined ? rows * columns.length * bytesPerValue : Number(sizeBytes))
    );
  }, 0);
}
