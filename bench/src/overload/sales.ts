import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyResources, readResources } from '@tessera/cli';
import { connect, wait } from '@tessera/client';
import { DuckDb, quoteText } from '@tessera/duckdb';
import { scheduler } from '@tessera/proto';

const resources = `apiVersion: tessera/v1
kind: Source
name: shop
use: "@tessera/connector-files"
config: { tables: { sales: { path: sales.parquet }, shops: { path: shops.parquet } } }
---
apiVersion: tessera/v1
kind: Model
name: sales
fact: { source: shop, table: sales, alias: s }
partition: { column: s.day, grain: month }
dimensions:
  - { name: day, column: s.day }
  - { name: channel, column: s.channel }
measures:
  - { name: sales, aggregate: count }
  - { name: amount, aggregate: sum, column: s.amount }
---
apiVersion: tessera/v1
kind: Cube
name: sales
model: sales
cuboids: [[day, channel]]
segments: { every: month }
`;

/** Facts of a quarter: answered by days and channels from cuboids, by customers from the source alone. */
export async function writeSales(folder: string, rows: number): Promise<void> {
  writeFileSync(join(folder, 'sales.yaml'), resources);
  await using duckdb = await DuckDb.open();
  await duckdb.execute(`COPY (
    SELECT date '2024-01-01' + (i % 90)::INTEGER AS day, 'channel ' || (i % 20) AS channel,
      (hash(i) % 200000)::INTEGER AS customer, (i * 37 % 1000)::INTEGER AS amount
    FROM range(${rows}) AS numbers(i)
  ) TO ${quoteText(join(folder, 'sales.parquet'))} (FORMAT parquet)`);
  await duckdb.execute(`COPY (
    SELECT i AS shop, 'town ' || (i % 50) AS town FROM range(1000) AS numbers(i)
  ) TO ${quoteText(join(folder, 'shops.parquet'))} (FORMAT parquet)`);
}

export async function buildSales(address: string, folder: string): Promise<void> {
  using client = connect(address);
  const where = { project: 'default', baseDirectory: folder };
  await applyResources(client, readResources([join(folder, 'sales.yaml')]), where);
  const operation = await client.builds.buildSegments({ cube: 'projects/default/cubes/sales' });
  await wait(client.operations, operation, { response: scheduler.BuildSegmentsResponse });
}

/** One of many that cuboids answer in about a millisecond. */
export function smallStatement(random: number): string {
  const day = String(1 + Math.floor(random * 28)).padStart(2, '0');
  return `select channel, sum(amount) from sales where day >= date '2024-02-${day}' group by 1`;
}

/** One of a few milliseconds that no cuboid answers: DuckDB reads a small table of the source. */
export function smallSourceStatement(random: number): string {
  return `select town, count(*) from shops where shop > ${Math.floor(random * 500)} group by 1 order by 1`;
}

/** One that reads all facts from their source. */
export const heavyStatement =
  'select customer, count(*), sum(amount) from sales group by 1 order by 3 desc, 1 limit 10';
