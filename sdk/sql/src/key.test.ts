import { beforeAll, describe, expect, test } from 'vitest';
import { bindExpression } from './bind.ts';
import { bindText } from './fixture.ts';
import { exprKey, queryKey } from './key.ts';
import { loadParser } from './parse.ts';

beforeAll(loadParser);

describe('statements that a plan cache must tell apart', () => {
  test.each([
    [
      "select date_trunc('month', departed) from flights",
      "select date_trunc('day', departed) from flights",
    ],
    ['select origin, delay from flights', 'select delay, origin from flights'],
    ['select origin from flights limit 1', 'select origin from flights limit 100'],
    [
      'select count(*) filter (where delay > 15) from flights',
      'select count(*) filter (where delay > 20) from flights',
    ],
    ['select origin a from flights', 'select origin b from flights'],
    ['select origin from flights order by delay', 'select origin from flights order by delay desc'],
    [
      'select origin from flights order by delay',
      'select origin from flights order by delay nulls first',
    ],
    ['select count(delay) from flights', 'select count(distinct delay) from flights'],
    ['select 1', "select '1'"],
    ['select 1.0', 'select 1.00'],
    ["select date '2020-01-01'", "select timestamp '2020-01-01'"],
    [
      'select origin from flights union select iata from files.airports',
      'select origin from flights union all select iata from files.airports',
    ],
    [
      'select 1 from flights f left join flights g on f.delay = g.delay',
      'select 1 from flights f join flights g on f.delay = g.delay',
    ],
    [
      'select sum(delay) over (order by date rows 1 preceding) from flights',
      'select sum(delay) over (order by date rows 2 preceding) from flights',
    ],
    ['select 0.0::float8', "select '-0'::float8"],
  ])('%s | %s', (a, b) => {
    expect(queryKey(bindText(a))).not.toBe(queryKey(bindText(b)));
  });

  test.each([
    ['select origin from flights', 'SELECT flights.origin\n FROM files.flights -- same'],
    [
      'select origin from flights where delay between 1 and 2',
      'select origin from flights where delay >= 1 and delay <= 2',
    ],
    [
      'select origin o, count(*) from flights group by o',
      'select origin o, count(*) from flights group by 1',
    ],
    [
      "select 1 from flights where date = '2020-01-01'",
      "select 1 from flights where date = date '2020-01-01'",
    ],
  ])('spelling does not matter: %s | %s', (a, b) => {
    expect(queryKey(bindText(a))).toBe(queryKey(bindText(b)));
  });
});

describe('keys of expressions', () => {
  const tables = [
    {
      alias: 'f',
      columns: [
        { name: 'a', type: { kind: 'integer' } as const },
        { name: 'b', type: { kind: 'integer' } as const },
        { name: 'd', type: { kind: 'date' } as const },
      ],
    },
  ];
  const key = (text: string) => exprKey(bindExpression(text, tables));

  test.each([
    ['a = b', 'b = a'],
    ['a > 1', '1 < a'],
    ['a >= b', 'b <= a'],
    ['a + b', 'b + a'],
    ['a > 1 and b > 2', 'b > 2 and a > 1'],
    ['a in (1, 2)', 'a in (2, 1, 1)'],
    ['(a > 1 and b > 2) and a < 3', 'a > 1 and (b > 2 and a < 3)'],
    ['case a when 1 then 2 end', 'case when a = 1 then 2 end'],
  ])('%s is %s', (a, b) => {
    expect(key(a)).toBe(key(b));
  });

  test.each([
    ['a - b', 'b - a'],
    ['a / b', 'b / a'],
    ['a > 1', 'a >= 1'],
    ['a > 1 and b > 2', 'a > 1 or b > 2'],
    ['a = 1', 'a = 2'],
    ['a::bigint', 'a::text::bigint'],
  ])('%s is not %s', (a, b) => {
    expect(key(a)).not.toBe(key(b));
  });

  test.each([
    ["date '2020-01-31' + interval '1 month'", "timestamp '2020-02-29'"],
    ["date '2020-03-01' - 1", "date '2020-02-29'"],
    ['1::bigint', 'cast(1 as bigint)'],
    ["d >= timestamp '2020-01-01'", "d >= date '2020-01-01'"],
    ["d < date '2020-01-01' + interval '1 year'", "d < date '2021-01-01'"],
  ])('constants are computed when binding: %s is %s', (a, b) => {
    expect(key(a)).toBe(key(b));
  });
});
