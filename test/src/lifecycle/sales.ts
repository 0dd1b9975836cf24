import { appendFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CuboidUse, query, type TesseraClient } from '@tessera/client';
import { rowsOf, type Value } from '@tessera/columnar';
import { DuckDb, quoteText } from '@tessera/duckdb';

export const cube = 'projects/default/cubes/sales';

/** What differs from one test to the next of the small shop that they build cubes of. */
export interface SalesOptions {
  readonly freshness?: 'strict' | 'built';
  readonly cuboids?: string;
  /** YAML of the cube's `planner`, which then chooses its cuboids. */
  readonly planner?: string;
  /** YAML of the cube's `segments`. */
  readonly segments?: string;
  readonly measures?: string;
}

/** Sales of several months, some without a date or item, and the items that they join. */
export function writeSales(folder: string, months = 3): void {
  writeFileSync(join(folder, 'items.csv'), itemLines().join('\n'));
  const rows = Array.from({ length: months }, (_, month) => monthLines(month + 1)).flat();
  writeFileSync(
    join(folder, 'sales.csv'),
    ['day,channel,item,amount', ...rows, ',web,1,7', ',,2,9', ''].join('\n'),
  );
}

/** Rows of one month of 2024. */
export function monthLines(month: number, times = 1): string[] {
  return Array.from({ length: 40 * times }, (_, i) => {
    const day = `2024-${String(month).padStart(2, '0')}-${String((i % 28) + 1).padStart(2, '0')}`;
    return `${day},${['web', 'shop', ''][i % 3]},${(i * 7) % 12},${(i * 37 + month) % 101}`;
  });
}

export function appendSales(folder: string, lines: readonly string[]): void {
  appendFileSync(join(folder, 'sales.csv'), `${lines.join('\n')}\n`);
}

function itemLines(): string[] {
  const items = Array.from({ length: 10 }, (_, i) => `${i},item ${i},group ${i % 3}`);
  return ['id,name,family', ...items, ''];
}

/** Source, model and cube, as one YAML file in the folder. Returns its path. */
export function writeModel(folder: string, options: SalesOptions = {}): string {
  const file = join(folder, 'sales.yaml');
  writeFileSync(file, salesYaml(options));
  return file;
}

export function salesYaml(options: SalesOptions = {}): string {
  const {
    freshness = 'strict',
    cuboids = '[[day, channel], [day, item, family], []]',
    segments = '{ every: month }',
    measures = '',
    planner,
  } = options;
  return `apiVersion: tessera/v1
kind: Source
name: shop
use: "@tessera/connector-files"
config:
  tables:
    sales: { path: sales.csv, columns: { day: date, channel: text, item: integer, amount: integer } }
    items: { path: items.csv, columns: { id: integer, name: text, family: text } }
---
apiVersion: tessera/v1
kind: Model
name: sales
freshness: ${freshness}
fact: { source: shop, table: sales, alias: s }
joins:
  - { table: items, alias: i, on: s.item = i.id, kind: left }
partition: { column: s.day, grain: month }
dimensions:
  - { name: day, column: s.day }
  - { name: channel, column: s.channel }
  - { name: item, column: s.item }
  - { name: family, column: i.family }
measures:
  - { name: sales, aggregate: count }
  - { name: amount, aggregate: sum, column: s.amount }
  - { name: items, aggregate: count_distinct, column: s.item, precision: exact }
${measures}
---
apiVersion: tessera/v1
kind: Cube
name: sales
model: sales
${planner === undefined ? `cuboids: ${cuboids}` : `planner: ${planner}`}
segments: ${segments}
`;
}

/** Questions that the cuboids answer, in a form that Tessera and DuckDB both read. */
export const questions: readonly string[] = [
  'select count(*), sum(amount), count(distinct item) from sales',
  'select channel, count(*), sum(amount) from sales group by channel order by channel nulls last',
  "select day, count(*) from sales where day >= date '2024-02-01' and day < date '2024-03-01' group by day order by day",
  'select i.family, count(*), sum(s.amount) from sales s left join items i on s.item = i.id group by 1 order by 1 nulls last',
];

export interface Answer {
  readonly rows: string[];
  readonly plan: string;
}

export async function ask(
  client: TesseraClient,
  sql: string,
  useCuboids: CuboidUse = 'auto',
): Promise<Answer> {
  const options = { useCuboids };
  const { rows, summary } = await query(client.queries, sql, options);
  return { rows: shown(rows), plan: summary.planKind };
}

/** The answers of Tessera, with how each was planned. */
export async function answers(client: TesseraClient, use: CuboidUse = 'auto'): Promise<Answer[]> {
  const found: Answer[] = [];
  for (const sql of questions) found.push(await ask(client, sql, use));
  return found;
}

/** What DuckDB, which knows nothing of Tessera, answers on the files. */
export async function expected(folder: string): Promise<string[][]> {
  await using db = await DuckDb.open({ threads: 1 });
  for (const table of ['sales', 'items']) {
    const file = quoteText(join(folder, `${table}.csv`));
    const read = `read_csv(${file}, header = true, nullstr = '')`;
    await db.execute(`create table ${table} as from ${read}`);
  }
  const found: string[][] = [];
  for (const sql of questions) found.push(shown(rowsOf(await db.run(sql))));
  return found;
}

function shown(rows: readonly (readonly Value[])[]): string[] {
  return rows.map((row) => row.map((value) => (value === null ? 'NULL' : String(value))).join('|'));
}

/** Files below a folder of the data directory, relative to it, ascending. */
export function filesBelow(folder: string): string[] {
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => statSync(join(folder, name)).isFile())
    .sort();
}
