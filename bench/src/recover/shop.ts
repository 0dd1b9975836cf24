import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyResources, readResources } from '@tessera/cli';
import { query, type TesseraClient, wait } from '@tessera/client';
import { rowsOf } from '@tessera/columnar';
import { DuckDb, quoteText } from '@tessera/duckdb';
import { scheduler } from '@tessera/proto';

export const cube = 'projects/default/cubes/sales';
const question =
  'select channel, count(*), sum(amount) from sales group by channel order by channel';
const months = 12;
/** So that a build goes on for some seconds. */
const rowsOfMonth = 100_000;
const askTimeoutMs = 1_000;

const resources = `apiVersion: tessera/v1
kind: Source
name: shop
use: "@tessera/connector-files"
config:
  tables:
    sales: { path: sales.parquet }
---
apiVersion: tessera/v1
kind: Model
name: sales
fact: { source: shop, table: sales, alias: s }
partition: { column: s.day, grain: month }
dimensions:
  - { name: day, column: s.day }
  - { name: channel, column: s.channel }
  - { name: item, column: s.item }
measures:
  - { name: sales, aggregate: count }
  - { name: amount, aggregate: sum, column: s.amount }
---
apiVersion: tessera/v1
kind: Cube
name: sales
model: sales
cuboids: [[day, channel], [day, channel, item], [channel]]
segments: { every: month }
`;

/** A shop whose cube is built, and the one right answer to the question that everybody asks of it. */
export interface Shop {
  /** True: the cuboids gave the right answer. @throws what the question fails with */
  answers(queries: TesseraClient['queries']): Promise<boolean>;
}

/** Writes the data, applies the model and builds. */
export async function openShop(folder: string, client: TesseraClient): Promise<Shop> {
  mkdirSync(folder);
  const sales = join(folder, 'sales.parquet');
  const wanted = await writeSales(sales);
  const file = join(folder, 'sales.yaml');
  writeFileSync(file, resources);
  await applyResources(client, readResources([file]), {
    project: 'default',
    baseDirectory: folder,
  });
  const operation = await client.builds.buildSegments({ cube });
  await wait(client.operations, operation, { response: scheduler.BuildSegmentsResponse });
  return {
    answers: async (queries) => {
      const options = { useCuboids: 'always', signal: AbortSignal.timeout(askTimeoutMs) } as const;
      const { rows } = await query(queries, question, options);
      return text(rows) === wanted;
    },
  };
}

/** @returns what DuckDB answers on the file */
async function writeSales(file: string): Promise<string> {
  await using db = await DuckDb.open({ threads: 1 });
  const day = `DATE '2024-01-01' + to_months((range % ${months})::INTEGER) + to_days((range * 7 % 28)::INTEGER)`;
  await db.execute(`COPY (
    SELECT (${day})::DATE AS day, ['web', 'shop', 'phone'][1 + range % 3] AS channel,
           (range * 7919 % 1000)::INTEGER AS item, (range * 37 % 101)::INTEGER AS amount
    FROM range(${months * rowsOfMonth})
  ) TO ${quoteText(file)} (FORMAT parquet)`);
  return text(rowsOf(await db.run(question.replace('from sales', `from ${quoteText(file)}`))));
}

function text(rows: readonly (readonly unknown[])[]): string {
  return rows.map((row) => row.map(String).join('|')).join('\n');
}
