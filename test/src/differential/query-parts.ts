import type { MeasureSpec, ModelSpec } from '@tessera/cube';

/** Text to choose from, most of the time from what the model should be able to answer. */
export interface Pool {
  readonly likely: readonly string[];
  readonly any: readonly string[];
}

/** What random queries are put together from: text over the aliases f (the fact), a1, a2, b1, c1 and d1. */
export interface QueryParts {
  /** Lookups that the model joins, and all there are. */
  readonly aliases: Pool;
  /** Scalar expressions by the alias that they need. */
  readonly keys: Readonly<Record<string, Pool>>;
  readonly conditions: Readonly<Record<string, Pool>>;
  readonly aggregates: Pool;
  /** Expressions over the aggregate $1 and others. */
  readonly arithmetic: Pool;
  readonly havings: Pool;
}

export const lookups: Readonly<
  Record<string, { readonly on: string; readonly table: string; readonly needs?: string }>
> = {
  a1: { table: 'la', on: 'f.k1 = a1.id' },
  a2: { table: 'la', on: 'a2.id = f.k2' },
  b1: { table: 'lb', on: 'a1.b_id = b1.id', needs: 'a1' },
  c1: { table: 'lc', on: 'f.code = c1.code' },
  d1: { table: 'ld', on: 'f.i = d1.x and f.code = d1.y' },
};

/** Scalar expressions by the alias that they need. All are deterministic and total. */
const keys: Readonly<Record<string, readonly string[]>> = {
  f: [
    ...[
      'f.txt',
      'f.txt',
      'f.i',
      'f.s',
      'f.b',
      'f.b',
      'f.n',
      'f.d',
      'f.k1',
      'f.k2',
      'f.code',
      'f.code',
      'f.t',
    ],
    ...["date_trunc('month', f.d)", "date_trunc('year', f.d)", "date_trunc('week', f.d)::date"],
    ...["date_trunc('quarter', f.d)", "date_trunc('day', f.t)", "date_trunc('hour', f.t)"],
    ...["date_trunc('month', f.t)", "date_trunc('minute', f.t)", 'f.t::date', 'f.d::timestamp'],
    ...['extract(year from f.d)', 'extract(month from f.d)::int', 'extract(dow from f.d)'],
    ...['extract(hour from f.t)', 'extract(doy from f.t)', "to_char(f.d, 'YYYY-MM')"],
    ...['upper(f.txt)', 'lower(f.txt)', 'f.txt || f.code', "coalesce(f.txt, '?')", 'length(f.txt)'],
    ...[
      'f.i % 3',
      'f.i / 2',
      'f.i + f.s',
      '- f.i',
      'f.i::text',
      'f.n / 3',
      'round(f.n)',
      'f.n * 2',
    ],
    ...['f.n > 10', 'f.b is true', 'f.txt is null', 'not f.b', "f.txt in ('a', 'B')", 'f.d + 1'],
    ...[
      'case when f.b then f.txt else f.code end',
      "case f.i when 1 then 'one' when 2 then 'two' end",
    ],
    ...[
      "nullif(f.txt, 'a')",
      'greatest(f.i, f.s)',
      'substring(f.code, 1, 1)',
      'f.i::numeric / 4',
      "'const'",
    ],
    ...['coalesce(f.k1, f.k2, -1)', 'f.mi', 'f.mi > 100', 'abs(f.i)'],
  ],
  a1: [
    'a1.name',
    'a1.name',
    'a1.grp',
    'a1.id',
    'a1.b_id',
    'a1.size',
    'upper(a1.name)',
    "coalesce(a1.grp, '-')",
    'a1.name is null',
  ],
  a2: ['a2.name', 'a2.grp', 'a2.id', 'length(a2.name)', "a2.name || '!'"],
  b1: [
    'b1.region',
    'b1.region',
    'b1.opened',
    "date_trunc('month', b1.opened)",
    'coalesce(b1.region, a1.name)',
  ],
  c1: ['c1.label', 'c1.active', 'c1.code', 'lower(c1.label)'],
  d1: ['d1.value', 'd1.x', 'd1.value > 0'],
};

const aggregates: readonly string[] = [
  ...['count(*)', 'count(*)', 'count(f.mi)', 'count(f.txt)', 'count(f.i)', 'count(1)'],
  ...[
    'sum(f.mi)',
    'sum(f.mb)',
    'sum(f.mn)',
    'sum(f.mf)',
    'sum(f.i)',
    'sum(f.n)',
    'sum(f.mi * f.mn)',
  ],
  ...['avg(f.mi)', 'avg(f.mb)', 'avg(f.mn)', 'avg(f.mf)', 'avg(f.i)'],
  ...[
    'min(f.mi)',
    'max(f.mi)',
    'max(f.mn)',
    'min(f.mf)',
    'max(f.txt)',
    'min(f.t)',
    'max(f.d)',
    'min(f.code)',
  ],
  ...[
    'stddev(f.mi)',
    'stddev_pop(f.mi)',
    'variance(f.mi)',
    'var_pop(f.mn)',
    'stddev(f.mn)',
    'var_samp(f.mf)',
    'stddev_pop(f.mf)',
  ],
  ...[
    'count(distinct f.txt)',
    'count(distinct f.mi)',
    'count(distinct f.code)',
    'count(distinct f.d)',
    'sum(distinct f.i)',
  ],
  ...[
    'sum(f.mi + 1)',
    'sum(2 * f.mi)',
    'sum(- f.mn)',
    'sum(f.mi - f.i)',
    'sum(f.mi::numeric)',
    'avg(f.mi * 2)',
    'sum(f.mi) filter (where f.b)',
  ],
  ...[
    'count(*) filter (where f.mi > 100)',
    'sum(f.mn) filter (where f.mi > 100)',
    "count(*) filter (where f.txt = 'a')",
  ],
  ...[
    'sum(f.mi) filter (where f.i > 2)',
    "avg(f.mn) filter (where f.code <> 'A1')",
    'max(f.mi) filter (where not f.b)',
  ],
  ...[
    'sum(case when f.b then f.mi else 0 end)',
    "sum(case when f.txt = 'a' then f.mn end)",
    'count(case when f.b then 1 end)',
  ],
  ...[
    'sum(case when f.i > 3 then 1 else 0 end)',
    'min(case when f.b then f.mi end)',
    'count(case when f.mi > 100 then f.mn end)',
  ],
  ...[
    'count(distinct f.txt) filter (where f.b)',
    "sum(case when f.code = 'A1' then f.mi when f.b then f.i else 2 end)",
  ],
  ...[
    'bool_or(f.b)',
    'bool_and(f.mi > 0)',
    'min(f.i)',
    'max(f.n)',
    'min(f.b::int)',
    'max(upper(f.txt))',
    "max(date_trunc('month', f.d))",
  ],
];

const arithmetic: readonly string[] = [
  ...[
    '$1',
    '$1',
    '$1',
    '$1',
    '$1',
    '$1',
    '$1',
    'coalesce($1, null)',
    '($1) is null',
    'count(*) + count(f.mi)',
  ],
  ...[
    'sum(f.mi) * 1.0 / count(*)',
    'sum(f.mi) / nullif(count(f.mi), 0)',
    '100.0 * count(f.mi) / count(*)',
  ],
  ...[
    'sum(f.mn) / 3',
    'round(avg(f.mn), 2)',
    'max(f.mi) - min(f.mi)',
    'sum(f.mi)::float8',
    'avg(f.mi)::int',
  ],
  ...[
    'case when count(*) > 3 then sum(f.mi) else 0 end',
    '- sum(f.mn)',
    'sum(f.mi)::text',
    'sqrt(count(*))',
  ],
];

const conditions: Readonly<Record<string, readonly string[]>> = {
  f: [
    ...[
      "f.txt = 'a'",
      "f.txt <> 'a'",
      "f.txt in ('a', 'b', '')",
      "f.txt not in ('a', 'b')",
      "f.txt like '%b%'",
      'f.txt is null',
      'f.txt is not null',
    ],
    ...[
      "f.txt > 'a'",
      "f.txt is distinct from 'a'",
      "f.txt ilike 'B'",
      "coalesce(f.txt, 'x') <> 'x'",
      "f.txt not in ('a', null)",
    ],
    ...[
      'f.i > 2',
      'f.i between 0 and 5',
      'f.i = 1',
      'f.i in (1, 2, null)',
      'f.i % 2 = 0',
      'f.i + f.s > 3',
      'f.i is null',
      'f.i < f.s',
    ],
    ...[
      'f.b',
      'not f.b',
      'f.b is not true',
      'f.b = false',
      'f.n > 10',
      'f.n <= 33.33',
      'f.n in (0, 10)',
      'f.s = 1',
      'f.s <> 1',
    ],
    ...[
      "f.d >= date '2024-02-01'",
      "f.d < date '2024-03-01'",
      "f.d between '2024-01-15' and '2024-03-15'",
      "f.d = '2024-02-10'",
      'f.d is null',
      'f.d is not null',
    ],
    ...[
      "f.d >= '2024-02-01' and f.d < '2024-04-01'",
      "f.d < '2024-02-01' or f.d > '2024-04-30'",
      "not (f.d < '2024-03-05')",
      "f.d > '2030-01-01'",
      "f.d <> '2024-01-31'",
    ],
    ...[
      'extract(month from f.d) = 2',
      "date_trunc('month', f.d) = '2024-03-01'",
      "to_char(f.d, 'MM') = '02'",
      "f.d in ('2024-01-01', '2024-02-02')",
      'extract(year from f.d) = 2024',
    ],
    ...[
      "f.t >= timestamp '2024-02-01'",
      "f.t < '2024-03-02 09:00'",
      "f.t >= '2024-02-15 12:30' and f.t < '2024-04-01'",
      'f.t is null',
      "f.t::date = '2024-02-15'",
    ],
    ...[
      'extract(hour from f.t) = 9',
      "date_trunc('day', f.t) > '2024-02-01'",
      'f.d > f.t',
      "f.t <= '2024-03-01'",
      "f.t > '2024-02-28 23:59:59'",
    ],
    ...[
      'f.k1 = 1',
      'f.k1 in (2, 3, 99)',
      'f.k2 > 1',
      "f.code = 'A1'",
      "f.code < 'C'",
      'f.mi > 100',
      'f.mi > 50',
      'f.mn is not null',
      'f.mi is null',
    ],
    ...[
      "f.b or f.txt = 'b'",
      "f.b and f.i > 1 or f.code = 'B2'",
      "(f.txt, f.i) = ('a', 1)",
      "case when f.b then f.i > 1 else f.txt = 'a' end",
      'false',
      'true',
      'null',
    ],
    ...[
      'f.k1 in (select id from la)',
      'f.k1 not in (select b_id from la where b_id is not null)',
      'f.i > (select min(x) from ld)',
      'exists (select 1 from lb where lb.id = f.k1)',
    ],
  ],
  a1: [
    "a1.name = 'north'",
    'a1.name is null',
    "a1.grp in ('g1', 'g3')",
    'a1.id > 2',
    'a1.size > 0',
    "a1.name <> ''",
    "a1.grp = 'g1' or f.b",
    'a1.id is not null',
  ],
  a2: ["a2.name like 'S%'", 'a2.name is not null', 'a2.id = 2', "a2.grp = 'g2'"],
  b1: [
    "b1.region = 'north'",
    'b1.region is null',
    "b1.opened > '2020-01-01'",
    'b1.region is distinct from a1.name',
  ],
  c1: [
    "c1.label = 'é'",
    'c1.active',
    'c1.active is not false',
    "c1.code = 'A1'",
    'c1.label is null',
  ],
  d1: ['d1.value > 0', 'd1.x = 1', 'd1.value is null'],
};

const havings: readonly string[] = [
  'count(*) > 2',
  'sum(f.mi) > 500',
  'max(f.mi) is not null',
  'count(f.mi) < 5',
  "min(f.txt) = 'a'",
  'avg(f.mn) > 100',
  'count(distinct f.txt) > 1',
  'false',
];

/** Parts of queries on a model. */
export function partsFor(model: ModelSpec): QueryParts {
  const dimensions = new Set(model.dimensions.flatMap(({ column }) => columnsIn(column)));
  const raw = new Set(model.dimensions.flatMap(({ column, grain }) => (grain ? [] : [column])));
  const measured = new Set(model.measures.flatMap(answeredBy));
  const own = ownKeys(model);
  const fits = (text: string) => columnsIn(text).every((column) => raw.has(column));
  const answered = (text: string) =>
    callsIn(text).every((call) => measured.has(call)) && fits(text.replaceAll(aggregateCall, ''));
  const byAlias = (
    pool: Readonly<Record<string, readonly string[]>>,
    more: Readonly<Record<string, readonly string[]>> = {},
  ) =>
    Object.fromEntries(
      Object.entries(pool).map(([alias, any]) => {
        const likely = [...any.filter(fits), ...(more[alias] ?? [])];
        return [alias, poolOf(likely, any)];
      }),
    );
  const inCase = (text: string) =>
    /case when/.test(text) &&
    columnsIn(text).every((c) => dimensions.has(c) || measured.has(`sum(${c})`));
  return {
    aliases: poolOf(
      model.joins.map(({ alias }) => alias),
      Object.keys(lookups),
    ),
    keys: byAlias(keys, own),
    conditions: byAlias(conditions),
    aggregates: poolOf(
      [...measured, ...aggregates.filter((text) => answered(text) || inCase(text))],
      aggregates,
    ),
    arithmetic: poolOf(arithmetic.filter(answered), arithmetic),
    havings: poolOf(havings.filter(answered), havings),
  };
}

function poolOf(likely: readonly string[], any: readonly string[]): Pool {
  return { likely: likely.length > 0 ? likely : any, any };
}

function ownKeys(model: ModelSpec): Readonly<Record<string, readonly string[]>> {
  const own: Record<string, string[]> = {};
  for (const { column, grain } of model.dimensions) {
    const alias = columnsIn(column)[0]!.split('.')[0]!;
    const text = grain === undefined ? column : `date_trunc('${grain}', ${column})`;
    own[alias] = [...(own[alias] ?? []), text, text];
  }
  return own;
}

const columnsIn = (text: string): string[] => text.match(/\b(?:f|a1|a2|b1|c1|d1)\.\w+/g) ?? [];

const aggregateCall =
  /\b(?:count|sum|avg|min|max|stddev|stddev_pop|stddev_samp|variance|var_pop|var_samp)\((?:distinct )?[^()]*\)/g;
const callsIn = (text: string): string[] => text.match(aggregateCall) ?? [];

/** The aggregates that can be computed from what a measure stores. */
function answeredBy({ aggregate, column = '*', filter }: MeasureSpec): string[] {
  const rest = filter === undefined ? '' : ` filter (where ${filter})`;
  const of = (names: readonly string[]) => names.map((name) => `${name}(${column})${rest}`);
  if (aggregate === 'count_distinct') return [`count(distinct ${column})${rest}`];
  if (aggregate === 'avg') return of(['avg', 'sum', 'count']);
  if (!/stddev|var/.test(aggregate)) return of([aggregate]);
  return of(['stddev', 'stddev_pop', 'variance', 'var_pop', 'avg', 'sum', 'count']);
}
