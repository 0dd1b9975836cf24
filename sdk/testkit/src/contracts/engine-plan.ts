import { join } from 'node:path';
import type { DataType } from '@tessera/columnar';
import type { BuildMeasure, BuildPlan, LayoutStep, SegmentRange } from '@tessera/cube';
import { DuckDb, quoteText } from '@tessera/duckdb';
import type { EngineInput } from '@tessera/plugin';
import { type Expr, lit, type } from '@tessera/sql';

/**
 * A small star with everything that makes builds go wrong: NULLs in keys, dimensions and measures, facts without a
 * partner, an empty segment, negative ids, and a lookup behind a lookup.
 */
export const factSql = `
  SELECT i AS id,
    CASE WHEN i % 17 = 0 THEN NULL ELSE DATE '2024-01-01' + (i % 75)::INTEGER END AS day,
    CASE WHEN i % 13 = 0 THEN NULL WHEN i % 11 = 0 THEN 'nowhere' ELSE 's' || (i % 7) END AS shop,
    (i % 40 - 20)::INTEGER AS product,
    CASE WHEN i % 5 = 0 THEN NULL ELSE ((i * 37) % 1000)::DECIMAL(10, 2) / 4 END::DECIMAL(10, 2) AS amount,
    (i % 9)::INTEGER AS quantity,
    CASE WHEN i % 6 = 0 THEN NULL ELSE sqrt(i) END AS weight
  FROM range(3000) AS t(i)`;
export const shopSql = `
  SELECT 's' || i AS code, CASE WHEN i = 3 THEN NULL ELSE 'city ' || (i % 4) END AS city, i % 3 AS region FROM range(6) AS t(i)
  UNION ALL SELECT NULL, 'unknown', 1`;
export const regionSql = `SELECT i AS number, 'region ' || i AS name FROM range(2) AS t(i)`;

const numeric = (precision: number, scale: number): DataType => ({
  kind: 'numeric',
  precision,
  scale,
});
const column = (relation: string, name: string, columnType: DataType): Expr => ({
  kind: 'column',
  type: columnType,
  relation,
  name,
});
const call = (fn: string, ...args: Expr[]): Expr => ({
  kind: 'call',
  type: type.boolean,
  fn,
  args,
});

const day = column('f', 'day', type.date);
const dayNumber = (iso: string) => Date.parse(`${iso}T00:00:00Z`) / 86_400_000;
const micros = (iso: string) => BigInt(dayNumber(iso)) * 86_400_000_000n;

function month(id: string, start: string, end: string): BuildPlan['segments'][number] {
  const range: SegmentRange = { kind: 'range', start: micros(start), end: micros(end) };
  const from = call('>=', day, lit.date(dayNumber(start)));
  const until = call('<', day, lit.date(dayNumber(end)));
  return { id, range, predicate: call('and', from, until) };
}

export const segments: BuildPlan['segments'] = [
  month('2024-01', '2024-01-01', '2024-02-01'),
  month('2024-02', '2024-02-01', '2024-03-01'),
  month('2030-01', '2030-01-01', '2030-02-01'),
  { id: 'null', range: { kind: 'null' }, predicate: call('is_null', day) },
];

/** SQL of each segment's predicate, by id. */
export const segmentSql: Readonly<Record<string, string>> = {
  '2024-01': `day >= DATE '2024-01-01' AND day < DATE '2024-02-01'`,
  '2024-02': `day >= DATE '2024-02-01' AND day < DATE '2024-03-01'`,
  '2030-01': `day >= DATE '2030-01-01' AND day < DATE '2030-02-01'`,
  null: 'day IS NULL',
};

const flat = [
  { name: 'day', expr: day, type: type.date },
  { name: 'shop', expr: column('f', 'shop', type.text), type: type.text },
  { name: 'city', expr: column('shops', 'city', type.text), type: type.text },
  { name: 'region', expr: column('regions', 'name', type.text), type: type.text },
  { name: 'product', expr: column('f', 'product', type.integer), type: type.integer },
  { name: 'amount', expr: column('f', 'amount', numeric(10, 2)), type: numeric(10, 2) },
  { name: 'weight', expr: column('f', 'weight', type.double), type: type.double },
  {
    name: 'many',
    expr: call('>', column('f', 'quantity', type.integer), lit.int(4)),
    type: type.boolean,
  },
] as const;

/** Measures with the SQL that says what they are. */
export const measures: readonly (BuildMeasure & { readonly sql: string })[] = [
  { column: 'rows', fn: 'count', type: type.bigint, sql: 'count(*)' },
  {
    column: 'many_rows',
    fn: 'count',
    filter: 'many',
    type: type.bigint,
    sql: 'count(*) FILTER (WHERE many)',
  },
  {
    column: 'amount_sum',
    fn: 'sum',
    arg: 'amount',
    type: numeric(38, 2),
    sql: 'sum(amount)::DECIMAL(38, 2)',
  },
  {
    column: 'amount_squares',
    fn: 'sum_squares',
    arg: 'amount',
    type: numeric(38, 4),
    sql: 'sum(amount * amount)::DECIMAL(38, 4)',
  },
  {
    column: 'product_sum',
    fn: 'sum',
    arg: 'product',
    filter: 'many',
    type: type.bigint,
    sql: 'sum(product) FILTER (WHERE many)::BIGINT',
  },
  { column: 'amount_min', fn: 'min', arg: 'amount', type: numeric(10, 2), sql: 'min(amount)' },
  { column: 'shop_max', fn: 'max', arg: 'shop', type: type.text, sql: 'max(shop)' },
  { column: 'weight_count', fn: 'count', arg: 'weight', type: type.bigint, sql: 'count(weight)' },
  { column: 'weight_sum', fn: 'sum', arg: 'weight', type: type.double, sql: 'sum(weight)' },
  {
    column: 'weight_m2',
    fn: 'm2',
    arg: 'weight',
    type: type.double,
    sql: 'var_pop(weight) * count(weight)',
  },
];

function rowsLayout(layout: string, dimensions: readonly string[], parent?: string): LayoutStep {
  return {
    layout,
    kind: 'rows',
    ...(parent === undefined ? {} : { parent }),
    dimensions,
    measures: measures.map(({ sql: _, ...measure }) => measure),
    sortColumns: dimensions,
    columns: [
      ...dimensions.map((name) => ({ name, type: typeOfFlat(name), role: 'dimension' as const })),
      ...measures.map((measure) => ({
        name: measure.column,
        type: measure.type,
        role: 'measure' as const,
      })),
    ],
  };
}

function distinctLayout(
  layout: string,
  dimensions: readonly string[],
  counted: { readonly arg: string; readonly dictionary?: string; readonly filter?: string },
  parent?: string,
): LayoutStep {
  return {
    layout,
    kind: 'distinct',
    ...(parent === undefined ? {} : { parent }),
    dimensions,
    measures: [{ column: 'bits', fn: 'distinct_bits', type: type.bigint, ...counted }],
    sortColumns: dimensions,
    columns: [
      ...dimensions.map((name) => ({ name, type: typeOfFlat(name), role: 'dimension' as const })),
      { name: 'bucket', type: type.bigint, role: 'bucket' },
      { name: 'bits', type: type.bigint, role: 'bits' },
    ],
  };
}

function typeOfFlat(name: string): DataType {
  return flat.find((candidate) => candidate.name === name)!.type;
}

const input = (alias: string, table: string, columns: Record<string, DataType>) => ({
  alias,
  source: 'test',
  table,
  columns: Object.entries(columns).map(([name, columnType]) => ({ name, type: columnType })),
});

/** Kinds of the two joins decide whether facts without a shop or a region are rows of the model. */
export function enginePlan(kind: 'left' | 'inner'): BuildPlan {
  return {
    cube: 'projects/test/cubes/sales',
    inputs: [
      input('f', 'sales', {
        day: type.date,
        shop: type.text,
        product: type.integer,
        amount: numeric(10, 2),
        quantity: type.integer,
        weight: type.double,
      }),
      input('shops', 'shops', { code: type.text, city: type.text, region: type.bigint }),
      input('regions', 'regions', { number: type.bigint, name: type.text }),
    ],
    joins: [
      { alias: 'shops', kind, keys: [{ parent: 'f', parentColumn: 'shop', column: 'code' }] },
      {
        alias: 'regions',
        kind,
        keys: [{ parent: 'shops', parentColumn: 'region', column: 'number' }],
      },
    ],
    segments,
    flat,
    dictionaries: [{ name: 'shop', column: 'shop', type: type.text }],
    layouts: [
      rowsLayout('base', ['day', 'city', 'region', 'product']),
      rowsLayout('by-city', ['city', 'region'], 'base'),
      rowsLayout('by-region', ['region'], 'by-city'),
      rowsLayout('total', [], 'by-region'),
      rowsLayout('by-shop', ['shop']),
      distinctLayout('products', ['city', 'region'], { arg: 'product' }),
      distinctLayout('products-by-region', ['region'], { arg: 'product' }, 'products'),
      distinctLayout('many-shops', ['region'], { arg: 'shop', dictionary: 'shop', filter: 'many' }),
    ],
  };
}

/** Tables sales, shops and regions, and a view `flat` that is what the flat relation should be. */
export async function openOracle(kind: 'left' | 'inner'): Promise<DuckDb> {
  const database = await DuckDb.open({ memoryLimitBytes: 256 << 20 });
  await database.execute(`CREATE TABLE sales AS ${factSql}; CREATE TABLE shops AS ${shopSql};
    CREATE TABLE regions AS ${regionSql};
    CREATE VIEW flat AS SELECT f.*, shops.city, regions.name AS region, f.quantity > 4 AS many
      FROM sales AS f ${kind} JOIN shops ON f.shop = shops.code ${kind} JOIN regions ON shops.region = regions.number`);
  return database;
}

/** The same tables as Parquet files in a folder, as inputs of a build. */
export async function nativeInputs(
  database: DuckDb,
  directory: string,
  plan: BuildPlan,
): Promise<Record<string, EngineInput>> {
  const inputs: Record<string, EngineInput> = {};
  for (const { alias, table, columns } of plan.inputs) {
    const path = join(directory, `${table}.parquet`);
    await database.execute(
      `COPY ${table} TO ${quoteText(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    );
    const fields = columns.map((field) => ({ ...field, nullable: true }));
    inputs[alias] = {
      kind: 'native',
      location: { format: 'parquet', paths: [path], columns: fields, options: {} },
    };
  }
  return inputs;
}

/** The same tables as streams of batches that may be opened again. */
export function streamInputs(database: DuckDb, plan: BuildPlan): Record<string, EngineInput> {
  const open = (table: string): EngineInput => ({
    kind: 'stream',
    open: (columns, signal) => {
      const wanted = plan.inputs.find((candidate) => candidate.table === table)!.columns;
      const schema = columns.map((name) => ({
        name,
        type: wanted.find((candidate) => candidate.name === name)!.type,
        nullable: true,
      }));
      const list = columns.map((name) => `"${name}"`).join(', ');
      return database.stream(`SELECT ${list} FROM ${table}`, [], { schema, signal });
    },
  });
  return Object.fromEntries(plan.inputs.map(({ alias, table }) => [alias, open(table)]));
}
