import type { SelectBlock } from '@tessera/sql';
import { describe, expect, it } from 'vitest';
import type { MatchedStatement } from '../matched.ts';
import { applyFix } from './fix.ts';
import {
  flights,
  flightsCube,
  match,
  micros,
  months,
  shown,
  statementOf,
  stateOf,
  usual,
  type World,
} from './fixture.ts';
import { matchStatement, refusalOf } from './match-statement.ts';

/** The dimensions of the layouts that were read, in the order of the blocks. */
function taken(matched: MatchedStatement): string[] {
  return matched.explanations.flatMap(({ candidates }) =>
    candidates.filter((c) => c.taken).map((c) => c.dimensions.join(' ')),
  );
}

function outcome(matched: MatchedStatement, block = 0): string {
  const explanation = matched.explanations[block]!;
  return explanation.reason?.code ?? explanation.outcome;
}

function scan(matched: MatchedStatement, block = 0) {
  const scans = matched.blocks[block]!.scans;
  expect(scans).toHaveLength(1);
  return scans[0]!;
}

function residual(matched: MatchedStatement): SelectBlock {
  expect(matched.residual.kind).toBe('select');
  return matched.residual as SelectBlock;
}

const outputs = (matched: MatchedStatement): string[] =>
  residual(matched).outputs.map(({ expr }) => shown(expr).replaceAll(/matched_\d+/g, 'm'));

const aggregates = (matched: MatchedStatement): string[] =>
  scan(matched).aggregates.map(
    ({ fn, args, filter }) =>
      `${fn}(${args.map(shown).join(', ')})${filter === undefined ? '' : ` if ${shown(filter)}`}`,
  );

describe('the layout that answers a block', () => {
  it.each([
    ['select carrier, count(*) from flights group by carrier', 'carrier'],
    ['select count(*) from flights', 'carrier'],
    [
      'select origin, count(*) from flights group by 1',
      'day origin destination carrier origin_state',
    ],
    ["select date_trunc('month', date), count(*) from flights group by 1", 'month carrier'],
    ["select date_trunc('quarter', date), count(*) from flights group by 1", 'month carrier'],
    ["select date_trunc('week', date), count(*) from flights group by 1", 'day origin_state'],
    ['select extract(year from date), count(*) from flights group by 1', 'month carrier'],
    ['select extract(dow from date), count(*) from flights group by 1', 'day origin_state'],
    ['select date, count(*) from flights group by 1', 'day origin_state'],
    ["select upper(carrier) || '!', count(*) from flights group by 1", 'carrier'],
    [
      "select case when carrier = 'AA' then 1 else 0 end, count(*) from flights group by 1",
      'carrier',
    ],
    ['select distinct carrier from flights', 'carrier'],
    ['select distinct carrier, carrier from flights order by 1', 'carrier'],
    ['select c, count(*) from (select lower(carrier) c from flights) t group by c', 'carrier'],
    [
      'select c, n from (select carrier c, count(*) n from flights group by 1) t where n > 3',
      'carrier',
    ],
    [
      'with t as (select carrier from flights) select carrier, count(*) from t group by 1',
      'carrier',
    ],
    ['select max(carrier), min(carrier) from flights', 'carrier'],
    [
      'select d.year, count(*) from flights f join dates d on f.datekey = d.datekey group by 1',
      'country year',
    ],
    [
      'select d.year, count(*) from flights f, dates d where d.datekey = f.datekey group by 1',
      'country year',
    ],
    [
      'select o.state, count(*) from flights f left join airports o on f.origin = o.iata group by 1',
      'day origin_state',
    ],
    [
      'select o.state, count(*) from airports o right join flights f on o.iata = f.origin group by 1',
      'day origin_state',
    ],
    [
      'select c.country, count(*) from flights f left join airports o on f.origin = o.iata left join cities c on o.city_id = c.id group by 1',
      'country year',
    ],
  ])('%s: %s', (sql, expected) => {
    const matched = match(sql);
    expect(outcome(matched, matched.explanations.length - 1)).toBe('cuboid');
    expect(taken(matched).map((dimensions) => dimensions.split(' ').sort())).toContainEqual(
      expected.split(' ').sort(),
    );
    expect(
      JSON.stringify(matched.residual, (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
    ).not.toContain('"kind":"table"');
  });
});

describe('why a block is not answered', () => {
  it.each([
    ['select carrier from flights', 'NOT_AGGREGATED'],
    ['select fuel, count(*) from flights group by 1', 'NOT_IN_MODEL'],
    ['select carrier, sum(speed * 2) from flights group by 1', 'NOT_IN_MODEL'],
    ["select string_agg(carrier, ',') from flights", 'AGGREGATE_NOT_SUPPORTED'],
    ['select country, count(*) from flights f, weather w, cities group by 1', 'FACT_NOT_IN_MODEL'],
    ['select count(*) from flights a join flights b on a.origin = b.origin', 'SELF_JOIN'],
    ['select count(*) from flights f cross join airports', 'JOIN_NOT_IN_MODEL'],
    [
      'select count(*) from flights f full join airports o on f.origin = o.iata',
      'JOIN_NOT_IN_MODEL',
    ],
    [
      "select o.state, count(*) from flights f left join airports o on f.origin = o.iata and o.state = 'CA' group by 1",
      'JOIN_NOT_IN_MODEL',
    ],
    [
      'select o.state, count(*) from airports o left join flights f on f.origin = o.iata group by 1',
      'JOIN_NOT_IN_MODEL',
    ],
    [
      'select o.state, count(*) from flights f join airports o on f.carrier = o.iata group by 1',
      'JOIN_NOT_IN_MODEL',
    ],
    [
      'select count(*) from flights f join airports a on f.origin = a.iata join airports b on f.origin = b.iata',
      'JOIN_NOT_IN_MODEL',
    ],
    ['select 1', 'NO_TABLES'],
    ["select count(*) from flights where at > timestamp '2001-01-01'", 'NOT_IN_MODEL'],
    [
      'select origin, year, count(*) from flights f join dates d on f.datekey = d.datekey group by 1, 2',
      'NOT_IN_ANY_CUBOID',
    ],
    [
      'select country, count(distinct speed) from flights f, cities group by 1',
      'JOIN_NOT_IN_MODEL',
    ],
  ])('%s: %s', (sql, expected) => {
    expect(outcome(match(sql))).toBe(expected);
  });

  it('is CORRELATED for a block that refers to an outer one', () => {
    const matched = match(
      'select carrier, (select count(*) from flights i where i.carrier = f.carrier) from flights f group by carrier',
    );
    expect(matched.explanations.map((e) => e.reason?.code ?? e.outcome)).toEqual([
      'cuboid',
      'CORRELATED',
    ]);
    const sub = residual(matched).outputs[1]!.expr;
    expect(
      sub.kind === 'subquery' && sub.query.kind === 'select' && shown(sub.query.where),
    ).toMatch(/matched_\d+\.k0/);
  });

  it('is CUBOIDS_OFF when the query asks for the source', () => {
    expect(outcome(match('select count(*) from flights', {}, { cuboids: 'never' }))).toBe(
      'CUBOIDS_OFF',
    );
  });

  it('is NO_READY_SEGMENT for a cube that was never built', () => {
    expect(outcome(match('select count(*) from flights', { ranges: [] }))).toBe('NO_READY_SEGMENT');
  });

  it('is TIME_ZONE for a timestamptz cut in another zone than the model', () => {
    const model = {
      ...flights,
      dimensions: [
        ...flights.dimensions,
        { name: 'seen', column: 'f.seen', grain: 'day' as const },
      ],
    };
    const cube = { ...flightsCube, cuboids: [['seen']] };
    const sql = "select date_trunc('month', seen), count(*) from flights group by 1";
    expect(outcome(match(sql, { model, cube }))).toBe('cuboid');
    expect(outcome(match(sql, { model, cube }, { timeZone: 'Europe/Berlin' }))).toBe('TIME_ZONE');
  });

  it('is TIME_ZONE for the very expression of a dimension, when its value depends on the zone', () => {
    const model = {
      ...flights,
      dimensions: [
        ...flights.dimensions,
        { name: 'seen_on', column: 'f.seen_on' },
        { name: 'seen', column: 'f.seen' },
      ],
      computedColumns: [{ name: 'seen_on', expression: 'f.seen::date' }],
    };
    const cube = { ...flightsCube, cuboids: [['seen_on']] };
    const sql = 'select seen::date, count(*) from flights group by 1';
    expect(outcome(match(sql, { model, cube }))).toBe('cuboid');
    expect(outcome(match(sql, { model, cube }, { timeZone: 'Europe/Berlin' }))).toBe('TIME_ZONE');
    // From the instants themselves it is computed in the session's zone.
    const more = { ...cube, cuboids: [...cube.cuboids, ['carrier', 'seen']] };
    const matched = match(sql, { model, cube: more }, { timeZone: 'Europe/Berlin' });
    expect(outcome(matched)).toBe('cuboid');
    expect(matched.blocks[0]!.scans[0]!.timeZone).toBe('Europe/Berlin');
    const instants = 'select carrier, max(seen) from flights group by 1';
    const latest = match(instants, { model, cube: more }, { timeZone: 'Europe/Berlin' });
    expect(outcome(latest)).toBe('cuboid');
    expect(latest.blocks[0]!.scans[0]!.timeZone).toBeUndefined();
  });
});

describe('0 and -0, which a dimension keeps as one value', () => {
  const dimensions = [...flights.dimensions, { name: 'speed', column: 'f.speed' }];
  const world = {
    model: { ...flights, dimensions },
    cube: { ...flightsCube, cuboids: [['speed', 'carrier']] },
  };

  it.each([
    ['select speed::text, count(*) from flights group by 1', 'ZERO_SIGN'],
    ["select count(*) from flights where speed::text = '-0'", 'ZERO_SIGN'],
    ["select count(*) from flights where 'at ' || -speed = 'at 0'", 'ZERO_SIGN'],
    ["select count(*) from flights where concat(round(speed), carrier) = '-0AA'", 'ZERO_SIGN'],
    ['select min((2 * speed)::real::text) from flights', 'NOT_IN_MODEL'],
    ['select count(*) from flights where atan2(speed, -1) < 0', 'ZERO_SIGN'],
    ['select count(*) from flights where speed::text in (select name from airports)', 'ZERO_SIGN'],
    [
      'select count(*) from flights where (speed + (select 1))::text in (select name from airports)',
      'ZERO_SIGN',
    ],
  ])('are told apart by the source: %s', (sql, told) => {
    expect(outcome(match(sql, world))).toBe(told);
  });

  it.each([
    'select speed, count(*) from flights group by 1',
    'select speed::text, count(*) from flights group by speed',
    'select count(*) from flights where speed = 0 and speed::int::text = $$0$$',
    'select count(*) from flights where (speed > 1)::text = $$true$$',
  ])('are not told apart: %s', (sql) => {
    expect(outcome(match(sql, world))).toBe('cuboid');
  });

  it('are two values of a dimension that is their text', () => {
    const sql = 'select speed::text, count(*) from flights group by 1';
    const { fix, reason } = match(sql, world).explanations[0]!;
    expect(reason!.code).toBe('ZERO_SIGN');
    expect(outcome(match(sql, applyFix(world.model, world.cube, fix!)))).toBe('cuboid');
  });
});

describe('the zone of a scan', () => {
  const berlin = { timeZone: 'Europe/Berlin' };
  const zones = (sql: string, options = {}): unknown[] => {
    const model = {
      ...flights,
      timeZone: 'Europe/Berlin',
      dimensions: [
        ...flights.dimensions,
        { name: 'seen', column: 'f.seen', grain: 'hour' as const },
      ],
    };
    const cube = { ...flightsCube, cuboids: [['seen'], ['month', 'carrier']] };
    const matched = match(sql, { model, cube }, options);
    expect(outcome(matched)).toBe('cuboid');
    return matched.blocks.flatMap(({ scans }) => scans.map(({ timeZone }) => timeZone));
  };

  it("is the session's where instants are cut into days or dates become instants", () => {
    const days = "select date_trunc('day', seen), count(*) from flights group by 1";
    expect(zones(days, berlin)).toEqual(['Europe/Berlin']);
    expect(zones('select seen::date, count(*) from flights group by 1', berlin)).toEqual([
      'Europe/Berlin',
    ]);
    const months = "select date_trunc('month', date), count(*) from flights group by 1";
    expect(zones(months, berlin)).toEqual(['Europe/Berlin']);
  });

  it('is not said where it means nothing', () => {
    expect(zones('select carrier, count(*) from flights group by 1', berlin)).toEqual([undefined]);
    const months = "select date_trunc('month', date), count(*) from flights group by 1";
    expect(zones(months)).toEqual([undefined]);
  });
});

describe('aggregates', () => {
  const of = (expression: string): { aggregates: string[]; outputs: string[] } => {
    const matched = match(`select ${expression} from flights`);
    expect(outcome(matched)).toBe('cuboid');
    return { aggregates: aggregates(matched), outputs: outputs(matched) };
  };

  it('counts rows, and values where they can be NULL', () => {
    expect(of('count(*)').aggregates).toEqual(['count_sum(layout.count)']);
    expect(of('count(1)').aggregates).toEqual(['count_sum(layout.count)']);
    expect(of('count(delay)').aggregates).toEqual(['count_sum(layout.count_delay)']);
    expect(of('count(distance)').aggregates).toEqual(['count_sum(layout.count)']);
    expect(of('count(carrier)').aggregates).toEqual([
      'count_sum(layout.count) if not(is_null(layout.carrier))',
    ]);
    expect(of('count(null)').outputs).toEqual(['0']);
  });

  it('averages by sum and count of values, never of rows', () => {
    const { aggregates: scans, outputs: values } = of('avg(price)');
    expect(scans).toEqual(['sum(layout.sum_price)', 'count_sum(layout.count_price)']);
    expect(values).toEqual(['/(m.p0::numeric, nullif(m.p1, 0)::numeric)']);
  });

  it('puts deviations together from parts: exact ones as a whole, floats by m2', () => {
    expect(of('stddev(price)').outputs).toEqual(['stddev_samp_of(m.p0, m.p1, m.p2)']);
    const float = match('select stddev(speed) from flights');
    expect(float.blocks[0]!.merge).toEqual(['m2', 'm2', 'm2']);
    expect(aggregates(float)[2]).toBe('m2(layout.count_speed, layout.sum_speed, layout.m2_speed)');
  });

  it('puts FILTER over dimensions into the scan, and a CASE without ELSE as well', () => {
    const filter = " if =(layout.carrier, 'AA')";
    const expected = [`sum(layout.sum_delay)${filter}`];
    expect(of("sum(delay) filter (where carrier = 'AA')").aggregates).toEqual(expected);
    expect(of("sum(case when carrier = 'AA' then delay end)").aggregates).toEqual(expected);
    expect(of("count(case when carrier = 'AA' then 1 end)").aggregates).toEqual([
      `count_sum(layout.count)${filter}`,
    ]);
  });

  it('keeps what ELSE adds, and gives NULL only where no row has a value', () => {
    const { aggregates: scans, outputs: values } = of(
      "sum(case when carrier = 'AA' then delay else 0 end)",
    );
    expect(scans).toEqual([
      "sum(layout.sum_delay) if =(layout.carrier, 'AA')",
      "count_sum(layout.count) if not(is_true(=(layout.carrier, 'AA')))",
    ]);
    expect(values[0]).toBe(
      'coalesce(+(m.p0, *(0::bigint, nullif(m.p1, 0))), m.p0, *(0::bigint, nullif(m.p1, 0)))',
    );
  });

  it('finds a measure by its filter, in FILTER and in WHERE', () => {
    const late = /^count_sum\(layout\.count_if_delay_\w+\)$/;
    expect(of('count(*) filter (where delay > 15)').aggregates[0]).toMatch(late);
    expect(of('count(*) filter (where 15 < delay)').aggregates[0]).toMatch(late);
    const matched = match('select carrier, count(*) from flights where delay > 15 group by 1');
    expect(aggregates(matched)[0]).toMatch(late);
    // Groups without such a row are not in the answer.
    expect(shown(residual(matched).where)).toMatch(/^>\(matched_\d+\.p0, 0\)$/);
    expect(outcome(match('select count(*) from flights where delay > 16'))).toBe('NOT_IN_MODEL');
  });

  it('takes sums apart only where what is summed is NULL in the same rows', () => {
    expect(of('sum(distance - fuel)').outputs).toEqual(['-(m.p0, m.p1)']);
    expect(of('sum(2 * delay)').aggregates).toEqual(['sum(layout.sum_delay)']);
    expect(of('sum(delay + 1)').aggregates).toEqual([
      'sum(layout.sum_delay)',
      'count_sum(layout.count_delay)',
    ]);
    expect(outcome(match('select sum(delay - fuel) from flights'))).toBe('NOT_IN_MODEL');
  });

  it('applies the filter of a measure in WHERE to distinct counts and to regrouped blocks', () => {
    const group = match('select count(distinct carrier) from flights where delay > 15');
    expect(shown(residual(group).where)).toMatch(/^>\(matched_\d+\.p0, 0\)$/);
    const model = {
      ...flights,
      measures: [
        ...flights.measures,
        {
          name: 'late_places',
          aggregate: 'count_distinct' as const,
          column: 'f.distance',
          filter: 'f.delay > 15',
        },
      ],
    };
    const bits = match('select count(distinct distance) from flights where delay > 15', { model });
    expect(outcome(bits)).toBe('cuboid');
    // A bitmap of all rows is not one of late rows.
    expect(outcome(match('select count(distinct delay) from flights where delay > 15'))).toBe(
      'NOT_IN_MODEL',
    );
  });

  it('counts distinct values by bitmaps, or by grouping by a dimension', () => {
    const bits = match('select carrier, count(distinct delay), sum(delay) from flights group by 1');
    expect(bits.blocks.map(({ scans }) => scans[0]!.aggregates.map(({ fn }) => fn))).toEqual([
      ['sum'],
      ['distinct'],
    ]);
    const [join] = residual(bits).from;
    expect(join?.kind === 'join' && join.type).toBe('left');
    const group = match('select count(distinct carrier), count(*) from flights');
    expect(scan(group).groupBy.map(({ expr }) => shown(expr))).toEqual(['layout.carrier']);
    expect(outputs(group)).toEqual(['count!(distinct m.k0)', 'coalesce(sum!(m.p0)::bigint, 0)']);
    expect(residual(group)).toMatchObject({ aggregated: true, groupBy: [] });
  });

  it('gives one row over nothing without GROUP BY, also when no segment is read', () => {
    const matched = match(
      "select count(*), sum(delay) from flights where date = date '1999-01-01'",
    );
    expect(outcome(matched)).toBe('cuboid');
    expect(scan(matched)).toMatchObject({ segments: [], groupBy: [] });
    expect(residual(matched).where).toBeUndefined();
  });

  it('keeps HAVING above the scan, with and without GROUP BY', () => {
    const having = match('select count(*) from flights having sum(delay) > 5');
    expect(shown(residual(having).where)).toMatch(/^>\(matched_\d+\.p\d, 5/);
    expect(residual(having).aggregated).toBe(false);
  });

  it('groups by nothing but a constant as PostgreSQL does: no row over nothing', () => {
    const matched = match(
      "select carrier, 'x' as c, count(*) from flights group by carrier, c, carrier",
    );
    expect(scan(matched).groupBy).toHaveLength(2);
  });

  it('keeps windows over aggregates above the scan', () => {
    const matched = match(
      'select carrier, sum(count(*)) over (order by carrier) from flights group by 1',
    );
    expect(outcome(matched)).toBe('cuboid');
    expect(residual(matched).outputs[1]!.expr.kind).toBe('window');
  });

  it('asks a single scan for the first rows only', () => {
    const top = match(
      'select carrier, count(*) n from flights group by 1 order by n desc, carrier limit 3 offset 2',
    );
    expect(scan(top).topK?.limit).toBe(5);
    expect(scan(top).topK?.orderBy.map(({ expr }) => shown(expr))).toEqual(['scan.p0', 'scan.k0']);
    const some = match('select carrier, count(*) n from flights group by 1 limit 3 offset 2');
    expect(scan(some).topK).toEqual({ orderBy: [], limit: 5 });
    const having = match(
      'select carrier, count(*) from flights group by 1 having count(*) > 1 order by 2 limit 3',
    );
    expect(scan(having).topK).toBeUndefined();
  });
});

describe('joins', () => {
  const inner = 'select o.state, count(*) from flights f join airports o on f.origin = o.iata';

  it('drops rows without a partner by the snapshot, unless there are none', () => {
    const some = scan(match(`${inner} group by 1`));
    expect(some.lookups).toMatchObject([{ alias: 'origin', snapshot: 'o1', inner: true }]);
    const none = match(`${inner} group by 1`, { unmatched: { ...usual.unmatched, origin: 0n } });
    expect(scan(none).lookups).toEqual([]);
    expect(taken(none)).toEqual(['day origin_state']);
  });

  it('needs no snapshot where a filter rejects rows without a partner', () => {
    expect(scan(match(`${inner} where o.state = 'CA' group by 1`)).lookups).toEqual([]);
    expect(scan(match(`${inner} where o.state is not null group by 1`)).lookups).toEqual([]);
    expect(scan(match(`${inner} where o.state is null group by 1`)).lookups).toHaveLength(1);
    expect(scan(match(`${inner} where not (o.state = 'CA') group by 1`)).lookups).toEqual([]);
    expect(
      scan(match(`${inner} where o.state = 'CA' or f.carrier = 'AA' group by 1`)).lookups,
    ).toHaveLength(1);
    expect(
      scan(match(`${inner} where coalesce(o.state, 'CA') = 'CA' group by 1`)).lookups,
    ).toHaveLength(1);
    // The key is the fact's column under another name, so it does not tell whether there is a partner.
    expect(scan(match(`${inner} where o.iata = 'SFO' group by 1`)).lookups).toHaveLength(1);
  });

  it('refuses an inner join that it cannot tell from the left join of the model', () => {
    const cube = { ...flightsCube, cuboids: [['origin_state', 'carrier']] };
    expect(outcome(match(`${inner} group by 1`, { cube }))).toBe('LOOKUP_UNMATCHED_ROWS');
  });

  it('sees both sides of an inner key as one column, and of a left key not', () => {
    const key =
      'select o.iata, count(*) from flights f join airports o on f.origin = o.iata group by 1';
    expect(outcome(match(key))).toBe('cuboid');
    expect(outcome(match(key.replace('join', 'left join')))).toBe('NOT_IN_MODEL');
  });

  it('tells role-playing lookups apart by their keys', () => {
    const both = match(
      'select o.state, d.state, count(*) from airports d, flights f, airports o where f.origin = o.iata and d.iata = f.destination group by 1, 2',
    );
    const [k0, k1] = scan(both).groupBy.map(({ expr }) => shown(expr));
    expect([k0, k1]).toEqual(['layout.origin_state', 'dest.state']);
  });

  it('joins derived dimensions from the snapshot, and filters them with NULLs as they are', () => {
    const derived = scan(
      match(
        'select count(*) from flights f left join airports d on f.destination = d.iata where d.state is null',
      ),
    );
    expect(derived.lookups).toMatchObject([
      { alias: 'dest', snapshot: 'd1', inner: false, columns: [{ name: 'state' }] },
    ]);
    expect(shown(derived.filter)).toBe('is_null(dest.state)');
  });

  it('does not read rows that an inner join of the model has dropped and the query has not', () => {
    const sql = 'select carrier, count(*) from flights group by 1';
    expect(outcome(match(sql, { unmatched: { ...usual.unmatched, dates: 1n } }))).toBe(
      'LOOKUP_UNMATCHED_ROWS',
    );
    const joined =
      'select carrier, count(*) from flights f join dates d on f.datekey = d.datekey group by 1';
    expect(outcome(match(joined, { unmatched: { ...usual.unmatched, dates: 1n } }))).toBe('cuboid');
  });
});

describe('segments', () => {
  const count = (where: string, change: Partial<World> = {}): MatchedStatement =>
    match(`select carrier, count(*) from flights where ${where} group by 1`, change);
  const read = (matched: MatchedStatement): string =>
    matched.blocks[0]!.scans.flatMap((s) => s.segments.map(({ id }) => id)).join(' ');

  it.each([
    ["date >= date '2001-02-01'", 's1 s2'],
    ["date < date '2001-02-01'", 's0'],
    ["date between date '2001-02-01' and date '2001-02-28'", 's1'],
    ["date = date '2001-03-05'", 's2'],
    ["date in (date '2001-01-05', date '2001-03-05')", 's0 s2'],
    ["date_trunc('month', date) = date '2001-02-01'", 's1'],
    ['extract(year from date) = 2001', 's0 s1 s2'],
    ['extract(year from date) = 1999', ''],
    ["date >= date '2001-01-01' + interval '1 month'", 's1 s2'],
    ["date < date '2001-02-01' or date >= date '2001-03-01'", 's0 s2'],
    ["not (date < date '2001-02-01')", 's0 s1 s2'],
    ["date < date '2001-02-01' or carrier = 'AA'", 's0 s1 s2'],
    ['date is null', ''],
    ['date is not null', 's0 s1 s2'],
  ])('%s reads %s', (where, expected) => {
    expect(read(count(where))).toBe(expected);
  });

  it('drops a time filter that whole segments fulfil, so a layout without the time is enough', () => {
    const whole = count("date >= date '2001-02-01' and date < date '2001-03-01'");
    expect(taken(whole)).toEqual(['carrier']);
    expect(scan(whole).filter).toBeUndefined();
    const cut = count("date >= date '2001-02-10'");
    expect(cut.blocks[0]!.scans.some(({ filter }) => filter !== undefined)).toBe(true);
    expect(taken(cut)).toContain('day origin destination carrier origin_state');
  });

  it('answers a month from a dimension of months, and refuses half of it', () => {
    const cube = { ...flightsCube, cuboids: [['month', 'carrier']] };
    const ranges = [{ kind: 'range' as const, start: micros(2001, 1), end: micros(2002, 1) }];
    const extent = {
      empty: false,
      minimum: micros(2001, 1),
      maximum: micros(2001, 12, 31),
      hasNulls: false,
    };
    const by = (where: string): MatchedStatement => count(where, { cube, ranges, extent });
    expect(shown(scan(by("date >= date '2001-02-01'")).filter)).toBe('>=(layout.month, 11354)');
    expect(outcome(by("date <= date '2001-02-28'"))).toBe('cuboid');
    expect(outcome(by("date > date '2001-01-31'"))).toBe('cuboid');
    expect(outcome(by("date <= date '2001-02-27'"))).toBe('UNALIGNED_TIME_FILTER');
    expect(outcome(by("date > date '2001-02-01'"))).toBe('UNALIGNED_TIME_FILTER');
  });

  it('prunes by the statistics of a joined dimension, and says so', () => {
    const segment: World['segment'] = (s, i) => ({
      ...s,
      layouts: s.layouts.map((l) => ({
        ...l,
        columns: l.columns.map((c) =>
          c.name === 'year' ? { ...c, minimum: 1990 + i, maximum: 1990 + i, hasNulls: false } : c,
        ),
      })),
    });
    const sql = 'select count(*) from flights f join dates d on f.datekey = d.datekey where d.year';
    const one = match(`${sql} = 1991`, { segment });
    expect(scan(one).segments.map(({ id }) => id)).toEqual(['s1']);
    expect(one.blocks[0]!.coverage.prunedSegments).toEqual(['s0', 's2']);
    expect(scan(match(`${sql} in (1990, 1992)`, { segment })).segments).toHaveLength(2);
    expect(scan(match(`${sql} > 2000`, { segment })).segments).toEqual([]);
    expect(scan(match(`${sql} <> 1991`, { segment })).segments).toHaveLength(3);
  });

  it('reads no layout without rows, also where nothing else is left', () => {
    const without =
      (...empty: readonly number[]): World['segment'] =>
      (s, i) => {
        if (!empty.includes(i)) return s;
        return { ...s, layouts: s.layouts.map((l) => ({ ...l, rowCount: 0n, fileDigest: '' })) };
      };
    const sql = 'select carrier, count(*), count(distinct delay) from flights group by 1';
    const some = match(sql, { segment: without(1) });
    expect(outcome(some)).toBe('cuboid');
    for (const { scans, coverage } of some.blocks) {
      expect(scans[0]!.segments.map(({ id }) => id)).toEqual(['s0', 's2']);
      expect(coverage.prunedSegments).toEqual(['s1']);
    }
    const all = match(sql, { segment: without(0, 1, 2) });
    expect(outcome(all)).toBe('cuboid');
    expect(all.blocks.flatMap(({ scans }) => scans[0]!.segments)).toEqual([]);
  });

  it('pushes down what no segment covers, for exactly those ranges', () => {
    const extent = {
      empty: false,
      minimum: micros(2000, 12, 5),
      maximum: micros(2001, 4, 9),
      hasNulls: true,
    };
    const matched = match('select carrier, count(*), avg(delay) from flights group by 1', {
      extent,
    });
    expect(outcome(matched)).toBe('mixed');
    const { holes, coverage, merge } = matched.blocks[0]!;
    expect(holes?.ranges).toEqual([
      { kind: 'range', start: micros(2000, 12, 5), end: micros(2001, 1) },
      { kind: 'range', start: micros(2001, 4), end: micros(2001, 4, 9) + 1n },
      { kind: 'null' },
    ]);
    expect(coverage).toMatchObject({
      segments: ['s0', 's1', 's2'],
      pushedDown: holes?.ranges,
      rejectedRows: 3n,
      asOf: 100n,
    });
    expect(merge).toEqual(['sum', 'sum', 'sum']);
    expect(holes?.query.outputs.map(({ name }) => name)).toEqual(
      matched.blocks[0]!.schema.map(({ name }) => name),
    );
    expect(holes?.query.outputs.map(({ expr }) => shown(expr))).toEqual([
      'r1.carrier',
      'count!()',
      'sum!(r1.delay)',
      'count!(r1.delay)',
    ]);
  });

  it('asks for everything beyond the segments when the source does not tell its extent', () => {
    const { extent: _, ...rest } = usual;
    const state = stateOf(rest);
    const { sourceExtent: __, ...cube } = state.cubes[0]!;
    const matched = matchStatement(
      statementOf('select count(*) from flights'),
      [{ ...state, cubes: [cube] }],
      { cuboids: 'auto' },
    );
    const { holes } = matched.blocks[0]!;
    expect(holes?.ranges.map(({ kind }) => kind)).toEqual(['range', 'range', 'null']);
    expect(shown(holes?.query.where)).toMatch(
      /^or\(<\(r1\.date, 11323\), >=\(r1\.date, 11413\), is_null\(r1\.date\)\)$/,
    );
  });

  it('treats a stale segment as a hole', () => {
    const matched = match('select count(*) from flights', { stale: ['s1'] });
    expect(outcome(matched)).toBe('mixed');
    expect(matched.blocks[0]!.holes?.ranges).toEqual([months(2001, 2, 2)[0]]);
    expect(outcome(match('select count(*) from flights', { stale: ['s0', 's1', 's2'] }))).toBe(
      'STALE',
    );
  });

  it('refuses a hole when push-down is off, and says how', () => {
    const matched = match('select count(*) from flights', { stale: ['s1'], pushDown: false });
    expect(matched.explanations[0]).toMatchObject({
      outcome: 'refused',
      reason: { code: 'PARTIAL_COVERAGE' },
    });
    expect(refusalOf(matched)).toMatchObject({ reason: 'PARTIAL_COVERAGE' });
    const always = match(
      'select fuel, count(*) from flights group by 1',
      {},
      { cuboids: 'always' },
    );
    expect(refusalOf(always)).toMatchObject({ reason: 'NOT_IN_MODEL' });
    expect(refusalOf(match('select count(*) from flights', { pushDown: false }))).toBeUndefined();
  });

  it('sends distinct counts to the source when they would have to be merged', () => {
    const sql = 'select count(distinct delay) from flights';
    expect(outcome(match(sql))).toBe('cuboid');
    expect(outcome(match(sql, { stale: ['s1'] }))).toBe('DISTINCT_NOT_MERGEABLE');
  });

  it('reads segments with different layouts by one scan each', () => {
    const segment: World['segment'] = (s, i) =>
      i === 1
        ? {
            ...s,
            layouts: s.layouts.filter(
              (l) =>
                l.columns.every(({ name }) => name !== 'month') &&
                l.columns.filter(({ role }) => role === 'dimension').length !== 1,
            ),
          }
        : s;
    const matched = match('select carrier, count(*) from flights group by 1', { segment });
    expect(outcome(matched)).toBe('cuboid');
    expect(matched.blocks[0]!.scans).toHaveLength(2);
    expect(
      new Set(matched.blocks[0]!.scans.map((s) => s.groupBy.map(({ name }) => name).join())),
    ).toEqual(new Set(['k0']));
  });

  it('ignores a layout that an older model has built with another meaning', () => {
    const segment: World['segment'] = (s) => ({
      ...s,
      layouts: s.layouts.map((l) => ({ ...l, id: `${l.id}x` })),
    });
    expect(outcome(match('select count(*) from flights', { segment }))).toBe('NOT_IN_ANY_CUBOID');
  });
});

describe('statements of several blocks', () => {
  it('matches each side of a set operation and each subquery', () => {
    const union = match(
      'select carrier from flights group by 1 union all select origin from flights',
    );
    expect(union.explanations.map((e) => e.reason?.code ?? e.outcome)).toEqual([
      'cuboid',
      'NOT_AGGREGATED',
    ]);
    const scalar = match(
      'select carrier, count(*) from flights group by 1 having count(*) > (select count(*) from flights) / 20',
    );
    expect(scalar.explanations.map((e) => e.outcome)).toEqual(['cuboid', 'cuboid']);
    expect(scalar.blocks).toHaveLength(2);
  });

  it('evaluates a condition with a subquery above the scan, over keys that are kept for it', () => {
    const matched = match(
      'select count(*) from flights where carrier in (select station from weather)',
    );
    expect(outcome(matched)).toBe('cuboid');
    expect(scan(matched).groupBy.map(({ expr }) => shown(expr))).toEqual(['layout.carrier']);
    expect(residual(matched)).toMatchObject({ aggregated: true, where: { kind: 'subquery' } });
    expect(outputs(matched)).toEqual(['coalesce(sum!(m.p0)::bigint, 0)']);
  });

  it('expands grouping sets into a union, with windows and order above it', () => {
    const matched = match(
      'select origin, carrier, grouping(origin, carrier), count(*) from flights group by rollup(origin, carrier) order by 4 limit 2',
    );
    expect(matched.explanations.map((e) => e.outcome)).toEqual(['cuboid', 'cuboid', 'cuboid']);
    const top = residual(matched);
    expect(top.limit).toBeDefined();
    expect(top.from[0]).toMatchObject({
      kind: 'query',
      query: { kind: 'set', op: 'union', all: true },
    });
    const matchedTables = matched.blocks.map(({ keyCount }) => keyCount);
    expect(matchedTables).toEqual([2, 1, 0]);
  });

  it('leaves a statement that nothing answers as it was', () => {
    const statement = statementOf('select fuel, count(*) from flights group by rollup(fuel)');
    const state = stateOf({ ranges: [] });
    expect(matchStatement(statement, [state], { cuboids: 'auto' }).residual).toEqual(
      statement.query,
    );
  });

  it('numbers blocks in the order of the text', () => {
    const matched = match(
      'select carrier, n from (select carrier, count(*) n from flights group by 1) t',
    );
    expect(matched.explanations.map(({ block, summary }) => [block, summary])).toEqual([
      [1, 'select carrier, n from t'],
      [2, 'select carrier, n from flights'],
    ]);
  });
});

describe('parameters', () => {
  it('are left in the plan, and prune only when their values are given', () => {
    const sql = 'select carrier, count(*) from flights where date < $1 group by 1';
    const open = match(sql);
    expect(open.blocks[0]!.scans.flatMap((s) => s.segments)).toHaveLength(3);
    expect(shown(scan(open).filter)).toBe('<(layout.day, $1)');
    const known = match(sql, {}, { parameters: [11354] });
    expect(known.blocks[0]!.scans.flatMap((s) => s.segments.map(({ id }) => id))).toEqual(['s0']);
  });
});
