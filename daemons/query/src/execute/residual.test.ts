import { isTesseraError } from '@tessera/base';
import {
  batchFromRows,
  type ColumnBatch,
  rowsOf,
  type Schema,
  type Value,
} from '@tessera/columnar';
import { DuckDb, printQuery, quoteName, sessionSettings } from '@tessera/duckdb';
import { type BindCatalog, bind, loadParser, parse, type Query, type Relation } from '@tessera/sql';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileResidual } from './residual.ts';

/**
 * Residuals run in JavaScript and in DuckDB must agree: rows, types, order, and which errors. Statements are drawn from
 * a grammar, bound as users' statements are, and their table is then taken for a matched relation.
 */
const schema: Schema = [
  { name: 'i', type: { kind: 'integer' }, nullable: true },
  { name: 'l', type: { kind: 'bigint' }, nullable: true },
  { name: 'm', type: { kind: 'numeric', precision: 12, scale: 2 }, nullable: true },
  { name: 's', type: { kind: 'numeric', scale: 0 }, nullable: true },
  { name: 'f', type: { kind: 'double' }, nullable: true },
  { name: 't', type: { kind: 'text' }, nullable: true },
  { name: 'd', type: { kind: 'date' }, nullable: true },
  { name: 'b', type: { kind: 'boolean' }, nullable: true },
];
const catalog: BindCatalog = {
  find: (table) =>
    table === 'x' ? { name: { source: 'src', table: 'x' }, columns: schema } : undefined,
  tables: () => [{ source: 'src', table: 'x' }],
};

let duckdb: DuckDb;
beforeAll(async () => {
  await loadParser();
  duckdb = await DuckDb.open({ onConnect: sessionSettings(), threads: 1 });
});
afterAll(() => duckdb[Symbol.asyncDispose]());

const value: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  i: fc.oneof(fc.integer({ min: -5, max: 5 }), fc.integer({ min: -2147483648, max: 2147483647 })),
  l: fc.oneof(fc.bigInt(-9n, 9n), fc.bigInt(-(2n ** 62n), 2n ** 62n)),
  m: fc.oneof(fc.bigInt(-500n, 500n), fc.bigInt(-999_999_999_999n, 999_999_999_999n)),
  s: fc.oneof(fc.bigInt(-9n, 9n), fc.bigInt(-(10n ** 13n), 10n ** 13n)),
  f: fc.oneof(fc.integer({ min: -9, max: 9 }), fc.double({ noNaN: true, min: -1e9, max: 1e9 })),
  t: fc.oneof(fc.constantFrom('', 'a', 'B', 'ä', 'z', '\u{1F600}', '\uFFEE'), fc.string()),
  d: fc.integer({ min: -20_000, max: 30_000 }),
  b: fc.boolean(),
};
const rows = fc.array(
  fc.tuple(...schema.map(({ name }) => fc.option(value[name]!, { nil: null, freq: 4 }))),
  { maxLength: 12 },
);

const { number, condition, text } = fc.letrec<{ number: string; condition: string; text: string }>(
  (tie) => ({
    number: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('i', 'l', 'm', 's', '1', '2', '0', '-3', '2.5', '0.001', '100'),
      fc
        .tuple(tie('number'), fc.constantFrom('+', '-', '*', '/'), tie('number'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      tie('number').map((a) => `(- ${a})`),
      tie('number').map((a) => `abs(${a})`),
      fc
        .tuple(fc.constantFrom('round', 'trunc', 'floor', 'ceil', 'sign'), tie('number'))
        .map(([fn, a]) => `${fn}((${a})::numeric)`),
      fc
        .tuple(fc.constantFrom('round', 'trunc'), tie('number'), fc.nat(22))
        .map(([fn, a, digits]) => `${fn}((${a})::numeric, ${digits})`),
      tie('number').map((a) => `cast(${a} as numeric(20,3))`),
      tie('number').map((a) => `cast(${a} as integer)`),
      tie('number').map((a) => `cast(${a} as bigint)`),
      fc.tuple(tie('number'), tie('number')).map(([a, b]) => `coalesce(${a}, ${b})`),
      fc.tuple(tie('number'), tie('number')).map(([a, b]) => `nullif(${a}, ${b})`),
      fc.tuple(tie('number'), tie('number')).map(([a, b]) => `greatest(${a}, ${b})`),
      fc
        .tuple(tie('condition'), tie('number'), tie('number'))
        .map(([c, a, b]) => `case when ${c} then ${a} else ${b} end`),
    ),
    condition: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('b', 'true', 'null', 't is null', 'f > 0', "d >= date '2000-01-01'"),
      fc
        .tuple(tie('number'), fc.constantFrom('=', '<>', '<', '<=', '>', '>='), tie('number'))
        .map(([a, op, b]) => `${a} ${op} ${b}`),
      fc
        .tuple(tie('text'), fc.constantFrom('=', '<', '>='), tie('text'))
        .map(([a, op, b]) => `${a} ${op} ${b}`),
      fc
        .tuple(tie('condition'), fc.constantFrom('and', 'or'), tie('condition'))
        .map(([a, op, b]) => `(${a} ${op} ${b})`),
      tie('condition').map((a) => `not (${a})`),
      fc.tuple(tie('number'), tie('number')).map(([a, b]) => `${a} in (${b}, 1, null)`),
      fc.tuple(tie('number'), tie('number')).map(([a, b]) => `${a} is distinct from ${b}`),
    ),
    text: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('t', "'a'", "'z'", "''"),
      tie('text').map((a) => `coalesce(${a}, 'n')`),
    ),
  }),
);
const output = fc.oneof(
  number,
  number,
  condition,
  text,
  fc.constantFrom(
    'd',
    'f',
    'f * 2',
    'f + 1',
    'floor(f)',
    'm::double precision',
    '(m / 7)::double precision',
  ),
);
const order = fc.tuple(output, fc.constantFrom('', ' desc', ' nulls first', ' desc nulls last'));
const statement = fc
  .record({
    outputs: fc.array(output, { minLength: 1, maxLength: 4 }),
    where: fc.option(condition),
    distinct: fc.boolean(),
    orders: fc.array(order, { maxLength: 2 }),
    limit: fc.option(fc.tuple(fc.nat(6), fc.nat(3))),
  })
  .map(({ outputs, where, distinct, orders, limit }) => {
    const tail = where === null ? '' : ` where ${where}`;
    if (distinct) return `select distinct ${outputs.join(', ')} from x${tail}`;
    // All columns last, so that LIMIT is never free to choose among rows that differ.
    const keys = [...orders.map(([expr, how]) => `(${expr})${how}`), ...schema.map((c) => c.name)];
    const cut = limit === null ? '' : ` limit ${limit[0]} offset ${limit[1]}`;
    return `select ${outputs.join(', ')} from x${tail} order by ${keys.join(', ').replaceAll(/\((\d|-\d)/g, '(0 + $1')}${cut}`;
  });

describe('a residual in JavaScript', () => {
  test('gives what DuckDB gives for the same statement', { timeout: 120_000 }, async () => {
    let compiled = 0;
    await fc.assert(
      fc.asyncProperty(rows, statement, async (data, sql) => {
        const query = matchedQuery(sql);
        if (query === undefined) return;
        const run = compileResidual(query.query);
        if (run === undefined) return;
        compiled++;
        const input = batchFromRows(schema, data as Value[][]);
        const own = await outcome(async () =>
          run(new Map(relationIds(query.query).map((id) => [id, input])), []),
        );
        const other = await outcome(() => onDuckDb(query, input));
        if (mayFailDifferently.test(sql) && (own.failed || other.failed)) return;
        expect(own.order(sql)).toEqual(other.order(sql));
      }),
      {
        numRuns: Number(process.env['TESSERA_RUNS'] ?? 400),
        seed: Number(process.env['TESSERA_SEED'] ?? 20_240_501),
      },
    );
    expect(compiled).toBeGreaterThan(50);
  });

  test('concatenates UNION ALL and orders its result', async () => {
    const query = matchedQuery(
      'select i, t from x where i > 0 union all select i, t from x where i <= 0 order by 1 desc, 2 limit 3',
    )!;
    const data: Value[][] = [3, -1, 2, null, 0].map((i) => [
      i,
      null,
      null,
      null,
      null,
      'a',
      null,
      null,
    ]);
    const input = batchFromRows(schema, data);
    const ids = relationIds(query.query);
    const own = compileResidual(query.query)!(new Map(ids.map((id) => [id, input])), []);
    expect(rowsOf(own)).toEqual([
      [3, 'a'],
      [2, 'a'],
      [0, 'a'],
    ]);
  });

  test('evaluates nothing under LIMIT 0, so that nothing can fail', () => {
    const query = matchedQuery('select 1 / i from x order by 1 limit 0')!;
    const input = batchFromRows(schema, [[0, null, null, null, null, 'a', null, null]]);
    const ids = relationIds(query.query);
    const own = compileResidual(query.query)!(new Map(ids.map((id) => [id, input])), []);
    expect(own.rowCount).toBe(0);
    expect(own.columns).toHaveLength(1);
  });

  test.each([
    'select sum(i) from x',
    'select rank() over (order by i) from x',
    'select a.i from x a join x b on a.i = b.i',
    'select upper(t) from x',
  ])('leaves to DuckDB: %s', (sql) => {
    expect(compileResidual(matchedQuery(sql)!.query)).toBeUndefined();
  });
});

/** Which rows and operands are looked at before others is open, and so whether a failure in one of them is met. */
const mayFailDifferently = /\b(and|or|case|coalesce|nullif|greatest|in|where|limit|distinct)\b/;

interface Outcome {
  readonly failed: boolean;
  order(sql: string): unknown;
}

/** Rows, in their order where the statement asks for one; or that it failed: which of two errors comes first is open. */
async function outcome(run: () => Promise<ColumnBatch>): Promise<Outcome> {
  try {
    const batch = await run();
    const shown = rowsOf(batch).map((row) => row.map(comparable).join(' | '));
    return { failed: false, order: (sql) => (sql.includes('order by') ? shown : shown.sort()) };
  } catch (error) {
    if (!isTesseraError(error)) throw error;
    const known = ['DIVISION_BY_ZERO', 'NUMERIC_OUT_OF_RANGE'];
    if (!known.includes(error.reason)) throw error;
    return { failed: true, order: () => 'failed' };
  }
}

function comparable(held: Value): string {
  return held === 0 ? 'number:0' : `${typeof held}:${held}`;
}

type Bound = { readonly query: Query; readonly schema: Schema };

/** The statement with its table taken for a matched relation; undefined where it does not bind. */
function matchedQuery(sql: string): Bound | undefined {
  try {
    const bound = bind(parse(sql), catalog, { timeZone: 'UTC', now: 0n });
    return { query: withMatched(bound.query), schema: bound.schema };
  } catch (error) {
    if (isTesseraError(error)) return undefined;
    throw error;
  }
}

function withMatched(query: Query): Query {
  if (query.kind === 'set') {
    return { ...query, left: withMatched(query.left), right: withMatched(query.right) };
  }
  if (query.kind !== 'select') return query;
  return { ...query, from: query.from.map(matched) };
}

function matched(relation: Relation): Relation {
  return relation.kind === 'table'
    ? { kind: 'matched', id: relation.id, columns: relation.columns }
    : relation;
}

function relationIds(query: Query): string[] {
  if (query.kind === 'set') return [...relationIds(query.left), ...relationIds(query.right)];
  if (query.kind !== 'select') return [];
  return query.from.map((relation) => ('id' in relation ? relation.id : ''));
}

function onDuckDb({ query, schema: types }: Bound, input: ColumnBatch): Promise<ColumnBatch> {
  return duckdb.session(async (connection) => {
    await connection.createTable('input', input.schema, [input]);
    try {
      const sql = printQuery(query, { relation: () => quoteName('input') }, types);
      return await connection.run(sql, [], { schema: types });
    } finally {
      await connection.dropTable('input');
    }
  });
}
