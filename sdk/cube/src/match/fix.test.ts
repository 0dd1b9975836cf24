import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyFix } from './fix.ts';
import { flights, flightsCube, match, months, usual } from './fixture.ts';

describe('the fix that EXPLAIN CUBOID proposes', () => {
  it.each([
    [
      'select fuel, count(*) from flights group by 1',
      { addDimensions: [{ name: 'fuel_2', column: 'f.fuel' }], addCuboids: [['fuel_2']] },
    ],
    [
      'select carrier, max(price) from flights where delay > 3 group by 1',
      { addMeasures: [{ name: 'max_price', aggregate: 'max', column: 'f.price' }] },
    ],
    [
      "select date_trunc('hour', at), count(*) from flights group by 1",
      {
        addDimensions: [{ name: 'at_hour', column: 'f.at', grain: 'hour' }],
        addCuboids: [['at_hour']],
      },
    ],
    [
      'select origin, d.year, count(*) from flights f join dates d on f.datekey = d.datekey group by 1, 2',
      { addDimensions: [], addMeasures: [], addCuboids: [['origin', 'year']] },
    ],
    [
      'select count(distinct price) from flights',
      { addMeasures: [{ aggregate: 'count_distinct', column: 'f.price' }] },
    ],
  ])('%s', (sql, fix) => {
    expect(match(sql).explanations[0]!.fix).toMatchObject(fix);
  });

  it.each([
    ['sum(price) filter (where fuel > 5)', 'sum', 'sum(f.price) filter (where (f.fuel > 5))'],
    [
      'count(distinct price) filter (where fuel > 5)',
      'count_distinct',
      'count(distinct f.price) filter (where (f.fuel > 5))',
    ],
  ])('names the filter of %s, in what is missing and in the change', (aggregate, kind, missing) => {
    const explanation = match(`select ${aggregate} from flights`).explanations[0]!;
    expect(explanation.reason!.missing).toEqual([missing]);
    expect(explanation.reason!.message).toContain(missing);
    expect(explanation.fix!.addMeasures).toMatchObject([{ filter: '(f.fuel > 5)' }]);
    expect(explanation.fix!.description).toContain(`(${kind} of f.price where (f.fuel > 5))`);
  });

  it('is none where no dimension or measure helps', () => {
    expect(
      match("select string_agg(carrier, ',') from flights").explanations[0]!.fix,
    ).toBeUndefined();
    expect(match('select carrier from flights').explanations[0]!.fix).toBeUndefined();
    expect(
      match('select count(*) from flights', { ranges: [] }).explanations[0]!.fix,
    ).toBeUndefined();
  });

  it('makes the block match once it is applied, whatever the block was', () => {
    let fixed = 0;
    fc.assert(
      fc.property(query(), (sql) => {
        const before = match(sql).explanations[0]!;
        const unfixable = ['JOIN_NOT_IN_MODEL', 'AGGREGATE_NOT_SUPPORTED'];
        if (before.outcome !== 'source' || unfixable.includes(before.reason!.code)) return;
        expect(before.fix, `${sql}\n${before.reason?.message}`).toBeDefined();
        const { model, cube } = applyFix(flights, flightsCube, before.fix!);
        const after = match(sql, { model, cube, ranges: months(2001, 1, 3) }).explanations[0]!;
        expect(after.outcome, `${sql}\n${before.fix!.description}\n${after.reason?.message}`).toBe(
          'cuboid',
        );
        fixed += 1;
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(fixed).toBeGreaterThan(100);
  });

  it('adds the key that tells rows without a partner, where nothing does', () => {
    const dimensions = flights.dimensions.filter(({ column }) => column === 'f.carrier');
    const world = {
      model: { ...flights, dimensions },
      cube: { ...flightsCube, cuboids: [['carrier']] },
    };
    const sql =
      'select carrier, count(*) from flights f join airports o on f.origin = o.iata group by 1';
    const fix = match(sql, world).explanations[0]!.fix!;
    expect(fix.addDimensions).toEqual([{ name: 'iata', column: 'origin.iata' }]);
    const after = match(sql, applyFix(world.model, world.cube, fix)).explanations[0]!;
    expect(after.outcome).toBe('cuboid');
  });

  it('is none where the model drops rows that the block wants', () => {
    const sql = 'select fuel, count(*) from flights group by 1';
    const unmatched = { ...usual.unmatched, dates: 3n };
    expect(match(sql, { unmatched }).explanations[0]!.fix).toBeUndefined();
    expect(match(sql).explanations[0]!.fix).toBeDefined();
  });

  it('keeps what is derived derived: its cuboid names the key', () => {
    const sql =
      'select d.state, o.state, f.fuel, count(*) from flights f join airports d on f.destination = d.iata left join airports o on f.origin = o.iata group by 1, 2, 3';
    const before = match(sql).explanations[0]!;
    expect(before.fix?.addCuboids[0]).toEqual(['destination', 'origin_state', 'fuel_2']);
    expect(usual.unmatched['dest']).toBe(0n);
  });
});

function query(): fc.Arbitrary<string> {
  const keys = fc.uniqueArray(
    fc.constantFrom(
      ...[
        'f.carrier',
        'f.origin',
        'f.fuel',
        'f.price',
        'o.state',
        'o.elevation',
        'd.state',
        'd.name',
        'f.seen',
      ],
      ...["date_trunc('month', f.date)", "date_trunc('week', f.date)", "date_trunc('day', f.at)"],
      ...[
        'extract(year from f.date)',
        'extract(hour from f.at)',
        'upper(f.destination)',
        'f.delay + 1',
      ],
      ...["case when f.delay > 10 then 'late' else f.carrier end", 'coalesce(o.state, d.state)'],
    ),
    { maxLength: 3 },
  );
  const aggregates = fc.uniqueArray(
    fc.constantFrom(
      ...[
        'count(*)',
        'count(f.price)',
        'sum(f.delay)',
        'sum(f.fuel * 2)',
        'min(f.price)',
        'avg(f.speed)',
      ],
      ...[
        'sum(f.delay * f.distance)',
        'count(*) filter (where f.fuel > 3)',
        'var_samp(f.distance)',
        'max(d.name)',
      ],
      ...[
        "sum(case when f.carrier = 'AA' then f.price else 0 end)",
        'count(distinct f.fuel)',
        'stddev(f.speed)',
      ],
    ),
    { minLength: 1, maxLength: 3 },
  );
  const filters = fc.uniqueArray(
    fc.constantFrom(
      ...["f.carrier = 'AA'", 'f.fuel between 1 and 9', "o.state like 'C%'", 'd.state is null'],
      ...[
        "f.date >= date '2001-02-10'",
        "f.at < timestamp '2001-02-10 12:30'",
        'not (f.delay > 15)',
      ],
      ...["f.carrier = 'AA' or f.fuel in (1, 2)", 'f.delay > 15', 'extract(month from f.date) = 2'],
    ),
    { maxLength: 2 },
  );
  const joins = fc.tuple(
    fc.constantFrom('join', 'left join'),
    fc.constantFrom('join', 'left join'),
  );
  return fc.tuple(keys, aggregates, filters, joins).map(([by, over, where, [o, d]]) => {
    const group = by.length === 0 ? '' : ` group by ${by.map((_, i) => i + 1).join(', ')}`;
    const condition =
      where.length === 0 ? '' : ` where ${where.map((w) => `(${w})`).join(' and ')}`;
    return `select ${[...by, ...over].join(', ')} from flights f ${o} airports o on f.origin = o.iata ${d} airports d on f.destination = d.iata${condition}${group}`;
  });
}
