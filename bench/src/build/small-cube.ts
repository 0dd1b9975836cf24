import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * A cube of few rows in many files, as beginners make them: all cuboids of up to three of six dimensions, each with a
 * companion for its distinct count, in monthly segments. What it costs is the cost of a file.
 */
export const smallCube = 'projects/default/cubes/small';

const dimensions = ['colour', 'size', 'shop', 'staff', 'channel', 'weekday'] as const;
const rowCount = 20_000;

/** Writes the facts and the resources into a folder; gives the path of the resources. */
export async function writeSmallCube(directory: string): Promise<string> {
  const columns = dimensions.map(
    (name, i) => `'${name} ' || (i * ${7 + 2 * i} % ${4 + i}) AS ${name}`,
  );
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(
      `copy (select date '2025-01-01' + (i % 365)::integer as day, ${columns.join(', ')}, i % 997 as customer, i % 100 as amount
        from range(${rowCount}) as t(i)) to '${join(directory, 'sales.parquet')}' (format parquet)`,
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
  const yaml = join(directory, 'small.yaml');
  writeFileSync(yaml, resources(directory));
  return yaml;
}

const resources = (directory: string) => `apiVersion: tessera/v1
kind: Source
name: small
use: "@tessera/connector-files"
config: { tables: { sales: { path: "${directory}/sales.parquet" } } }
---
apiVersion: tessera/v1
kind: Model
name: small
fact: { source: small, table: sales, alias: s }
partition: { column: s.day, grain: month }
dimensions:
${dimensions.map((name) => `  - { name: ${name}, column: s.${name} }`).join('\n')}
measures:
  - { name: amount,    aggregate: sum, column: s.amount }
  - { name: customers, aggregate: count_distinct, column: s.customer, precision: exact }
---
apiVersion: tessera/v1
kind: Cube
name: small
model: small
groups:
  - { include: [${dimensions.join(', ')}], maxDimensions: 3 }
segments: { every: month }
`;
