import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type ColumnBatch, type Value, valueAt } from '@tessera/columnar';
import { nativeScanSql } from '@tessera/duckdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FilesConnector, filesConfig, plugin } from './index.ts';

const signal = new AbortController().signal;
const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
let directory: string;
let open: FilesConnector[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'connector-files-'));
  open = [];
});
afterEach(async () => {
  for (const connector of open) await connector[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function connectorOf(tables: Record<string, unknown>): Promise<FilesConnector> {
  const connector = (await plugin.create({
    config: filesConfig.parse({ tables }),
    name: 'files',
    log,
    baseDirectory: directory,
    workDirectory: join(directory, 'work'),
  })) as FilesConnector;
  open.push(connector);
  return connector;
}

const file = (name: string, content: string | Uint8Array) =>
  writeFile(join(directory, name), content);

/** Rows through `plan` and `read`. */
async function rowsRead(connector: FilesConnector, table: string, columns?: readonly string[]) {
  const names = columns ?? (await columnsOf(connector, table)).map((column) => column.name);
  const scan = { table, columns: names, predicates: [] };
  const rows: Value[][] = [];
  for (const split of (await connector.plan(scan, signal)).splits) {
    for await (const batch of connector.read(split, signal)) rows.push(...rowsOfBatch(batch));
  }
  return rows;
}

const rowsOfBatch = (batch: ColumnBatch) =>
  Array.from({ length: batch.rowCount }, (_, row) =>
    batch.columns.map((column) => valueAt(column, row)),
  );

async function columnsOf(connector: FilesConnector, table: string) {
  const tables = await connector.catalog(signal);
  return tables.find((candidate) => candidate.name === table)!.columns;
}

async function rejectsOf(connector: FilesConnector, table: string) {
  const preview = await connector.preview(table, signal);
  return preview.rejectsFile === undefined ? '' : readFile(preview.rejectsFile, 'utf8');
}

describe('CSV files', () => {
  test('are read with quotes, line breaks in quotes, a byte order mark and CRLF', async () => {
    await file(
      't.csv',
      '\ufeffid,name,day\r\n1,"a ""b""\r\nc",2024-01-01\r\n2,,2024-01-02\r\n3,"",\r\n',
    );
    const connector = await connectorOf({ t: { path: 't.csv' } });
    expect((await columnsOf(connector, 't')).map(({ name, type }) => [name, type.kind])).toEqual([
      ['id', 'integer'],
      ['name', 'text'],
      ['day', 'date'],
    ]);
    expect(await rowsRead(connector, 't')).toEqual([
      [1, 'a "b"\r\nc', 19723],
      [2, null, 19724],
      [3, '', null],
    ]);
  });

  const broken = [
    'id,amount,day',
    '1,10,2024-01-01',
    'x,11,2024-01-02',
    '3,2.5,2024-01-03',
    '4,"5\n6",2024-01-04',
    '5,12',
    '6,13,2024-01-06,extra',
    '7,14,2024-02-30',
    '8,15,2024-01-08 10:00:00',
    '9,1_000,2024-01-09',
    '10,16,2024-01-10',
    '',
  ].join('\n');
  const types = { id: 'integer', amount: 'integer', day: 'date' };

  test('list what does not parse with line, column and reason, and count it', async () => {
    await file('t.csv', broken);
    const connector = await connectorOf({ t: { path: 't.csv', columns: types } });
    expect(await rowsRead(connector, 't')).toEqual([
      [1, 10, 19723],
      [10, 16, 19732],
    ]);
    expect((await connector.location('t', signal)).rejectedRows).toBe(8n);
    const lines = (await rejectsOf(connector, 't')).replaceAll(join(directory, 't.csv'), 'F');
    const listed = lines.split('\n').filter((line) => line.startsWith('F,'));
    expect(listed.map((line) => line.split(',').slice(0, 3).join(','))).toEqual([
      'F,3,id',
      'F,4,amount',
      'F,5,amount',
      'F,7,day',
      'F,8,',
      'F,9,day',
      'F,10,day',
      'F,11,amount',
    ]);
    expect(lines).toContain('""x"" is no integer');
  });

  test.each([[['id']], [['amount']], [['day']], [['day', 'id']], [[]]])(
    'give the same rows whatever columns are asked for: %j',
    async (columns) => {
      await file('t.csv', broken);
      const connector = await connectorOf({ t: { path: 't.csv', columns: types } });
      expect(await rowsRead(connector, 't', columns)).toHaveLength(2);
      const location = await connector.location('t', signal);
      const database = await DuckDBInstance.create(':memory:');
      const connection = await database.connect();
      const reader = await connection.runAndReadAll(nativeScanSql(location, columns));
      expect(reader.currentRowCount).toBe(2);
      connection.closeSync();
      database.closeSync();
    },
  );

  test('with an open quote lose only what it swallows, and say so', async () => {
    await file('t.csv', 'a,b\n1,x\n2,"open\n3,z\n');
    const connector = await connectorOf({ t: { path: 't.csv', columns: { a: 'integer' } } });
    expect(await rowsRead(connector, 't')).toEqual([[1, 'x']]);
    expect((await connector.location('t', signal)).rejectedRows).toBe(1n);
    expect(await rejectsOf(connector, 't')).toContain(',3,');
  });

  test('with broken UTF-8 reject the record that has it', async () => {
    await file(
      't.csv',
      Buffer.concat([Buffer.from('a,b\n1,x\n2,'), Buffer.from([255, 254]), Buffer.from('\n3,z\n')]),
    );
    const connector = await connectorOf({ t: { path: 't.csv' } });
    expect(await rowsRead(connector, 't')).toEqual([
      [1, 'x'],
      [3, 'z'],
    ]);
    expect((await connector.location('t', signal)).rejectedRows).toBe(1n);
  });

  test('follow a glob in order of their names, also when one is empty', async () => {
    await file('p-2.csv', 'a;b\n3;z\n');
    await file('p-1.csv', 'a;b\n1;x\n2;y\n');
    await file('p-0.csv', '');
    await file('other.csv', 'a;b\n9;q\n');
    const connector = await connectorOf({ t: { path: 'p-*.csv' } });
    expect(await rowsRead(connector, 't')).toEqual([
      [1n, 'x'],
      [2n, 'y'],
      [3n, 'z'],
    ]);
  });

  test('without a byte have the configured columns and no rows', async () => {
    await file('t.csv', '');
    const connector = await connectorOf({ t: { path: 't.csv', columns: { a: 'bigint' } } });
    expect(await rowsRead(connector, 't')).toEqual([]);
  });

  test('with a header only have no rows', async () => {
    await file('t.csv', 'a,b\n');
    const connector = await connectorOf({ t: { path: 't.csv', columns: { a: 'bigint' } } });
    expect(await rowsRead(connector, 't')).toEqual([]);
  });

  test('read dates, NULLs and decimals as configured', async () => {
    await file('t.csv', 'd|m\n31.12.2024|1.255\n-|-\n');
    const connector = await connectorOf({
      t: {
        path: 't.csv',
        delimiter: '|',
        nullText: '-',
        dateFormat: '%d.%m.%Y',
        columns: { d: 'date', m: 'numeric(10,3)' },
      },
    });
    expect(await rowsRead(connector, 't')).toEqual([
      [20088, 1255n],
      [null, null],
    ]);
  });

  test('say in a preview why each column has its type', async () => {
    await file('t.csv', 'zip,n\n00501,1\n10001,N/A\n');
    const connector = await connectorOf({ t: { path: 't.csv' } });
    const { columns } = await connector.preview('t', signal);
    expect(columns[0]!.why).toContain("leading zero of '00501'");
    expect(columns[1]!.why).toContain("'N/A' (row 2 of the sample) is no integer");
  });
});

describe('JSON files', () => {
  test('of lines reject what is no object or does not convert, with its line', async () => {
    await file(
      't.ndjson',
      '{"a":1,"b":"x"}\n{"a":"zz"}\nbroken{\n\n{"a":2.5}\n[1]\n{"b":null,"a":12345678901}\n{"a":7,"n":{"x":1}}\n',
    );
    const connector = await connectorOf({ t: { path: 't.ndjson', columns: { a: 'bigint' } } });
    expect(await rowsRead(connector, 't', ['a', 'b', 'n'])).toEqual([
      [1n, 'x', null],
      [12345678901n, null, null],
      [7n, null, '{"x":1}'],
    ]);
    const listed = (await rejectsOf(connector, 't')).trim().split('\n').slice(1);
    expect(listed.map((line) => line.split(',')[1])).toEqual(['2', '3', '5', '6']);
    expect((await connector.location('t', signal)).rejectedRows).toBe(4n);
  });

  test('of one array are read element by element', async () => {
    await file('t.json', '[{"a":1,"b":true},\n {"a":9007199254740993,"b":false},{"a":null}]');
    const connector = await connectorOf({ t: { path: 't.json' } });
    expect(await rowsRead(connector, 't')).toEqual([
      [1n, true],
      [9007199254740993n, false],
      [null, null],
    ]);
  });

  test('of one array that is cut off are refused', async () => {
    await file('t.json', '[{"a":1},\n {"a":2');
    const connector = await connectorOf({ t: { path: 't.json' } });
    await expect(connector.location('t', signal)).rejects.toMatchObject({
      reason: 'SOURCE_FILE_UNREADABLE',
    });
  });
});

describe('Parquet files', () => {
  const write = async (name: string, select: string) => {
    const database = await DuckDBInstance.create(':memory:');
    const connection = await database.connect();
    await connection.run(
      `SET TimeZone = 'UTC'; COPY (${select}) TO '${join(directory, name)}' (FORMAT parquet)`,
    );
    connection.closeSync();
    database.closeSync();
  };

  test('map stored types to ours, widening what has no sign', async () => {
    await write(
      't.parquet',
      `SELECT 200::UTINYINT u1, 60000::USMALLINT u2, 4000000000::UINTEGER u4, 18446744073709551615::UBIGINT u8,
       -1::TINYINT i1, 1.50::DECIMAL(9,2) d, TIMESTAMP_NS '2024-01-01 00:00:00.123456789' ns,
       TIMESTAMPTZ '2024-01-01 00:00:00+00' tz, DATE '1969-12-31' AS "day", true AS b, 1.5::FLOAT f, 'x' t`,
    );
    const connector = await connectorOf({ t: { path: 't.parquet' } });
    const columns = await columnsOf(connector, 't');
    expect(columns.map(({ name, type }) => `${name} ${type.kind}`)).toEqual([
      'u1 smallint',
      'u2 integer',
      'u4 bigint',
      'u8 numeric',
      'i1 smallint',
      'd numeric',
      'ns timestamp',
      'tz timestamptz',
      'day date',
      'b boolean',
      'f real',
      't text',
    ]);
    expect(await rowsRead(connector, 't')).toEqual([
      [
        200,
        60000,
        4000000000n,
        18446744073709551615n,
        -1,
        150n,
        1704067200123456n,
        1704067200000000n,
        -1,
        true,
        1.5,
        'x',
      ],
    ]);
  });

  test('that are cut off are refused with their path', async () => {
    await write('t.parquet', 'SELECT range AS i FROM range(10000)');
    const whole = await readFile(join(directory, 't.parquet'));
    await file('t.parquet', whole.subarray(0, whole.length - 100));
    const connector = await connectorOf({ t: { path: 't.parquet' } });
    await expect(connector.catalog(signal)).rejects.toMatchObject({ reason: 'CATALOG_UNREADABLE' });
    await expect(connector.location('t', signal)).rejects.toMatchObject({
      reason: 'SOURCE_FILE_UNREADABLE',
      metadata: { path: join(directory, 't.parquet') },
    });
  });

  test('that vanish between planning and reading are missing', async () => {
    await write('t.parquet', 'SELECT 1 AS i');
    const connector = await connectorOf({ t: { path: 't.parquet' } });
    const scan = { table: 't', columns: ['i'], predicates: [] };
    const [split] = (await connector.plan(scan, signal)).splits;
    await rm(join(directory, 't.parquet'));
    const reading = Array.fromAsync(connector.read(split!, signal));
    await expect(reading).rejects.toMatchObject({ reason: 'SOURCE_FILE_MISSING' });
  });

  test('stop reading when cancelled', async () => {
    await write('t.parquet', 'SELECT range AS i FROM range(3000000)');
    const connector = await connectorOf({ t: { path: 't.parquet' } });
    const scan = { table: 't', columns: ['i'], predicates: [] };
    const [split] = (await connector.plan(scan, signal)).splits;
    const abort = new AbortController();
    let batches = 0;
    const reading = (async () => {
      for await (const _ of connector.read(split!, abort.signal))
        if (++batches === 2) abort.abort();
    })();
    await expect(reading).rejects.toMatchObject({ reason: 'READ_CANCELLED' });
    expect(batches).toBe(2);
  });
});

describe('versions', () => {
  test('change with the content and stay without a change', async () => {
    await file('t.csv', 'a\n1\n');
    const connector = await connectorOf({ t: { path: 't.csv' } });
    const first = await connector.version('t', signal);
    expect(await connector.version('t', signal)).toEqual(first);
    await appendFile(join(directory, 't.csv'), '2\n');
    expect(await connector.version('t', signal)).not.toEqual(first);
    expect(await rowsRead(connector, 't')).toEqual([[1], [2]]);
  });
});

describe('configuration', () => {
  test.each([
    [{ tables: { t: { path: '' } } }, 'must name a file'],
    [{ tables: { t: { path: 'x.csv', columns: { a: 'intt' } } } }, 'unknown type "intt"'],
    [{ tables: { t: { path: 'x.csv', delimiter: '||' } } }, 'exactly one character'],
    [{ tables: { t: { path: 'x.csv', delimeter: ',' } } }, 'delimeter'],
  ])('refuses %j', (config, message) => {
    const result = filesConfig.safeParse(config);
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error?.issues)).toContain(JSON.stringify(message).slice(1, -1));
  });

  test.each([
    { tables: { t: { path: 'nothing.csv' } }, reason: 'SOURCE_FILE_MISSING' },
    { tables: { t: { path: 'none-*.csv' } }, reason: 'SOURCE_FILE_MISSING' },
    { tables: { t: { path: 'odd.xyz' } }, reason: 'SOURCE_FORMAT_UNKNOWN' },
    { tables: { u: { path: 'nothing.csv' } }, reason: 'TABLE_NOT_FOUND' },
  ])('$reason for $tables', async ({ tables, reason }) => {
    const connector = await connectorOf(tables);
    await expect(connector.location('t', signal)).rejects.toMatchObject({ reason });
  });

  test('refuses types for columns that are not there, naming the nearest', async () => {
    await file('t.csv', 'amount\n1\n');
    const connector = await connectorOf({ t: { path: 't.csv', columns: { amout: 'integer' } } });
    await expect(connector.location('t', signal)).rejects.toMatchObject({
      reason: 'COLUMN_NOT_FOUND',
      message: expect.stringContaining('did you mean amount?'),
    });
  });
});
