import { DuckDBInstance } from '@duckdb/node-api';
import { bind, bindExpression, loadParser, parse, type TableDefinition } from '@tessera/sql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { duckdbFailure } from './errors.ts';
import { printExpr, printStatement, sessionSettings } from './print.ts';
import { quoteName } from './quote.ts';

/** Answers against a real PostgreSQL are in sdk/testkit/src/postgres; here is what needs none. */
const orders: TableDefinition = {
  name: { source: 'shop', table: 'or"ders' },
  columns: [
    { name: 'id', type: { kind: 'integer' }, nullable: false },
    { name: 'pr"ice', type: { kind: 'numeric', precision: 10, scale: 2 }, nullable: true },
  ],
};
const names: TableDefinition = {
  name: { source: 'shop', table: 'names' },
  columns: [{ name: 'name', type: { kind: 'text' }, nullable: true }],
};
const catalog = {
  find: (name: string) => [orders, names].find((held) => held.name.table === name),
  tables: () => [orders.name, names.name],
};

let database: DuckDBInstance;
let connection: Awaited<ReturnType<DuckDBInstance['connect']>>;

beforeAll(async () => {
  await loadParser();
  database = await DuckDBInstance.create(':memory:');
  connection = await database.connect();
  for (const sql of sessionSettings()) await connection.run(sql);
  await connection.run(`create table "or""ders" (id integer, "pr""ice" decimal(10, 2))`);
  await connection.run(`insert into "or""ders" values (1, 1.50), (2, 2.25), (0, null)`);
});
afterAll(() => connection.closeSync());

function printed(sql: string): string {
  const statement = bind(parse(sql), catalog, { timeZone: 'UTC', now: 0n });
  return printStatement(statement, {
    relation: (leaf) => (leaf.kind === 'table' ? quoteName(leaf.table.table) : ''),
  });
}

async function run(sql: string, parameters: readonly (number | string)[] = []) {
  const reader = await connection.runAndReadAll(printed(sql), [...parameters]);
  return {
    types: reader.columnTypes().map(String),
    names: reader.columnNames(),
    rows: reader.getRowsJson(),
  };
}

test('columns have the types of the schema, whatever DuckDB computes with', async () => {
  const sql =
    'select count(*) as n, sum(id) as s, avg("pr""ice") as a, id / 2 as h, extract(year from current_date) as y from "or""ders" group by id, h limit 1';
  expect((await run(sql)).types).toEqual([
    'BIGINT',
    'BIGINT',
    'DECIMAL(38,20)',
    'INTEGER',
    'DECIMAL(38,0)',
  ]);
});

test('any name is quoted, and duplicate output names stay', async () => {
  const result = await run(
    'select id, id, "pr""ice" as "a ""b" from "or""ders" as "x ""y" where id = 1',
  );
  expect(result.names).toEqual(['id', 'id', 'a "b']);
  expect(result.rows).toEqual([[1, 1, '1.50']]);
});

test('a key is found again with its operands in another order', async () => {
  const result = await run('select id + 1, count(*) from "or""ders" group by 1 + id order by 1');
  expect(result.rows).toEqual([1, 2, 3].map((id) => [id, '1']));
});

test('parameters are bound by number and cast', async () => {
  const result = await run('select id + $2 from "or""ders" where "pr""ice" > $1 order by 1', [
    '1.75',
    10,
  ]);
  expect(result.rows).toEqual([[12]]);
});

describe('failures have reasons', () => {
  test.each([
    ['select 1 / id from "or""ders"', 'DIVISION_BY_ZERO'],
    ['select "pr""ice" / (id - id) from "or""ders" where id > 0', 'DIVISION_BY_ZERO'],
    ['select 1 % (id - 1) from "or""ders" where id = 1', 'DIVISION_BY_ZERO'],
    ['select 2147483647 + id from "or""ders"', 'NUMERIC_OUT_OF_RANGE'],
    [
      `select timestamp '2024-01-01' + id * interval '300000 years' from "or""ders"`,
      'NUMERIC_OUT_OF_RANGE',
    ],
    [`select now() + id * interval '300000 years' from "or""ders"`, 'NUMERIC_OUT_OF_RANGE'],
    [`select date '2024-01-01' + id * 2147483647 from "or""ders"`, 'NUMERIC_OUT_OF_RANGE'],
    ['select substring(\'abc\', id, -id) from "or""ders" where id = 1', 'NUMERIC_OUT_OF_RANGE'],
  ])('%s: %s', async (sql, reason) => {
    const error = await run(sql).catch(duckdbFailure);
    expect(error).toMatchObject({ reason });
  });

  test('exact arithmetic nested so deep that planning would take seconds', () => {
    const sql = `select "pr""ice"${' / "pr""ice"'.repeat(60)} from "or""ders"`;
    expect(() => printed(sql)).toThrowError(expect.objectContaining({ reason: 'SQL_TOO_COMPLEX' }));
  });
});

describe('texts that constants make too long', () => {
  test.each([
    "select lpad('x', 2000000000)",
    'select length(rpad("name", 1000000000 + 7)) from "names"',
    "select repeat('abc', 10000000)",
    "select repeat(repeat('x', 5000), 5000)",
    'select repeat("name", 20000000) from "names"',
    "select upper(lpad('x', 10000000)) || rpad('x', 10000000)",
    "select concat(lpad('x', 10000000), 1, lpad('x', 10000000))",
  ])('%s is refused before DuckDB sees it', (sql) => {
    expect(() => printed(sql)).toThrowError(expect.objectContaining({ reason: 'TEXT_TOO_LONG' }));
  });

  test.each([
    ["select length(lpad('x', 1000000))", 1_000_000],
    ["select length(repeat('', 2000000000))", 0],
    ["select length(lpad('x', -2000000000))", 0],
    ['select length(lpad(\'x\', id * 1000)) from "or""ders" where id = 2', 2000],
  ])('%s is not', async (sql, length) => {
    expect((await run(sql)).rows).toEqual([[length]]);
  });
});

test('texts grow with the statement, not with each nesting', () => {
  const nested = (depth: number) =>
    `select ${'1 / ('.repeat(depth)}id${')'.repeat(depth)} from "or""ders"`;
  expect(printed(nested(80)).length).toBeLessThan(printed(nested(40)).length * 2.5);
});

test('a model expression is printed with the names that its place gives to columns', () => {
  const expr = bindExpression('f.delay + 1 > 15', [
    { alias: 'f', columns: [{ name: 'delay', type: { kind: 'integer' } }] },
  ]);
  expect(printExpr(expr, (relation, name) => `"${relation}_${name}"`)).toBe(
    `(("f_delay" + '1'::INTEGER) > '15'::INTEGER)`,
  );
});

test('subqueries nested in HAVING and GROUP BY are printed once', () => {
  const having = (depth: number): string =>
    depth === 0
      ? '1'
      : `(select count(*) from "or""ders" having avg("pr""ice") / 3 > ${having(depth - 1)})`;
  const groups = (depth: number): string =>
    depth === 0 ? 'id' : `(select 1 from "or""ders" group by ${groups(depth - 1)} limit 1)`;
  expect(printed(`select ${having(30)}`).length).toBeLessThan(200_000);
  expect(printed(`select count(*) from "or""ders" group by ${groups(30)}`).length).toBeLessThan(
    200_000,
  );
});
