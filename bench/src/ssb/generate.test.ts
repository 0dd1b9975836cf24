import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateSsb } from './generate.ts';

/** Row counts and digests of scale factor 0.01, made once with a separately written reference generator. */
const reference = [
  { table: 'customer', key: 'c_custkey', rows: 300n, digest: '9f5d0b40849a886ff8ab44383ec476be' },
  { table: 'supplier', key: 's_suppkey', rows: 20n, digest: 'a6603cbcc3337babd36e6e798e365a59' },
  { table: 'part', key: 'p_partkey', rows: 2000n, digest: '90fc2693b8a7cb68188d81094b50cdeb' },
  { table: 'dates', key: 'd_datekey', rows: 2557n, digest: 'ff020b62f47d7422091e96fa92774a04' },
  {
    table: 'lineorder-*',
    key: 'lo_orderkey, lo_linenumber',
    rows: 60099n,
    digest: '8af7aebb7ce639482efc93903dbae16f',
  },
];

describe('the SSB generator', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tessera-ssb-'));
  beforeAll(() => generateSsb({ directory, scaleFactor: 0.01 }));
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each(reference)(
    'gives the reference rows of $table',
    async ({ table, key, rows, digest }) => {
      const connection = await (await DuckDBInstance.create()).connect();
      const result = await connection.runAndReadAll(
        `select count(*), md5(string_agg(t::varchar, '|' order by ${key})) from '${join(directory, `${table}.parquet`)}' t`,
      );
      expect(result.getRows()).toEqual([[rows, digest]]);
    },
  );
});
