import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes the resources for the data of a folder into another one; tells the file. */
export function writeSsbResources(directory: string, data: string): string {
  const yaml = join(directory, 'ssb.yaml');
  writeFileSync(yaml, ssbResources(data));
  return yaml;
}

/**
 * Source, model and cube of the benchmark as a user would write them: yearly segments, and hand-picked cuboids
 * (each with the one measure its queries need), so that all 13 queries are answered from cuboids.
 */
export function ssbResources(directory: string): string {
  const table = (name: string, file: string) => `${name}: { path: "${directory}/${file}" }`;
  return `apiVersion: tessera/v1
kind: Source
name: ssb
use: "@tessera/connector-files"
config:
  tables:
    ${table('lineorder', 'lineorder-*.parquet')}
    ${table('customer', 'customer.parquet')}
    ${table('supplier', 'supplier.parquet')}
    ${table('part', 'part.parquet')}
    ${table('dates', 'dates.parquet')}
---
apiVersion: tessera/v1
kind: Model
name: ssb
fact: { source: ssb, table: lineorder, alias: lo }
joins:
  - { table: dates,    alias: d, on: lo.lo_orderdate = d.d_datekey, kind: left }
  - { table: customer, alias: c, on: lo.lo_custkey = c.c_custkey,   kind: left }
  - { table: supplier, alias: s, on: lo.lo_suppkey = s.s_suppkey,   kind: left }
  - { table: part,     alias: p, on: lo.lo_partkey = p.p_partkey,   kind: left }
partition: { column: lo.lo_orderdate, format: yyyyMMdd, grain: year }
dimensions:
  - { name: d_year,          column: d.d_year }
  - { name: d_yearmonthnum,  column: d.d_yearmonthnum }
  - { name: d_yearmonth,     column: d.d_yearmonth }
  - { name: d_weeknuminyear, column: d.d_weeknuminyear }
  - { name: lo_discount,     column: lo.lo_discount }
  - { name: lo_quantity,     column: lo.lo_quantity }
  - { name: p_mfgr,          column: p.p_mfgr }
  - { name: p_category,      column: p.p_category }
  - { name: p_brand1,        column: p.p_brand1 }
  - { name: s_region,        column: s.s_region }
  - { name: s_nation,        column: s.s_nation }
  - { name: s_city,          column: s.s_city }
  - { name: c_region,        column: c.c_region }
  - { name: c_nation,        column: c.c_nation }
  - { name: c_city,          column: c.c_city }
hierarchies:
  - [d_year, d_yearmonthnum]
  - [p_mfgr, p_category, p_brand1]
  - [s_region, s_nation, s_city]
  - [c_region, c_nation, c_city]
measures:
  - { name: discounted, aggregate: sum, column: lo.lo_extendedprice * lo.lo_discount }
  - { name: revenue,    aggregate: sum, column: lo.lo_revenue }
  - { name: profit,     aggregate: sum, column: lo.lo_revenue - lo.lo_supplycost }
---
apiVersion: tessera/v1
kind: Cube
name: ssb
model: ssb
groups:
${ssbCuboids.map(({ dimensions, measure }) => `  - { include: [${dimensions.join(', ')}], mandatory: [${dimensions.join(', ')}], measures: [${measure}] }`).join('\n')}
segments: { every: year }
`;
}

/** One per family of queries; together they answer all 13. */
export const ssbCuboids: readonly {
  readonly dimensions: readonly string[];
  readonly measure: string;
}[] = [
  {
    dimensions: ['d_year', 'd_yearmonthnum', 'd_weeknuminyear', 'lo_discount', 'lo_quantity'],
    measure: 'discounted',
  },
  { dimensions: ['s_region', 'p_category', 'p_brand1', 'd_year'], measure: 'revenue' },
  { dimensions: ['c_region', 's_region', 'c_nation', 's_nation', 'd_year'], measure: 'revenue' },
  { dimensions: ['c_nation', 's_nation', 'c_city', 's_city', 'd_year'], measure: 'revenue' },
  { dimensions: ['c_city', 's_city', 'd_yearmonth', 'd_year'], measure: 'revenue' },
  {
    dimensions: ['c_region', 's_region', 'p_mfgr', 'p_category', 's_nation', 'c_nation', 'd_year'],
    measure: 'profit',
  },
  {
    dimensions: ['p_category', 's_nation', 'c_region', 's_city', 'p_brand1', 'd_year'],
    measure: 'profit',
  },
];
