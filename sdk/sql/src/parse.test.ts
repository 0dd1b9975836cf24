import { seededRandom } from '@tessera/base';
import { parseSync } from 'libpg-query';
import { beforeAll, describe, expect, test } from 'vitest';
import { bindText, failureOf } from './fixture.ts';
import { sqlLimits } from './guard.ts';
import { loadParser, parse } from './parse.ts';

beforeAll(loadParser);

describe('only one query is taken', () => {
  test.each([
    ['', 'NOT_A_QUERY'],
    ['  -- nothing', 'NOT_A_QUERY'],
    ['insert into t values (1)', 'NOT_A_QUERY'],
    ['delete from t', 'NOT_A_QUERY'],
    ['create table t (a int)', 'NOT_A_QUERY'],
    ['select 1 into t', 'NOT_A_QUERY'],
    ['explain cuboid delete from t', 'NOT_A_QUERY'],
    ['select 1; select 2', 'MULTIPLE_STATEMENTS'],
    ['selct 1', 'SQL_SYNTAX'],
    ['select 1 +', 'SQL_SYNTAX'],
    ["select 'open", 'SQL_SYNTAX'],
    ['select \0', 'SQL_SYNTAX'],
  ])('%j: %s', (sql, reason) => {
    expect(failureOf(() => parse(sql)).reason).toBe(reason);
  });

  test('a trailing semicolon and comments are no second statement', () => {
    expect(parse('/* a; b */ select 1; -- c').explain).toBeUndefined();
  });

  test('a syntax error counts lines and characters, not bytes', () => {
    const failure = failureOf(() => parse("select 'äöü😀',\n  'é' frm t x y"));
    expect(failure).toMatchObject({ reason: 'SQL_SYNTAX', line: '2', column: '11' });
  });
});

describe('EXPLAIN CUBOID', () => {
  test.each([
    'explain cuboid select delay from flights',
    'EXPLAIN select 1',
    '/* é */ Explain -- x\n Cuboid\nselect 1',
  ])('%j is a query to be explained', (sql) => {
    expect(parse(sql).explain).toEqual({ analyze: false, format: 'text' });
  });

  test.each([
    ['explain analyze select 1', { analyze: true, format: 'text' }],
    ['EXPLAIN (ANALYZE) select 1', { analyze: true, format: 'text' }],
    ['explain ( analyze , Format  Json ) select 1', { analyze: true, format: 'json' }],
    ['explain (format json) (select 1)', { analyze: false, format: 'json' }],
    ['explain (select 1)', { analyze: false, format: 'text' }],
  ])('%j says what is wanted', (sql, wanted) => {
    expect(parse(sql).explain).toEqual(wanted);
  });

  test.each([
    ['explain (analyze, buffers) select 1', '19'],
    ['explain (format xml) select 1', '10'],
    ['explain (analyze', '10'],
  ])('%j has an option that there is not', (sql, column) => {
    expect(failureOf(() => parse(sql))).toMatchObject({ reason: 'SQL_SYNTAX', column });
  });

  test('positions stay those of the whole text', () => {
    const failure = failureOf(() => bindText('/* é */ explain cuboid select dely from flights'));
    expect(failure).toMatchObject({ reason: 'UNKNOWN_COLUMN', line: '1', column: '31' });
  });
});

describe('what is too much is refused before the parser sees it', () => {
  const n = 50_000;
  const nested = (open: string, inner: string, close: string) =>
    `select ${open.repeat(n)}${inner}${close.repeat(n)}`;
  test.each([
    ['parentheses', nested('(', '1', ')')],
    ['unclosed parentheses', `select ${'('.repeat(n)}`],
    ['brackets', nested('array[', '1', ']')],
    ['function calls', nested('f(', '1', ')')],
    ['CASE', `select ${'case when 1=1 then '.repeat(20_000)}1${' end'.repeat(20_000)}`],
    ['NOT', nested('not ', 'true', '')],
    ['signs', nested('- ', '1', '')],
    ['sums', `select 1${'+1'.repeat(n)}`],
    ['sums in parentheses', `select ${'(1+1+1+1+1+'.repeat(50)}1${')'.repeat(50)}`],
    ['casts', `select 1${'::int'.repeat(n)}`],
    ['IS NULL', `select 1${' is null'.repeat(n)}`],
    ['COLLATE', `select 'a'${' collate "C"'.repeat(n)}`],
    ['AT TIME ZONE', `select now()${" at time zone 'utc'".repeat(n)}`],
    ['subqueries', nested('(select ', '1', ')')],
    ['subqueries in FROM', `${'select * from ('.repeat(n)}select 1${') x'.repeat(n)}`],
    ['UNION', `select 1${' union select 1'.repeat(n)}`],
    ['joins', `select 1 from t${' cross join t'.repeat(n)}`],
    ['AND', `select 1 where a=1${' and a=1'.repeat(n)}`],
    ['a list', `select 1 in (1${',1'.repeat(n * 2)})`],
    ['dotted names', `select a${'.a'.repeat(n)}`],
    ['subscripts', `select a${'[1]'.repeat(n)}`],
    ['casts and parentheses in turn', `select ${'('.repeat(150)}1${')::int'.repeat(150)}`],
  ])('%s', (_, sql) => {
    expect(failureOf(() => parse(sql)).reason).toBe('SQL_TOO_COMPLEX');
    expect(parse('select 1').explain).toBeUndefined();
  });

  test('10 MB of text', () => {
    expect(failureOf(() => parse(`select '${'x'.repeat(10_000_000)}'`)).reason).toBe(
      'SQL_TOO_LARGE',
    );
    expect(failureOf(() => parse('é'.repeat(sqlLimits.sizeBytes / 2 + 1))).reason).toBe(
      'SQL_TOO_LARGE',
    );
  });

  test.each([
    [
      'in strings',
      `select '${'('.repeat(1000)}', e'\\'${'('.repeat(1000)}', $a$ ${'('.repeat(1000)} $a$`,
    ],
    [
      'in comments',
      `select 1 /* ${'('.repeat(1000)} /* nested */ ${'+1'.repeat(1000)} */ -- ${'('.repeat(1000)}`,
    ],
    ['in quoted names', `select 1 as "${'('.repeat(1000)}"`],
    ['in a long IN list', `select 1 in (1${',1'.repeat(25_000)})`],
    ['in a long AND', `select 1 where true${' and true'.repeat(1000)}`],
  ])('but not what only looks so: %s', (_, sql) => {
    expect(parse(sql).explain).toBeUndefined();
  });

  test('statements at the bound bind and do not overflow', () => {
    const depth = sqlLimits.height - 10;
    for (const sql of [
      `select ${'('.repeat(depth)}1${')'.repeat(depth)}`,
      `select 1${'+1'.repeat(depth)}`,
      `select ${'case when true then '.repeat(depth)}1${' end'.repeat(depth)}`,
      `select 1${' union all select 1'.repeat(depth)}`,
      `select 1 from flights f0${Array.from({ length: depth }, (_, i) => ` cross join flights f${i + 1}`).join('')}`,
    ]) {
      expect(bindText(sql).schema).toHaveLength(1);
    }
    const queries = `${'select * from ('.repeat(depth)}select 1${') x'.repeat(depth)}`;
    expect(failureOf(() => bindText(queries)).reason).toBe('QUERY_TOO_COMPLEX');
  });

  test('the parser works on after it was driven into its own limits many times', () => {
    const bombs = [
      `select 1${'+1'.repeat(n)}`,
      `select ${'('.repeat(n)}`,
      `select 1${'::int'.repeat(n)}`,
    ];
    for (let i = 0; i < 24; i++) expect(() => parseSync(bombs[i % bombs.length]!)).toThrow();
    expect(bindText('select sum(delay) from flights').schema[0]!.name).toBe('sum');
  });
});

describe('fuzzing', () => {
  const seed = Number(process.env['TESSERA_SEED'] ?? 3);
  const pieces = [
    "'",
    '"',
    '(',
    ')',
    '$$',
    '/*',
    '--',
    '::',
    ' not ',
    ' case ',
    ' end ',
    ',',
    ';',
    '\\',
    '\u0000',
    'é',
    '😀',
    '[',
    '$1',
    ' over ',
    ' group by ',
    ' union ',
    ' select ',
    ' from ',
    '1e400',
    '0x',
    "e'",
    ' null ',
    ' order by 1 ',
    ' filter ',
    ' in ',
    '*',
  ];
  const samples = [
    'select origin, count(*) filter (where delay > 15) as late from flights group by origin having count(*) > 3 order by 2 desc limit 5',
    "with q as (select date_trunc('month', departed) m, sum(fare) s from flights group by 1) select m, s, rank() over (order by s) from q where m >= '2001-01-01'",
    'select f.*, a.state from flights f left join files.airports a on f.origin = a.iata where f.delay between $1 and 10 or a.state like $2',
    'select grouping(origin), extract(year from date), avg(delay) from flights group by rollup (origin, extract(year from date))',
    "select case when delay > 0 then 'late' else null end, (select max(latitude) from files.airports where iata = origin) from flights union all values ('a', 1.5)",
    "explain cuboid select percentile_cont(0.5) within group (order by delay), interval '1 day' * 2, date '2020-01-01' + 1 from flights",
  ];

  test(`any text gives a statement or a TesseraError (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const outcomes = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      let sql = random.pick(samples);
      for (let edits = random.integer(1, 4); edits > 0; edits--) {
        const at = random.integer(0, sql.length);
        const cut = random.integer(0, 2) === 0 ? random.integer(0, 12) : 0;
        const put =
          random.integer(0, 3) === 0
            ? random.pick(samples).slice(at, at + 15)
            : random.pick(pieces);
        sql = sql.slice(0, at) + put + sql.slice(at + cut);
      }
      const { reason } = failureOf(() => bindText(sql));
      outcomes.set(reason, (outcomes.get(reason) ?? 0) + 1);
    }
    expect(outcomes.get('none') ?? 0).toBeGreaterThan(20);
    expect(outcomes.size).toBeGreaterThan(6);
  }, 300_000);
});
