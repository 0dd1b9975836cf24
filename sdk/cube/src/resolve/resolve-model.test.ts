import { isTesseraError, type TesseraError } from '@tessera/base';
import type { DataType } from '@tessera/columnar';
import { type BindCatalog, exprKey, loadParser, type } from '@tessera/sql';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Model } from '../model.ts';
import { parseResources } from '../resources/parse-resources.ts';
import type { ModelResource } from '../resources/resource.ts';
import { resolveModel } from './resolve-model.ts';

const numeric: DataType = { kind: 'numeric', precision: 12, scale: 2 };
const tables: Readonly<Record<string, Readonly<Record<string, DataType>>>> = {
  sales: {
    day: type.date,
    at: type.timestamp,
    instant: type.timestamptz,
    datekey: type.integer,
    datetext: type.text,
    product: type.integer,
    shop: type.text,
    quantity: type.integer,
    big: type.bigint,
    price: numeric,
    weight: type.double,
    light: type.real,
    wait: type.interval,
    paid: type.boolean,
  },
  product: { id: type.integer, name: type.text, category: type.integer },
  category: { id: type.integer, name: type.text },
  shop: { code: type.text, branch: type.integer, city: type.text },
};

const catalog: BindCatalog = {
  find: (table, source = 's') => {
    const columns = Object.hasOwn(tables, table) && source === 's' ? tables[table] : undefined;
    return (
      columns && {
        name: { source, table },
        columns: Object.entries(columns).map(([name, of]) => ({ name, type: of, nullable: true })),
      }
    );
  },
  tables: () => Object.keys(tables).map((table) => ({ source: 's', table })),
};

const fields = {
  joins: `
  - { table: category, alias: c, on: p.category = c.id }
  - { table: product,  alias: p, on: f.product = p.id }
  - { table: shop,     alias: home, on: home.code = f.shop, kind: inner }`,
  partition: '{ column: f.day, grain: month }',
  computedColumns: '[]',
  dimensions: '[{ name: product, column: f.product }]',
  hierarchies: '[]',
  measures: '[{ name: sales, aggregate: count }]',
};

function resolve(change: Partial<typeof fields> & Record<string, string> = {}): Model {
  const yaml = Object.entries({ ...fields, ...change }).map(([key, value]) => `${key}: ${value}`);
  const head =
    'apiVersion: tessera/v1\nkind: Model\nname: m\nfact: { source: s, table: sales, alias: f }';
  const { resources } = parseResources(`${head}\n${yaml.join('\n')}`, 'm.yaml');
  return resolveModel('m', 7n, (resources[0]!.resource as ModelResource).spec, catalog);
}

function faultsOf(
  change: Partial<typeof fields> & Record<string, string>,
): TesseraError['violations'] {
  try {
    resolve(change);
  } catch (error) {
    if (isTesseraError(error, 'MODEL_INVALID')) return error.violations;
    throw error;
  }
  throw new Error('the model was accepted');
}

beforeAll(loadParser);

describe('resolveModel', () => {
  test('places the lookups of a snowflake after what they are joined to', () => {
    const { lookups, fact, revision, freshness, timeZone } = resolve();
    expect(lookups.map(({ alias, parent, kind, keys }) => ({ alias, parent, kind, keys }))).toEqual(
      [
        {
          alias: 'p',
          parent: 'f',
          kind: 'left',
          keys: [{ parentColumn: 'product', column: 'id' }],
        },
        {
          alias: 'c',
          parent: 'p',
          kind: 'left',
          keys: [{ parentColumn: 'category', column: 'id' }],
        },
        {
          alias: 'home',
          parent: 'f',
          kind: 'inner',
          keys: [{ parentColumn: 'shop', column: 'code' }],
        },
      ],
    );
    expect({ table: fact.table, revision, freshness, timeZone }).toEqual({
      table: { source: 's', table: 'sales' },
      revision: 7n,
      freshness: 'auto',
      timeZone: 'UTC',
    });
  });

  test('one table may play several roles', () => {
    const model = resolve({
      joins:
        '[{ table: shop, alias: a, on: f.shop = a.code }, { table: shop, alias: b, on: f.shop = b.code }]',
      dimensions: '[{ name: x, column: a.city }, { name: y, column: b.city }]',
    });
    expect(model.dimensions.map(({ expr }) => expr)).toMatchObject([
      { kind: 'column', relation: 'a', name: 'city' },
      { kind: 'column', relation: 'b', name: 'city' },
    ]);
  });

  test('a join may be over several columns', () => {
    const joins = '[{ table: shop, alias: a, on: f.shop = a.code and a.branch = f.product }]';
    expect(resolve({ joins }).lookups[0]!.keys).toEqual([
      { parentColumn: 'shop', column: 'code' },
      { parentColumn: 'product', column: 'branch' },
    ]);
  });

  test('computed columns stand for each other in any order and are gone from what uses them', () => {
    const model = resolve({
      computedColumns: `
  - { name: twice, expression: f.net * 2 }
  - { name: net,   expression: f.price - 1 }
  - { name: hour,  expression: extract(hour from f.at)::int }`,
      dimensions: '[{ name: hour, column: f.hour }, { name: cheap, column: f.twice < 10 }]',
      measures: '[{ name: net, aggregate: sum, column: twice }]',
    });
    const used = [...model.dimensions.map(({ expr }) => expr), model.measures[0]!.arg!];
    for (const expr of used) expect(exprKey(expr)).not.toMatch(/twice|net/);
    expect([...model.computedColumns.keys()].sort()).toEqual(['hour', 'net', 'twice']);
    expect(model.dimensions.map((dimension) => dimension.type.kind)).toEqual([
      'integer',
      'boolean',
    ]);
  });

  test.each([
    ['f.day', 'day', 'date'],
    ['f.day', 'month', 'date'],
    ['f.at', 'hour', 'timestamp'],
    ['f.instant', 'month', 'timestamptz'],
  ])('%s by %s is a %s', (column, grain, kind) => {
    const dimensions = `[{ name: d, column: ${column}, grain: ${grain} }]`;
    expect(resolve({ dimensions }).dimensions[0]).toMatchObject({ grain, type: { kind } });
  });

  test('the day of a date is the date itself', () => {
    const { dimensions } = resolve({ dimensions: '[{ name: d, column: f.day, grain: day }]' });
    expect(dimensions[0]!.expr).toMatchObject({ kind: 'column', relation: 'f', name: 'day' });
  });

  test.each([
    ['f.datekey', 'yyyyMMdd', 'month'],
    ['f.datekey', 'yyyyMM', 'month'],
    ['f.datekey', 'yyyy', 'year'],
    ['f.datetext', 'yyyy-MM-dd', 'week'],
  ])('%s of format %s by %s is a date', (column, format, grain) => {
    const model = resolve({
      partition: `{ column: ${column}, format: ${format}, grain: year }`,
      dimensions: `[{ name: d, column: ${column}, grain: ${grain} }]`,
    });
    expect(model.dimensions[0]!.type.kind).toBe('date');
    expect(exprKey(model.dimensions[0]!.expr)).toContain('make_date');
  });

  test('a derived dimension points to the stored key of its lookup', () => {
    const { dimensions } = resolve({
      dimensions:
        '[{ name: city, column: home.city, derivedFrom: shop }, { name: shop, column: f.shop }]',
    });
    expect(dimensions[0]!.derivedFrom).toEqual({ dimension: 1, lookup: 'home' });
  });

  test('measures share what they are kept in, and columns say what they hold', () => {
    const { measures } = resolve({
      measures: `
  - { name: sales,  aggregate: count }
  - { name: mean,   aggregate: avg, column: f.price }
  - { name: total,  aggregate: sum, column: f.price }
  - { name: spread, aggregate: stddev_samp, column: f.price }
  - { name: noise,  aggregate: var_pop, column: f.weight }
  - { name: paid,   aggregate: count, filter: f.paid }
  - { name: value,  aggregate: sum, column: f.price * f.quantity }
  - { name: best,   aggregate: max, column: p.name }
  - { name: shops,  aggregate: count_distinct, column: f.shop }`,
    });
    const columns = Object.fromEntries(
      measures.map(({ name, parts }) => [name, parts.map(({ column }) => column)]),
    );
    expect(columns).toEqual({
      sales: ['count'],
      mean: ['count_price', 'sum_price'],
      total: ['sum_price'],
      spread: ['count_price', 'sum_price', 'sum_squares_price'],
      noise: ['count_weight', 'sum_weight', 'm2_weight'],
      paid: [expect.stringMatching(/^count_if_paid_[0-9a-f]{6}$/)],
      value: [expect.stringMatching(/^sum_price_quantity_[0-9a-f]{6}$/)],
      best: ['max_p__name'],
      shops: ['distinct_shop'],
    });
  });

  test('the same computation spelled otherwise is the same column, another one is not', () => {
    const column = (text: string) =>
      resolve({ measures: `[{ name: x, aggregate: sum, column: ${text} }]` }).measures[0]!.parts[0]!
        .column;
    expect(column('f.price * f.quantity')).toBe(column('quantity * price'));
    expect(column('f.price + f.quantity')).not.toBe(column('f.price - f.quantity'));
  });

  test.each<[string, string, DataType, DataType]>([
    ['sum', 'f.quantity', type.bigint, type.bigint],
    [
      'sum',
      'f.big',
      { kind: 'numeric', precision: 38, scale: 0 },
      { kind: 'numeric', precision: 38, scale: 0 },
    ],
    [
      'sum',
      'f.price',
      { kind: 'numeric', precision: 38, scale: 2 },
      { kind: 'numeric', precision: 38, scale: 2 },
    ],
    ['sum', 'f.weight', type.double, type.double],
    ['sum', 'f.light', type.real, type.double],
    ['avg', 'f.quantity', type.numeric, type.bigint],
    ['stddev_pop', 'f.price', type.numeric, { kind: 'numeric', precision: 38, scale: 4 }],
    ['stddev_pop', 'f.weight', type.double, type.double],
    ['min', 'f.day', type.date, type.date],
    ['count_distinct', 'f.day', type.bigint, type.bigint],
  ])('%s of %s is typed as PostgreSQL types it', (aggregate, column, result, lastPart) => {
    const measures = `[{ name: x, aggregate: ${aggregate}, column: ${column} }]`;
    const [measure] = resolve({ measures }).measures;
    expect(measure!.type).toEqual(result);
    expect(measure!.parts.at(-1)!.type).toEqual(lastPart);
  });

  test.each<[string, Partial<typeof fields> & Record<string, string>, string]>([
    [
      'joins[0].table',
      { joins: '[{ table: produkt, alias: p, on: f.product = p.id }]' },
      'did you mean product',
    ],
    [
      'joins[0].source',
      { joins: '[{ source: t, table: shop, alias: p, on: f.shop = p.code }]' },
      'source',
    ],
    ['joins[0].alias', { joins: '[{ table: shop, alias: F, on: f.shop = f.code }]' }, 'rename'],
    [
      'joins[0].on',
      { joins: '[{ table: shop, alias: h, on: f.shop = h.cod }]' },
      'h.cod does not exist',
    ],
    ['joins[0].on', { joins: '[{ table: shop, alias: h, on: f.shop < h.code }]' }, 'equalities'],
    [
      'joins[0].on',
      { joins: '[{ table: shop, alias: h, on: f.shop = f.datetext }]' },
      'equalities',
    ],
    ['joins[0].on', { joins: '[{ table: shop, alias: h, on: f.shop = h.branch }]' }, 'text'],
    [
      'joins[1].on',
      {
        joins:
          '[{ table: product, alias: p, on: f.product = p.id }, { table: shop, alias: h, on: f.shop = h.code and p.id = h.branch }]',
      },
      'one of them',
    ],
    [
      'joins[0].on',
      {
        joins:
          '[{ table: product, alias: a, on: b.id = a.category }, { table: category, alias: b, on: a.id = b.id }]',
      },
      'cycle',
    ],
    ['partition.column', { partition: '{ column: f.dy, grain: month }' }, 'f.dy does not exist'],
    ['partition.column', { partition: '{ column: f.paid, grain: month }' }, 'boolean'],
    ['partition.column', { partition: '{ column: p.id, grain: month }' }, 'p'],
    ['partition.format', { partition: '{ column: f.datekey, grain: month }' }, 'yyyyMMdd'],
    [
      'partition.format',
      { partition: '{ column: f.datekey, grain: month, format: ddMMyyyy }' },
      'in this order',
    ],
    [
      'partition.format',
      { partition: '{ column: f.datekey, grain: month, format: yyyy-MM-dd }' },
      'digits only',
    ],
    ['partition.format', { partition: '{ column: f.day, grain: month, format: yyyy }' }, 'remove'],
    [
      'partition.grain',
      { partition: '{ column: f.datekey, grain: day, format: yyyyMM }' },
      'month or coarser',
    ],
    ['partition.grain', { partition: '{ column: f.day, grain: hour }' }, 'day or coarser'],
    [
      'computedColumns[0].expression',
      { computedColumns: '[{ name: a, expression: f.b }, { name: b, expression: f.a }]' },
      'needs',
    ],
    [
      'computedColumns[0].expression',
      { computedColumns: '[{ name: a, expression: f.a + 1 }]' },
      'a',
    ],
    [
      'computedColumns[0].expression',
      { computedColumns: '[{ name: a, expression: f.price + }]' },
      'yntax',
    ],
    [
      'computedColumns[0].name',
      { computedColumns: '[{ name: Price, expression: f.price }]' },
      'already',
    ],
    ['dimensions[0].column', { dimensions: '[{ name: d, column: f.shopp }]' }, 'f"."shop'],
    ['dimensions[0].column', { dimensions: '[{ name: d, column: sum(f.price) }]' }, 'ggregate'],
    ['dimensions[0].column', { dimensions: '[{ name: d, column: f.wait }]' }, 'interval'],
    [
      'dimensions[0].column',
      { dimensions: '[{ name: d, column: f.day < current_date }]' },
      'current time',
    ],
    ['dimensions[0].column', { dimensions: '[{ name: d, column: "\'x\'" }]' }, 'names no column'],
    ['dimensions[0].column', { dimensions: '[{ name: d, column: (select 1) }]' }, 'ubquery'],
    ['dimensions[0].column', { dimensions: '[{ name: d, column: name }]' }, 'name'],
    [
      'dimensions[0].grain',
      { dimensions: '[{ name: d, column: f.shop, grain: day }]' },
      'date or timestamp',
    ],
    ['dimensions[0].grain', { dimensions: '[{ name: d, column: f.day, grain: hour }]' }, 'no hour'],
    ['dimensions[0].name', { dimensions: '[{ name: bits, column: f.shop }]' }, 'rename'],
    ['dimensions[0].name', { dimensions: '[{ name: count, column: f.shop }]' }, 'measure sales'],
    [
      'dimensions[1].name',
      { dimensions: '[{ name: d, column: f.shop }, { name: D, column: f.day }]' },
      'rename',
    ],
    [
      'dimensions[0].derivedFrom',
      {
        dimensions:
          '[{ name: d, column: home.city, derivedFrom: shp }, { name: shop, column: f.shop }]',
      },
      'did you mean shop',
    ],
    [
      'dimensions[0].derivedFrom',
      { dimensions: '[{ name: d, column: home.city, derivedFrom: d }]' },
      'other dimension',
    ],
    [
      'dimensions[0].derivedFrom',
      {
        dimensions:
          '[{ name: d, column: home.city, derivedFrom: e }, { name: e, column: f.product }]',
      },
      'f.shop',
    ],
    [
      'dimensions[0].derivedFrom',
      { dimensions: '[{ name: d, column: f.paid, derivedFrom: e }, { name: e, column: f.shop }]' },
      'one lookup',
    ],
    ['hierarchies[0][1]', { hierarchies: '[[product, brand]]' }, 'no dimension brand'],
    ['hierarchies[0]', { hierarchies: '[[product]]' }, 'at least two'],
    ['measures[0].column', { measures: '[{ name: x, aggregate: sum }]' }, 'is missing'],
    ['measures[0].column', { measures: '[{ name: x, aggregate: sum, column: f.shop }]' }, 'number'],
    [
      'measures[0].column',
      { measures: '[{ name: x, aggregate: max, column: f.paid }]' },
      'boolean',
    ],
    [
      'measures[0].filter',
      { measures: '[{ name: x, aggregate: count, filter: f.price }]' },
      'condition',
    ],
    [
      'measures[0].precision',
      { measures: '[{ name: x, aggregate: count, precision: exact }]' },
      'count_distinct',
    ],
    ['timeZone', { timeZone: 'Europe/Atlantis' }, 'IANA'],
  ])('%s: %o', (field, change, says) => {
    const faults = faultsOf(change);
    const own = faults.filter((fault) => fault.field === field);
    expect(own.map(({ description }) => description).join('\n'), JSON.stringify(faults)).toContain(
      says,
    );
  });

  test('tells all faults at once', () => {
    const faults = faultsOf({
      partition: '{ column: f.dy, grain: month }',
      dimensions:
        '[{ name: a, column: f.nope }, { name: b, column: f.shop }, { name: c, column: f.no }]',
      measures: '[{ name: x, aggregate: sum, column: f.shop }]',
      timeZone: 'Mars',
    });
    expect(faults.map(({ field }) => field)).toEqual([
      'timeZone',
      'partition.column',
      'dimensions[0].column',
      'dimensions[2].column',
      'measures[0].column',
    ]);
  });

  test('any text as an expression gives a model or a violation of its field, never anything else', () => {
    const word = fc.constantFrom(
      ...[
        'f.price',
        'f.at',
        'f.shop',
        'p.name',
        'home.city',
        'f.x',
        'price',
        '"f"."at"',
        '*',
        'f.*',
        '$1',
        '?',
      ],
      ...[
        '(',
        ')',
        ',',
        '+',
        '/',
        '=',
        '<',
        'and',
        'not',
        'in',
        'is null',
        '::int',
        '::date',
        '--',
        '/*',
        ';',
        "'",
      ],
      ...[
        '1',
        '0',
        "'x'",
        'null',
        'case when',
        'then',
        'end',
        'sum',
        'count(*)',
        'date_trunc',
        "'month'",
        'now()',
      ],
      ...[
        'select',
        'from f',
        'over ()',
        'extract(year from',
        'coalesce',
        '\n',
        '\u0000',
        'é',
        '💥',
        '(((((',
      ],
    );
    const expression = fc
      .array(word, { minLength: 1, maxLength: 12 })
      .map((words) => JSON.stringify(words.join(' ')));
    const change = fc.record({
      column: expression,
      filter: expression,
      on: expression,
      computed: expression,
    });
    fc.assert(
      fc.property(change, ({ column, filter, on, computed }) => {
        for (const changed of [
          { dimensions: `[{ name: d, column: ${column}, grain: month }]` },
          { measures: `[{ name: m, aggregate: max, column: ${column}, filter: ${filter} }]` },
          { joins: `[{ table: shop, alias: home, on: ${on} }]` },
          { joins: '[]', computedColumns: `[{ name: x, expression: ${computed} }]` },
        ]) {
          try {
            resolve(changed);
          } catch (error) {
            if (!isTesseraError(error, 'MODEL_INVALID')) throw error;
            for (const { field } of error.violations)
              expect(field).toMatch(/^(dim|mea|joins|comp)/);
          }
        }
      }),
      { numRuns: 500, seed: 61 },
    );
  });
});
