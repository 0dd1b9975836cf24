import { createHash } from 'node:crypto';
import { invariant } from '@tessera/base';
import { exprKey } from '@tessera/sql';
import { type CuboidId, cuboidOf, dimensionsOf } from '../cuboid.ts';
import type { Measure, MeasurePart, Model } from '../model.ts';
import type { CubeSpec } from '../model-spec.ts';
import type { Layout, LayoutColumn } from '../segment.ts';
import { cuboidsOfGroup, dimensionIndex } from './cuboids-of-groups.ts';

/** A layout as every segment of a cube shall have it. */
export interface WantedLayout {
  readonly id: string;
  readonly kind: Layout['kind'];
  readonly cuboid: CuboidId;
  /** Names of the stored dimensions, in the order of the columns. */
  readonly dimensions: readonly string[];
  readonly parts: readonly MeasurePart[];
  readonly columns: readonly LayoutColumn[];
  readonly sortColumns: readonly string[];
}

interface WantedCuboid {
  readonly cuboid: CuboidId;
  /** Dimensions in the order that the rows are sorted by. */
  readonly order: readonly string[];
  readonly measures: Set<Measure>;
}

/**
 * All layouts that a cube keeps: those of its aggregation groups, its pinned cuboids and what a plan chose. The rows of a
 * layout are sorted by its dimensions in the order in which the group (or list) names them, so the ones that
 * queries filter by should come first. A cuboid of several groups has the measures of all of them.
 */
export function wantedLayouts(
  model: Model,
  spec: Pick<CubeSpec, 'groups' | 'cuboids'>,
  planned: readonly (readonly string[])[] = [],
): WantedLayout[] {
  const index = dimensionIndex(model);
  const found = new Map<CuboidId, WantedCuboid>();
  const add = (cuboid: CuboidId, names: readonly string[], measures: readonly Measure[]) => {
    const known = found.get(cuboid);
    if (known !== undefined) for (const measure of measures) known.measures.add(measure);
    else
      found.set(cuboid, {
        cuboid,
        order: storedOrder(model, cuboid, names, index),
        measures: new Set(measures),
      });
  };
  spec.groups.forEach((group, i) => {
    const measures = measuresNamed(model, group.measures);
    for (const cuboid of cuboidsOfGroup(model, group, i)) add(cuboid, group.include, measures);
  });
  for (const names of [...spec.cuboids, ...planned]) {
    add(cuboidOf(names.map(index)), names, model.measures);
  }
  return [...found.values()].flatMap((wanted) => layoutsOfCuboid(model, wanted));
}

function measuresNamed(model: Model, names: readonly string[] | undefined): readonly Measure[] {
  if (names === undefined) return model.measures;
  return model.measures.filter(({ name }) => names.includes(name));
}

function storedOrder(
  model: Model,
  cuboid: CuboidId,
  names: readonly string[],
  index: (name: string) => number,
): string[] {
  const kept = new Set(dimensionsOf(cuboid));
  const order = [...new Set(names.map(index))].filter((dimension) => kept.has(dimension));
  return order.map((dimension) => model.dimensions[dimension]!.name);
}

/** One layout of rows, and a companion for each exact distinct count. */
function layoutsOfCuboid(model: Model, { cuboid, order, measures }: WantedCuboid): WantedLayout[] {
  const parts = new Map(
    [...measures].flatMap((measure) => measure.parts).map((part) => [part.column, part]),
  );
  const isBits = (part: MeasurePart) => part.fn === 'distinct_bits';
  const bits = [...parts.values()].filter(isBits);
  const rest = [...parts.values()].filter((part) => !isBits(part));
  return [
    layoutOf(model, 'rows', cuboid, order, rest),
    ...bits.map((part) => layoutOf(model, 'distinct', cuboid, order, [part])),
  ];
}

function layoutOf(
  model: Model,
  kind: Layout['kind'],
  cuboid: CuboidId,
  order: readonly string[],
  parts: readonly MeasurePart[],
): WantedLayout {
  const sorted = parts.toSorted((a, b) => (a.column < b.column ? -1 : 1));
  const dimensions = dimensionsOf(cuboid).map((i) => model.dimensions[i]!);
  const columns: LayoutColumn[] = dimensions.map(({ name, type }) => ({
    name,
    type,
    role: 'dimension',
  }));
  if (kind === 'rows') {
    columns.push(
      ...sorted.map(({ column, type }) => ({ name: column, type, role: 'measure' as const })),
    );
  } else {
    columns.push({ name: 'bucket', type: { kind: 'bigint' }, role: 'bucket' });
    columns.push({ name: 'bits', type: { kind: 'bigint' }, role: 'bits' });
  }
  return {
    id: layoutId(
      model,
      kind,
      dimensions.map(({ name }) => name),
      sorted,
    ),
    kind,
    cuboid,
    dimensions: dimensions.map(({ name }) => name),
    parts: sorted,
    columns,
    sortColumns: kind === 'rows' ? order : [...order, 'bucket'],
  };
}

/**
 * The id of a layout says what is in it: a digest of everything that its content depends on besides the data (the
 * tables and joins, the column whose ranges cut it into segments, each dimension and measure part by name and expression). So a layout built for an older
 * revision of the model is still good exactly when its id is one that the current model gives. The order in which the
 * model lists things does not matter.
 */
export function layoutId(
  model: Model,
  kind: Layout['kind'],
  dimensions: readonly string[],
  parts: readonly MeasurePart[],
): string {
  const dimensionOf = new Map(model.dimensions.map((dimension) => [dimension.name, dimension]));
  const definition = {
    kind,
    fact: [model.fact.table, model.fact.alias],
    lookups: model.lookups.map(({ alias, table, parent, kind, keys }) => [
      alias,
      table,
      parent,
      kind,
      keys,
    ]),
    zone: model.timeZone,
    partition: model.partition && [exprKey(model.partition.column), model.partition.format],
    dimensions: dimensions.toSorted().map((name) => {
      const dimension = dimensionOf.get(name);
      invariant(dimension, `dimension ${name} of a layout is in the model`);
      return [name, exprKey(dimension.expr), dimension.type];
    }),
    parts: parts
      .map(({ column, fn, arg, filter, type }) => [
        column,
        fn,
        arg ? exprKey(arg) : null,
        filter ? exprKey(filter) : null,
        type,
      ])
      .sort(),
  };
  const digest = createHash('sha256').update(JSON.stringify(definition)).digest('hex');
  return `${kind}-${digest.slice(0, 16)}`;
}

/** True when what is stored means today what it meant when it was built: see `layoutId`. */
export function isCurrentLayout(
  model: Model,
  layout: Pick<Layout, 'id' | 'kind' | 'columns'>,
): boolean {
  const named = (role: LayoutColumn['role']) =>
    layout.columns.filter((column) => column.role === role).map(({ name }) => name);
  const known = new Set(model.dimensions.map(({ name }) => name));
  const dimensions = named('dimension');
  if (!dimensions.every((name) => known.has(name))) return false;
  const allParts = [
    ...new Map(model.measures.flatMap(({ parts }) => parts).map((p) => [p.column, p])).values(),
  ];
  if (layout.kind === 'distinct') {
    return allParts.some(
      (part) =>
        part.fn === 'distinct_bits' &&
        layoutId(model, 'distinct', dimensions, [part]) === layout.id,
    );
  }
  const stored = new Set(named('measure'));
  const parts = allParts.filter(({ column }) => stored.has(column));
  return parts.length === stored.size && layoutId(model, 'rows', dimensions, parts) === layout.id;
}
