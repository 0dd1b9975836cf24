import type { DataType } from '@tessera/columnar';
import { type BindCatalog, lit, loadParser, type, walkExpr } from '@tessera/sql';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { BuildPlan, LayoutStep } from '../build-plan.ts';
import { type CuboidId, cuboidOf, dimensionsOf } from '../cuboid.ts';
import { isCurrentLayout, wantedLayouts } from '../lattice/wanted-layouts.ts';
import type { Model } from '../model.ts';
import type { CubeSpec } from '../model-spec.ts';
import { resolveModel } from '../resolve/resolve-model.ts';
import { parseResources } from '../resources/parse-resources.ts';
import type { ModelResource } from '../resources/resource.ts';
import { planBuild } from './plan-build.ts';

const columns: Readonly<Record<string, Readonly<Record<string, DataType>>>> = {
  sales: {
    at: type.timestamptz,
    shop: type.text,
    product: type.integer,
    price: type.double,
    quantity: type.integer,
    unused: type.text,
  },
  shop: { code: type.text, city: type.text, unused: type.text },
};
const catalog: BindCatalog = {
  find: (table) =>
    columns[table] && {
      name: { source: 's', table },
      columns: Object.entries(columns[table]).map(([name, of]) => ({
        name,
        type: of,
        nullable: true,
      })),
    },
  tables: () => Object.keys(columns).map((table) => ({ source: 's', table })),
};

const dimensions = [
  '{ name: day, column: f.at, grain: day }',
  '{ name: shop, column: f.shop }',
  '{ name: product, column: f.product }',
  '{ name: city, column: home.city, derivedFrom: shop }',
  '{ name: big, column: f.quantity > 10 }',
];
const measures = [
  '{ name: sales, aggregate: count }',
  '{ name: spread, aggregate: stddev_samp, column: f.price }',
  '{ name: mean, aggregate: avg, column: f.price }',
  '{ name: big, aggregate: sum, column: f.quantity, filter: f.quantity > 10 }',
  '{ name: shops, aggregate: count_distinct, column: f.shop }',
  '{ name: products, aggregate: count_distinct, column: f.product }',
];

let model: Model;
function modelOf(
  options: { dimensions?: readonly string[]; measures?: readonly string[] } = {},
): Model {
  const yaml = `apiVersion: tessera/v1
kind: Model
name: m
timeZone: Europe/Berlin
fact: { source: s, table: sales, alias: f }
joins: [{ table: shop, alias: home, on: f.shop = home.code }]
partition: { column: f.at, grain: month }
dimensions: [${(options.dimensions ?? dimensions).join(', ')}]
measures: [${(options.measures ?? measures).join(', ')}]`;
  const resource = parseResources(yaml, 'm.yaml').resources[0]!.resource as ModelResource;
  return resolveModel('m', 1n, resource.spec, catalog);
}

const cube = (cuboids: readonly (readonly string[])[]): CubeSpec => ({
  model: 'm',
  groups: [],
  cuboids,
  segments: { autoMerge: [] },
});

function plan(
  of: Model,
  cuboids: readonly (readonly string[])[],
  estimatedRows = new Map<string, number>(),
): BuildPlan {
  const range = { kind: 'range', start: 0n, end: 1n } as const;
  return planBuild({
    cube: 'c',
    model: of,
    segments: [{ id: 's', range }],
    layouts: wantedLayouts(of, cube(cuboids)),
    snapshots: { home: 'v1' },
    estimatedRows,
  });
}

beforeAll(async () => {
  await loadParser();
  model = modelOf();
});

const stored = ['day', 'shop', 'product', 'big'];
const someCuboids = fc.uniqueArray(fc.subarray(stored, { minLength: 1 }), {
  minLength: 1,
  maxLength: 8,
  selector: (names) => names.join(),
});

describe('planBuild', () => {
  test('gives each layout the smallest parent that was built before it and holds its columns', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 100, maxLength: 100 });
    fc.assert(
      fc.property(someCuboids, sizes, (cuboids, rows) => {
        const layouts = wantedLayouts(model, cube(cuboids));
        const rowsOf = new Map(
          layouts.map(({ id, dimensions: kept }, i) => [id, kept.length * 1000 + rows[i]!]),
        );
        const steps = plan(model, cuboids, rowsOf).layouts;
        expect(steps.map(({ layout }) => layout).sort()).toEqual(
          layouts.map(({ id }) => id).sort(),
        );
        for (const [i, step] of steps.entries()) {
          const able = steps.slice(0, i).filter((parent) => holds(parent, step));
          const smallest = Math.min(...able.map(({ layout }) => rowsOf.get(layout)!));
          if (able.length === 0) expect(step.parent).toBeUndefined();
          else expect(rowsOf.get(step.parent!)).toBe(smallest);
        }
        // Nobody that could be a parent comes too late to be one.
        for (const [i, step] of steps.entries()) {
          const late = steps.slice(i + 1).filter((parent) => holds(parent, step));
          expect(late).toEqual([]);
        }
      }),
      { numRuns: 200, seed: 51 },
    );
  });

  function holds(parent: LayoutStep, child: LayoutStep): boolean {
    const has = new Set(parent.measures.map(({ column }) => column));
    return (
      parent.kind === child.kind &&
      child.dimensions.every((name) => parent.dimensions.includes(name)) &&
      child.measures.every(({ column }) => has.has(column))
    );
  }

  test('reads no column that nothing needs, and every one that something does', () => {
    const { inputs, flat } = plan(model, [['day', 'shop']]);
    expect(
      inputs.map(({ alias, columns: read, snapshot }) => [
        alias,
        read.map(({ name }) => name),
        snapshot,
      ]),
    ).toEqual([
      ['f', ['at', 'shop', 'product', 'price', 'quantity'], undefined],
      ['home', ['code'], 'v1'],
    ]);
    const read = new Set(
      inputs.flatMap(({ alias, columns: of }) => of.map(({ name }) => `${alias}.${name}`)),
    );
    for (const { expr } of flat) {
      walkExpr(expr, (node) => {
        if (node.kind === 'column') expect(read).toContain(`${node.relation}.${node.name}`);
      });
    }
  });

  test('every measure column is computed from flat columns, with a dictionary where values are no ids', () => {
    const { flat, layouts, dictionaries } = plan(model, [['day', 'big']]);
    const names = flat.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { arg, filter } of layouts.flatMap((step) => step.measures)) {
      for (const used of [arg, filter]) if (used !== undefined) expect(names).toContain(used);
    }
    const distinct = layouts
      .flatMap((step) => step.measures)
      .filter(({ fn }) => fn === 'distinct_bits');
    expect(distinct.map(({ dictionary }) => dictionary !== undefined)).toEqual(
      distinct.map(({ column }) => column === 'distinct_shop'),
    );
    expect(
      dictionaries.map(({ column }) => flat.find(({ name }) => name === column)!.type),
    ).toEqual([type.text]);
  });

  test('what rolls up deviations has their count and sum beside them', () => {
    const [rows] = plan(model, [['day']]).layouts.filter(({ kind }) => kind === 'rows');
    const m2 = rows!.measures.find(({ fn }) => fn === 'm2')!;
    const beside = rows!.measures.filter(
      ({ arg, filter }) => arg === m2.arg && filter === m2.filter,
    );
    expect(beside.map(({ fn }) => fn).sort()).toEqual(['count', 'm2', 'sum']);
  });

  test('takes what is stored where it is the smallest, and reads no source when nothing else is needed', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 100, maxLength: 100 });
    fc.assert(
      fc.property(someCuboids, someCuboids, sizes, (kept, added, rows) => {
        const stored = wantedLayouts(model, cube(kept));
        const has = new Set(stored.map(({ id }) => id));
        const layouts = wantedLayouts(model, cube(added)).filter(({ id }) => !has.has(id));
        const estimatedRows = new Map([...stored, ...layouts].map(({ id }, i) => [id, rows[i]!]));
        const range = { kind: 'range', start: 0n, end: 1n } as const;
        const made = planBuild({
          cube: 'c',
          model,
          segments: [{ id: 's', range }],
          layouts,
          stored,
          snapshots: {},
          estimatedRows,
        });
        const keptSteps = plan(model, kept).layouts;
        for (const [i, step] of made.layouts.entries()) {
          const able = [...keptSteps, ...made.layouts.slice(0, i)].filter((one) =>
            holds(one, step),
          );
          const from = step.parent ?? step.stored?.layout;
          if (able.length === 0) expect(from).toBeUndefined();
          else {
            const smallest = Math.min(...able.map(({ layout }) => estimatedRows.get(layout)!));
            expect(estimatedRows.get(from!)).toBe(smallest);
          }
          expect(step.stored === undefined || has.has(step.stored.layout)).toBe(true);
        }
        const ofSource = made.layouts.filter(({ parent, stored: of }) => !parent && !of);
        expect(made.inputs.length > 0).toBe(ofSource.length > 0 || layouts.length === 0);
        const names = new Set(made.flat.map(({ name }) => name));
        for (const { dimensions: kept, measures: of } of ofSource) {
          for (const name of [...kept, ...of.flatMap(({ arg }) => arg ?? [])]) {
            expect(names).toContain(name);
          }
        }
        expect(ofSource.length > 0 || layouts.length === 0 || names.size === 0).toBe(true);
      }),
      { numRuns: 200, seed: 52 },
    );
  });

  test('says in which zone times are cut', () => {
    expect(plan(model, [['day']]).timeZone).toBe('Europe/Berlin');
  });
});

describe('wantedLayouts', () => {
  test('keeps one layout of rows and one companion per distinct count for each cuboid', () => {
    const layouts = wantedLayouts(
      model,
      cube([
        ['day', 'city'],
        ['day', 'shop'],
      ]),
    );
    expect(layouts.map(({ kind, dimensions: kept }) => [kind, kept])).toEqual([
      ['rows', ['day', 'shop']],
      ['distinct', ['day', 'shop']],
      ['distinct', ['day', 'shop']],
    ]);
    expect(layouts.map(({ columns: of }) => of.map(({ name }) => name).slice(2))).toEqual([
      expect.arrayContaining(['count', 'count_price', 'sum_price', 'm2_price']),
      ['bucket', 'bits'],
      ['bucket', 'bits'],
    ]);
  });

  test('ids stay when a model is reordered or grows, and change with what they mean', () => {
    const ids = (of: Model) => wantedLayouts(of, cube([['day', 'shop']])).map(({ id }) => id);
    const grown = [...dimensions.toReversed(), '{ name: more, column: f.unused }'];
    expect(ids(modelOf({ dimensions: grown, measures: measures.toReversed() })).sort()).toEqual(
      ids(model).sort(),
    );
    const other = dimensions.map((text) => text.replace('grain: day', 'grain: week'));
    for (const id of ids(modelOf({ dimensions: other }))) expect(ids(model)).not.toContain(id);
  });

  test('a stored layout is current exactly while the model would make it again', () => {
    const layouts = wantedLayouts(model, cube([['day', 'shop'], ['product']]));
    const fewer = modelOf({ measures: measures.slice(0, 2) });
    const changed = modelOf({
      dimensions: dimensions.map((t) => t.replace('grain: day', 'grain: week')),
    });
    const cut = { ...model, partition: { ...model.partition!, column: lit.date(0) } };
    for (const layout of layouts) {
      expect(isCurrentLayout(model, layout)).toBe(true);
      expect(isCurrentLayout(cut, layout)).toBe(false);
      expect(isCurrentLayout(changed, layout)).toBe(!layout.dimensions.includes('day'));
    }
    expect(layouts.some((layout) => isCurrentLayout(fewer, layout))).toBe(false);
  });

  test('a cuboid of several groups has the measures of all of them', () => {
    const group = { include: ['day'], mandatory: ['day'], joint: [], hierarchies: [] };
    const spec = {
      ...cube([]),
      groups: [
        { ...group, measures: ['sales'] },
        { ...group, measures: ['mean'] },
      ],
    };
    const [layout, ...more] = wantedLayouts(model, spec);
    expect(more).toEqual([]);
    expect(layout!.parts.map(({ column }) => column)).toEqual([
      'count',
      'count_price',
      'sum_price',
    ]);
  });

  test('rows are sorted by the dimensions in the order in which the cube names them', () => {
    const [layout] = wantedLayouts(model, cube([['shop', 'day']]));
    expect(layout!.sortColumns).toEqual(['shop', 'day']);
    expect(dimensionsOf(layout!.cuboid as CuboidId)).toEqual(dimensionsOf(cuboidOf([0, 1])));
  });
});
