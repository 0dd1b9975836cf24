import { beforeAll, describe, expect, test } from 'vitest';
import { bindExpression } from './bind.ts';
import { bindText, failureOf } from './fixture.ts';
import { exprKey } from './key.ts';
import { loadParser } from './parse.ts';
import { typeName } from './types.ts';

beforeAll(loadParser);

describe('what cannot be bound names the reason and the place', () => {
  test.each([
    ['select * from flight', 'UNKNOWN_TABLE', '1:15', /flights/],
    ['select * from files.flight', 'UNKNOWN_TABLE', '1:15', /files\.flights/],
    ['select * from airports', 'AMBIGUOUS_TABLE', '1:15', undefined],
    ['select dely from flights', 'UNKNOWN_COLUMN', '1:8', /delay/],
    ['select\n  f.dely\nfrom flights f', 'UNKNOWN_COLUMN', '2:3', /delay/],
    ['select g.delay from flights f', 'UNKNOWN_TABLE', '1:8', /"f"/],
    ['select origin from flights a, flights b', 'AMBIGUOUS_COLUMN', '1:8', undefined],
    ['select 1 from flights, flights', 'DUPLICATE_ALIAS', undefined, undefined],
    ['select summ(delay) from flights', 'UNKNOWN_FUNCTION', '1:8', /sum/],
    ["select delay + 'x' from flights", 'INVALID_LITERAL', '1:16', undefined],
    ['select 1 from flights where date = 5', 'TYPE_MISMATCH', '1:36', undefined],
    ['select 1 from flights where delay', 'TYPE_MISMATCH', '1:29', undefined],
    ['select date || delay from flights', 'TYPE_MISMATCH', '1:13', undefined],
    ['select length(delay) from flights', 'TYPE_MISMATCH', '1:8', undefined],
    ['select sum(origin) from flights', 'TYPE_MISMATCH', '1:8', undefined],
    ['select origin, sum(delay) from flights', 'GROUPING_ERROR', '1:8', undefined],
    ['select delay from flights group by origin', 'GROUPING_ERROR', '1:8', undefined],
    ['select sum(delay) from flights having origin = 1::text', 'GROUPING_ERROR', '1:39', undefined],
    ['select 1 from flights where sum(delay) > 1', 'INVALID_REFERENCE', '1:29', undefined],
    ['select sum(sum(delay)) from flights', 'INVALID_REFERENCE', '1:12', undefined],
    ['select rank() from flights', 'INVALID_REFERENCE', '1:8', undefined],
    ['select rank() over w from flights', 'UNKNOWN_WINDOW', undefined, undefined],
    ['select delay from flights order by 2', 'INVALID_REFERENCE', '1:36', undefined],
    ['select distinct origin from flights order by delay', 'INVALID_REFERENCE', '1:46', undefined],
    ["select date '2020-02-30'", 'INVALID_LITERAL', '1:13', /2024-01-31/],
    ['select 1::nosuch', 'UNKNOWN_TYPE', '1:11', undefined],
    ['select extract(yeer from date) from flights', 'INVALID_LITERAL', '1:8', /year/],
    ['select 1 union select 1, 2', 'TYPE_MISMATCH', undefined, undefined],
    ['select 1 union select date from flights', 'TYPE_MISMATCH', undefined, undefined],
    ['select (select 1, 2)', 'TYPE_MISMATCH', '1:8', undefined],
    ['select $1 + 1, $1 || $1', 'TYPE_MISMATCH', '1:19', /Cast/],
    ['select 1 limit -1', 'INVALID_REFERENCE', '1:16', undefined],
    ['with recursive r as (select 1) select 1', 'UNSUPPORTED_SQL', '1:1', undefined],
    ['select array[1]', 'UNSUPPORTED_SQL', '1:8', undefined],
    ['select 1 from flights for update', 'UNSUPPORTED_SQL', undefined, undefined],
    ['select 1 from generate_series(1, 2)', 'UNSUPPORTED_SQL', undefined, undefined],
    ['select power(fare, 2) from flights', 'UNSUPPORTED_SQL', '1:8', /double precision/],
    ["select interval '200000000 years'", 'INVALID_LITERAL', '1:17', undefined],
    [
      "select date '2024-01-01' + interval '99999999 years'",
      'NUMERIC_OUT_OF_RANGE',
      '1:26',
      /less/,
    ],
    ["select date '2024-01-01' - interval '6738 years'", 'NUMERIC_OUT_OF_RANGE', '1:26', /less/],
    [
      "select timestamp '2024-01-01' + interval '300000 years'",
      'NUMERIC_OUT_OF_RANGE',
      '1:31',
      /less/,
    ],
    [
      "select timestamp '2024-01-01' + interval '2000000000 days'",
      'NUMERIC_OUT_OF_RANGE',
      '1:31',
      /less/,
    ],
    ["select date '2024-01-01' + 2147483647", 'NUMERIC_OUT_OF_RANGE', '1:26', /less/],
    ["select date '2024-01-01' - 2147483647", 'NUMERIC_OUT_OF_RANGE', '1:26', /less/],
  ])('%s', (sql, reason, place, hint) => {
    const failure = failureOf(() => bindText(sql));
    expect(failure.reason).toBe(reason);
    if (place !== undefined) expect(`${failure.line}:${failure.column}`).toBe(place);
    if (hint !== undefined) expect(failure.hint).toMatch(hint);
  });
});

describe('result types are those of PostgreSQL', () => {
  test.each([
    ['sum(delay)', 'bigint'],
    ['sum(distance)', 'numeric'],
    ['sum(fare)', 'numeric'],
    ['avg(delay)', 'numeric'],
    ['avg(speed)', 'double precision'],
    ['count(*)', 'bigint'],
    ['min(date)', 'date'],
    ['max(fare)', 'numeric'],
    ['stddev(delay)', 'numeric'],
    ['percentile_cont(0.5) within group (order by delay)', 'double precision'],
    ['string_agg(origin, $1)', 'text'],
  ])('%s is %s', (text, wanted) => {
    expect(bindText(`select ${text} from flights`).schema.map((f) => typeName(f.type))).toEqual([
      wanted,
    ]);
  });

  test.each([
    ['delay / 2', 'integer'],
    ['delay / 2.0', 'numeric'],
    ['legs + legs', 'smallint'],
    ['legs + 1', 'integer'],
    ['distance * legs', 'bigint'],
    ['speed + fare', 'double precision'],
    ['sqrt(delay)', 'double precision'],
    ['round(fare, 1)', 'numeric'],
    ['date + 1', 'date'],
    ["date + interval '1 month'", 'timestamp without time zone'],
    ['date - date', 'integer'],
    ['departed - departed', 'interval'],
    ['extract(year from date)', 'numeric'],
    ["date_part('year', date)", 'double precision'],
    ["date_trunc('month', departed)", 'timestamp without time zone'],
    ["date_trunc('month', date)", 'timestamp with time zone'],
    ['case when delay > 0 then 1 else 2.5 end', 'numeric'],
    ['coalesce(legs, delay)', 'integer'],
    ['fare', 'numeric(10,2)'],
    ["'x'", 'text'],
    ['null', 'text'],
    ['now()', 'timestamp with time zone'],
    ['current_date', 'date'],
    ['rank() over (order by delay)', 'bigint'],
    ['lag(fare) over (order by delay)', 'numeric(10,2)'],
  ])('%s is %s', (text, wanted) => {
    expect(bindText(`select ${text} from flights`).schema.map((f) => typeName(f.type))).toEqual([
      wanted,
    ]);
  });
});

describe('names of output columns', () => {
  test.each([
    ['delay', 'delay'],
    ['f.delay', 'delay'],
    ['delay + 1', '?column?'],
    ['sum(delay)', 'sum'],
    ['delay::text', 'delay'],
    ["date '2020-01-01'", 'date'],
    ['case when true then 1 end', 'case'],
    ['extract(year from date)', 'extract'],
    ['(select iata from files.airports limit 1)', 'iata'],
    ['exists (select 1)', 'exists'],
    ['coalesce(delay, 1)', 'coalesce'],
  ])('%s is called %s', (text, name) => {
    expect(bindText(`select ${text} from flights f`).schema[0]!.name).toBe(name);
  });
});

describe('parameters take their type from where they stand', () => {
  test.each([
    ['select 1 from flights where delay > $1', ['integer']],
    ['select 1 from flights where origin = $1 and date >= $2', ['text', 'date']],
    ['select $1::numeric(10,2)', ['numeric(10,2)']],
    ['select $1', ['text']],
    ['select delay from flights limit $2 offset $1', ['bigint', 'bigint']],
    ["select 1 from flights where departed < date '2020-01-01' + $1::interval", ['interval']],
  ])('%s', (sql, wanted) => {
    expect(bindText(sql).parameterTypes.map(typeName)).toEqual(wanted);
  });

  test('a type that the caller knows is kept', () => {
    const settings = { timeZone: 'UTC', now: 0n, parameterTypes: [{ kind: 'bigint' } as const] };
    expect(bindText('select $1', settings).schema[0]!.type).toEqual({ kind: 'bigint' });
  });
});

test('the clock comes with the settings, and the zone decides the date', () => {
  const kiritimati = { timeZone: 'Pacific/Kiritimati', now: 1_700_000_000_000_000n };
  const utc = bindText('select current_date').query;
  const east = bindText('select current_date', kiritimati).query;
  const value = (query: typeof utc) =>
    query.kind === 'select' ? query.outputs[0]!.expr : undefined;
  expect(value(utc)).toMatchObject({ value: 19675 });
  expect(value(east)).toMatchObject({ value: 19676 });
});

test('CTEs that double at each step are refused before they fill the memory', () => {
  const steps = Array.from(
    { length: 30 },
    (_, i) => `q${i + 1} as (select a.n from q${i} a, q${i} b)`,
  );
  const sql = `with q0 as (select 1 as n), ${steps.join(', ')} select * from q30`;
  expect(failureOf(() => bindText(sql)).reason).toBe('QUERY_TOO_COMPLEX');
});

test('a cube of many columns is refused', () => {
  const columns = Array.from({ length: 20 }, (_, i) => `delay + ${i}`).join(', ');
  const sql = `select count(*) from flights group by cube (${columns})`;
  expect(failureOf(() => bindText(sql)).reason).toBe('QUERY_TOO_COMPLEX');
  expect(() => bindText(sql)).toThrow(/more than 256 grouping sets \(line 1, column 39\)/);
});

test.each([
  'array_agg(distinct delay order by delay)',
  'array_agg(delay) over ()',
  'json_agg(delay)',
  'mode() within group (order by delay)',
])('%s is not supported, rather than misspelled', (call) => {
  const sql = `select ${call} from flights`;
  const name = call.slice(0, call.indexOf('('));
  expect(failureOf(() => bindText(sql)).reason).toBe('UNSUPPORTED_SQL');
  expect(() => bindText(sql)).toThrow(`Aggregate ${name} is not supported (line 1, column 8)`);
});

describe('model expressions', () => {
  const tables = [
    {
      alias: 'f',
      columns: [
        { name: 'delay', type: { kind: 'integer' } as const },
        { name: 'day', type: { kind: 'date' } as const },
      ],
    },
    { alias: 'o', columns: [{ name: 'state', type: { kind: 'text' } as const }] },
  ];

  test('columns are named by alias, or alone when that is unique', () => {
    expect(exprKey(bindExpression('f.delay > 15', tables))).toBe(
      exprKey(bindExpression('15 < delay', tables)),
    );
    expect(bindExpression('extract(year from f.day)', tables)).toMatchObject({
      fn: 'extract',
      type: { kind: 'numeric' },
    });
  });

  test.each([
    ['f.dela > 1', 'UNKNOWN_COLUMN', '1:1'],
    ['delay +', 'SQL_SYNTAX', undefined],
    ['delay, day', 'UNSUPPORTED_SQL', undefined],
    ['delay) from x, (select 1', 'SQL_SYNTAX', undefined],
    ['sum(delay)', 'INVALID_REFERENCE', '1:1'],
    ['$1', 'UNSUPPORTED_SQL', undefined],
    ['(select 1)', 'UNSUPPORTED_SQL', undefined],
  ])('%s is refused', (text, reason, place) => {
    const failure = failureOf(() => bindExpression(text, tables));
    expect(failure.reason).toBe(reason);
    if (place !== undefined) expect(`${failure.line}:${failure.column}`).toBe(place);
  });
});
