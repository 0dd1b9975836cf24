import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import {
  colours,
  containers,
  dateRowsSql,
  marketSegments,
  nations,
  partTypes,
  priorities,
  regions,
  shipModes,
} from './words.ts';

/**
 * The Star Schema Benchmark (O'Neil, O'Neil, Chen: Star Schema Benchmark, Revision 3, 2009), with values drawn by
 * splitmix64 of (stream, row key): every row is a function of its key, so the data are the same on any machine and
 * in any chunking. Generated in SQL with 128-bit products, about half a million rows a second.
 *
 * Row counts: customer 30,000·SF, supplier 2,000·SF, part 200,000·⌊1 + log2 SF⌋ (below SF 1: 200,000·SF), 2,557
 * dates, 1,500,000·SF orders of 1 to 7 lines. Money is integer cents.
 */
export interface SsbFiles {
  readonly directory: string;
  readonly scaleFactor: number;
}

export interface SsbCounts {
  readonly customers: number;
  readonly suppliers: number;
  readonly parts: number;
  readonly orders: number;
}

export function ssbCounts(scaleFactor: number): SsbCounts {
  const scaled = (rows: number) => Math.max(1, Math.round(rows * scaleFactor));
  return {
    customers: scaled(30_000),
    suppliers: scaled(2_000),
    parts: scaleFactor >= 1 ? 200_000 * Math.floor(1 + Math.log2(scaleFactor)) : scaled(200_000),
    orders: scaled(1_500_000),
  };
}

/** Writes customer, supplier, part, dates and lineorder (in files of 1.5 million orders) as Parquet into `directory`. */
export async function generateSsb({ directory, scaleFactor }: SsbFiles): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    const counts = ssbCounts(scaleFactor);
    for (const macro of macros) await connection.run(macro);
    const copy = (table: string, query: string) =>
      connection.run(
        `copy (${query}) to '${join(directory, `${table}.parquet`)}' (format parquet, compression zstd, row_group_size 122880)`,
      );
    await copy('customer', customerSql(counts.customers));
    await copy('supplier', supplierSql(counts.suppliers));
    await copy('part', partSql(counts.parts));
    await copy('dates', dateRowsSql());
    await connection.run(
      `create table days as select row_number() over () - 1 as i, d_datekey from (${dateRowsSql()})`,
    );
    for (let first = 0, file = 0; first < counts.orders; first += ordersPerFile, file++) {
      const orders = { first, end: Math.min(counts.orders, first + ordersPerFile) };
      await copy(`lineorder-${String(file).padStart(3, '0')}`, lineorderSql(counts, orders));
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** Bounds the memory of a chunk; each becomes one file, `lineorder-000.parquet` and so on. */
const ordersPerFile = 1_500_000;

const mask = '18446744073709551615::uhugeint';
const product = (value: string, factor: string) =>
  `((${value}::uhugeint * ${BigInt(factor)}::uhugeint) & ${mask})::ubigint`;

/** splitmix64 (Steele, Lea, Flood 2014) of key·γ + stream·δ; `uniform` is an integer in [low, high]. */
const macros = [
  `create macro mix0(stream, key) as ((key::uhugeint * ${BigInt('0x9E3779B97F4A7C15')}::uhugeint + stream::uhugeint * ${BigInt('0xD1B54A32D192ED03')}::uhugeint) & ${mask})::ubigint`,
  `create macro mix1(z) as ${product('xor(z, z >> 30)', '0xBF58476D1CE4E5B9')}`,
  `create macro mix2(z) as ${product('xor(z, z >> 27)', '0x94D049BB133111EB')}`,
  'create macro mix3(z) as xor(z, z >> 31)',
  'create macro random64(stream, key) as mix3(mix2(mix1(mix0(stream, key))))',
  'create macro uniform(stream, key, low, high) as (((random64(stream, key) >> 11) % (high - low + 1)::ubigint)::bigint + low)',
];

const list = (words: readonly string[]) =>
  `[${words.map((word) => `'${word.replaceAll("'", "''")}'`).join(', ')}]`;
/** The word at a 0-based index. */
const word = (words: readonly string[], index: string) => `${list(words)}[(${index}) + 1]`;

function peopleSql(prefix: 'c' | 's', count: number, extra: string): string {
  const [title, key, stream] =
    prefix === 'c' ? ['Customer', 'c_custkey', 10] : ['Supplier', 's_suppkey', 20];
  const names = nations.map(([name]) => name);
  const regionOfNation = nations.map(([, region]) => regions[region]!);
  return `
    select k::integer as ${key},
      printf('${title}#%09d', k) as ${prefix}_name,
      lpad(lower(to_hex(random64(${stream + 3}, k) >> 8)), 15, '0') as ${prefix}_address,
      rpad(${word(names, 'nation')}[1:9], 9, ' ') || uniform(${stream + 2}, k, 0, 9) as ${prefix}_city,
      ${word(names, 'nation')} as ${prefix}_nation,
      ${word(regionOfNation, 'nation')} as ${prefix}_region,
      printf('%d-%03d-%03d-%04d', nation + 10, uniform(${stream + 4}, k, 100, 999), uniform(${stream + 5}, k, 100, 999), uniform(${stream + 6}, k, 1000, 9999)) as ${prefix}_phone
      ${extra}
    from (select k, uniform(${stream + 1}, k, 0, 24) as nation from range(1, ${count + 1}) as keys(k))
    order by k`;
}

function customerSql(count: number): string {
  return peopleSql('c', count, `, ${word(marketSegments, 'uniform(17, k, 0, 4)')} as c_mktsegment`);
}

function supplierSql(count: number): string {
  return peopleSql('s', count, '');
}

function partSql(count: number): string {
  return `
    select k::integer as p_partkey,
      ${word(colours, 'c1')} || ' ' || ${word(colours, `uniform(35, k, 0, ${colours.length - 1})`)} as p_name,
      'MFGR#' || m as p_mfgr,
      'MFGR#' || m || c as p_category,
      'MFGR#' || m || c || b as p_brand1,
      ${word(colours, 'c1')} as p_color,
      ${word(partTypes, 'uniform(36, k, 0, 149)')} as p_type,
      uniform(37, k, 1, 50)::integer as p_size,
      ${word(containers, 'uniform(38, k, 0, 39)')} as p_container
    from (select k, uniform(31, k, 1, 5) as m, uniform(32, k, 1, 5) as c, uniform(33, k, 1, 40) as b,
        uniform(34, k, 0, ${colours.length - 1}) as c1
      from range(1, ${count + 1}) as keys(k))
    order by k`;
}

function lineorderSql(
  { customers, suppliers, parts }: SsbCounts,
  orders: { readonly first: number; readonly end: number },
): string {
  return `
    with lines as (
      select o, unnest(range(1, uniform(51, o, 1, 7) + 1)) as ln from range(${orders.first}, ${orders.end}) as numbers(o)
    ), drawn as (
      select o, ln, uniform(52, o, 1, ${customers}) as ck, uniform(53, o, 0, 2556 - 151) as od,
        uniform(54, o * 8 + ln, 1, ${parts}) as pk, uniform(55, o * 8 + ln, 1, ${suppliers}) as sk,
        uniform(56, o * 8 + ln, 1, 50) as qty, uniform(57, o * 8 + ln, 0, 10) as disc,
        uniform(58, o * 8 + ln, 0, 8) as tax, uniform(60, o * 8 + ln, 30, 90) as commit_days,
        uniform(61, o * 8 + ln, 0, 6) as mode
      from lines
    ), priced as (
      select *, 90000 + (pk // 10) % 20001 + 100 * (pk % 1000) as price from drawn
    ), sold as (
      select *, qty * price as ext, qty * price * (100 - disc) // 100 as rev from priced
    )
    select (o // 8) * 32 + o % 8 + 1 as lo_orderkey,
      ln::integer as lo_linenumber,
      (case when ck % 3 <> 0 then ck when ck + 1 <= ${customers} then ck + 1 else ck - 1 end)::integer as lo_custkey,
      pk::integer as lo_partkey, sk::integer as lo_suppkey,
      ordered.d_datekey as lo_orderdate,
      ${word(priorities, 'uniform(59, o, 0, 4)')} as lo_orderpriority,
      0::integer as lo_shippriority,
      qty::integer as lo_quantity, ext::integer as lo_extendedprice,
      sum(rev * (100 + tax) // 100) over (partition by o)::integer as lo_ordtotalprice,
      disc::integer as lo_discount, rev::integer as lo_revenue, (6 * price // 10)::integer as lo_supplycost,
      tax::integer as lo_tax,
      committed.d_datekey as lo_commitdate,
      ${word(shipModes, 'mode')} as lo_shipmode
    from sold
      join days ordered on ordered.i = od
      join days committed on committed.i = least(od + commit_days, 2556)
    order by o, ln`;
}
