import { tmpdir } from 'node:os';
import { TesseraError } from '@tessera/base';
import { batchFromRows, type DataType, rowsOf, type Schema, type Value } from '@tessera/columnar';
import type { SourceVersion } from '@tessera/cube';
import { externalCatalog, type OpenSource } from '@tessera/daemon';
import type { Connector, TableScan } from '@tessera/plugin';
import { bind, loadParser, parse } from '@tessera/sql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { queryDefaults } from '../config.ts';
import { SourceExecutor } from './source-executor.ts';
import { StatementDatabases } from './statement-databases.ts';

const schema: Schema = [
  { name: 'id', type: { kind: 'integer' }, nullable: true },
  { name: 'name', type: { kind: 'text' }, nullable: true },
  { name: 'unused', type: { kind: 'double' }, nullable: true },
];
const data: Value[][] = [
  [1, 'one', 1],
  [2, 'two', null],
  [3, null, 3],
  [4, 'four', 4],
];

let databases: StatementDatabases;
beforeAll(async () => {
  await loadParser();
  databases = await StatementDatabases.open({ ...queryDefaults, workDirectory: tmpdir() });
});
afterAll(() => databases[Symbol.asyncDispose]());

/** A connector without files: it filters nothing, and remembers what it was asked for. */
class RowsConnector implements Connector {
  readonly scans: TableScan[] = [];
  token = 'v1';
  /** Type of the ids in the batches, which the catalog calls integers. */
  idType: DataType = { kind: 'integer' };
  beforeBatch: () => Promise<void> | void = () => {};

  async catalog() {
    return [{ name: 'things', columns: schema, statistics: {} }];
  }

  async version(): Promise<SourceVersion> {
    return { known: true, token: this.token };
  }

  async plan(scan: TableScan) {
    this.scans.push(scan);
    const split = { table: scan.table, scan, payload: '' };
    const predicates = scan.predicates.map(() => 'unsupported' as const);
    return { predicates, aggregate: 'unsupported' as const, splits: [split] };
  }

  async *read({ scan }: { readonly scan: TableScan }) {
    await this.beforeBatch();
    const kept = scan.columns.map((name) => schema.findIndex((field) => field.name === name));
    const fields = kept.map((i) => (i === 0 ? { ...schema[0]!, type: this.idType } : schema[i]!));
    yield batchFromRows(
      fields,
      data.map((row) => kept.map((i) => row[i]!)),
    );
  }
}

async function run(
  connector: RowsConnector,
  sql: string,
  {
    signal = AbortSignal.timeout(10_000),
    maxRows = 100,
    parameters = [] as Value[],
    outlivedBy = (_work: Promise<unknown>): unknown => undefined,
    over = databases,
  } = {},
) {
  const source: OpenSource = {
    description: { name: 'rows', use: '', config: {}, baseDirectory: '', etag: '1' },
    connector,
    tables: await connector.catalog(),
  };
  const tables = externalCatalog([source]);
  const snapshot = {
    tables,
    sources: new Map([['rows', source]]),
    versions: new Map([['rows.things', { known: true, token: 'v1' }]]),
  } as unknown as CatalogSnapshot;
  const statement = bind(parse(sql), tables, { timeZone: 'UTC', now: 0n });
  const executor = new SourceExecutor(over, (opened, table, until) =>
    opened.connector.version(table, until),
  );
  const { query, schema: types } = statement;
  const request = { query, schema: types, inputs: new Map(), parameters, timeZone: 'UTC' };
  const limits = { maxRows, maxBytes: 1_000_000, outlivedBy };
  return rowsOf(await executor.run(request, snapshot, limits, signal));
}

describe('push-down through a connector without files', () => {
  test('asks for the columns and predicates that it needs, and filters itself', async () => {
    const connector = new RowsConnector();
    const rows = await run(connector, 'select name from things where id > $1 order by id', {
      parameters: [2],
    });
    expect(rows).toEqual([[null], ['four']]);
    const [scan] = connector.scans;
    expect(scan!.columns).toEqual(['id', 'name']);
    expect(scan!.predicates).toMatchObject([
      {
        fn: '>',
        args: [
          { relation: 'things', name: 'id' },
          { kind: 'literal', value: 2 },
        ],
      },
    ]);
  });

  test.each([
    'select a.id from things a left join things b on a.id = b.id and b.id > 3 where a.id = 1',
    'select a.id from things a where exists (select 1 from things b where b.id = a.id and b.id = 1)',
    'select count(*) from things a left join things b on a.id = b.id + 10 where b.id is null',
  ])('keeps the meaning of joins and subqueries: %s', async (sql) => {
    const rows = await run(new RowsConnector(), sql);
    expect(rows).toEqual(sql.includes('count') ? [[4n]] : [[1]]);
  });

  test('does not hand a predicate to the side that an outer join fills up', async () => {
    const connector = new RowsConnector();
    await run(
      connector,
      'select count(*) from things a left join things b on a.id = b.id where b.id is null',
    );
    expect(connector.scans.map(({ predicates }) => predicates)).toEqual([[], []]);
  });

  test('leaves no table behind, also after a failure', async () => {
    const sql = 'select 1 / (id - id) from things';
    await expect(run(new RowsConnector(), sql)).rejects.toMatchObject({
      reason: 'DIVISION_BY_ZERO',
    });
    const duckdb = await databases.of(false);
    expect(rowsOf(await duckdb.run('select count(*) from duckdb_tables()'))).toEqual([[0n]]);
  });

  test('ends with the signal when the connector hangs', async () => {
    const connector = new RowsConnector();
    const hanging = Promise.withResolvers<void>();
    const abort = new AbortController();
    connector.beforeBatch = () => {
      abort.abort(new TesseraError({ code: 4, reason: 'QUERY_TIMEOUT', message: 'late' }));
      return hanging.promise;
    };
    const running = run(connector, 'select * from things', { signal: abort.signal });
    await expect(running).rejects.toMatchObject({ reason: 'QUERY_TIMEOUT' });
    expect(await run(new RowsConnector(), 'select count(*) from things')).toEqual([[4n]]);
  });

  test('ends with the signal while DuckDB heeds no interrupt, and tells of what goes on', async () => {
    const inside = Promise.withResolvers<never>();
    const abort = new AbortController();
    const session = () => {
      abort.abort(new TesseraError({ code: 4, reason: 'QUERY_TIMEOUT', message: 'late' }));
      return inside.promise;
    };
    const busy = { of: async () => ({ session }) } as unknown as StatementDatabases;
    const works: Promise<unknown>[] = [];
    const running = run(new RowsConnector(), 'select id from things', {
      signal: abort.signal,
      outlivedBy: (work) => works.push(work),
      over: busy,
    });
    await expect(running).rejects.toMatchObject({ reason: 'QUERY_TIMEOUT' });
    expect(works).toEqual([inside.promise]);
  });

  test('a change while reading is an error', async () => {
    const connector = new RowsConnector();
    connector.beforeBatch = () => {
      connector.token = 'v2';
    };
    await expect(run(connector, 'select * from things')).rejects.toMatchObject({
      reason: 'SOURCE_CHANGED',
    });
  });

  test('values of another type than the statement was planned for are an error, never cast', async () => {
    const connector = new RowsConnector();
    connector.idType = { kind: 'double' };
    await expect(run(connector, 'select sum(id) from things')).rejects.toMatchObject({
      reason: 'SOURCE_CHANGED',
    });
    expect(await run(connector, 'select count(name) from things')).toEqual([[3n]]);
  });

  test('a connector that throws is the source being unavailable', async () => {
    const connector = new RowsConnector();
    connector.beforeBatch = () => {
      throw new Error('socket closed');
    };
    await expect(run(connector, 'select * from things')).rejects.toMatchObject({
      reason: 'SOURCE_UNAVAILABLE',
    });
  });

  test('stops at the limit of rows', async () => {
    const running = run(new RowsConnector(), 'select * from things', { maxRows: 3 });
    await expect(running).rejects.toMatchObject({ reason: 'RESULT_TOO_LARGE' });
  });
});
