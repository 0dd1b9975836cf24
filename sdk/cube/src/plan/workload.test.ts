import { describe, expect, test } from 'vitest';
import { dimensionsOf } from '../cuboid.ts';
import { statementOf, stateOf, usual } from '../match/fixture.ts';
import type { PlanQuery } from './plan-query.ts';
import { questionsOfModel, storedDimensions, WorkloadReader } from './workload.ts';

const { model } = stateOf();
const reader = new WorkloadReader({
  model,
  ranges: usual.ranges,
  extent: usual.extent!,
  unmatchedRows: usual.unmatched,
});
const namesOf = ({ cuboid }: PlanQuery) =>
  dimensionsOf(cuboid).map((dimension) => model.dimensions[dimension]!.name);
const filtersOf = ({ filters }: PlanQuery) =>
  filters.map(({ dimension, values }) => `${model.dimensions[dimension]!.name}=${values ?? '?'}`);
const read = (sql: string) => reader.statement(statementOf(sql), sql, 2);

describe('WorkloadReader', () => {
  test.each([
    {
      sql: 'select carrier, count(*) from flights group by 1',
      dimensions: ['carrier'],
      filters: [],
      why: 'what it groups by',
    },
    {
      sql: "select carrier, count(*) from flights where origin = 'SFO' group by 1",
      dimensions: ['origin', 'carrier'],
      filters: ['origin=1'],
      why: 'what it filters by as well',
    },
    {
      sql: "select count(*) from flights where origin in ('SFO', 'LAX', 'OAK')",
      dimensions: ['origin'],
      filters: ['origin=3'],
      why: 'a list has as many values as it names',
    },
    {
      sql: "select count(*) from flights where carrier > 'AA'",
      dimensions: ['carrier'],
      filters: ['carrier=?'],
      why: 'a range may be anything',
    },
    {
      sql: 'select d.state, sum(f.delay) from flights f left join airports d on f.destination = d.iata group by 1',
      dimensions: ['destination'],
      filters: [],
      why: 'a derived dimension is its key',
    },
    {
      sql: "select carrier, count(*) from flights where date >= '2001-02-01' and date < '2001-03-01' group by 1",
      dimensions: ['carrier'],
      filters: [],
      why: 'a time range of whole segments needs no dimension',
    },
    {
      sql: "select carrier, count(*) from flights where date >= '2001-02-10' group by 1",
      dimensions: ['day', 'carrier'],
      filters: ['day=?'],
      why: 'a time range that cuts a segment needs the grain',
    },
  ])('$sql: $why', ({ sql, dimensions, filters }) => {
    const { queries, refusals } = read(sql);
    expect(refusals).toEqual([]);
    expect(queries.map(namesOf)).toEqual([dimensions]);
    expect(queries.map(filtersOf)).toEqual([filters]);
    expect(queries[0]).toMatchObject({ text: sql, weight: 2 });
  });

  test('an exact distinct count reads its companion, beside the rows for the other measures', () => {
    const { queries } = read(
      'select carrier, count(distinct delay), sum(distance) from flights group by 1',
    );
    const part = model.measures.find(({ name }) => name === 'places')!.parts[0]!;
    expect(queries.map(({ companion }) => companion).sort()).toEqual([part.column, undefined]);
    expect(queries.map(namesOf)).toEqual([['carrier'], ['carrier']]);
  });

  test('each set of ROLLUP is a query of its own', () => {
    const { queries } = read(
      'select carrier, origin, count(*) from flights group by rollup (carrier, origin)',
    );
    expect(queries.map(namesOf)).toEqual([['origin', 'carrier'], ['carrier'], []]);
  });

  test.each([
    { sql: 'select price, count(*) from flights group by 1', code: 'NOT_IN_MODEL' },
    { sql: 'select avg(speed * 2) from flights', code: 'NOT_IN_MODEL' },
    { sql: 'select * from flights limit 5', code: 'NOT_AGGREGATED' },
    { sql: 'select station, count(*) from weather group by 1', code: 'FACT_NOT_IN_MODEL' },
  ])('$sql is refused: $code', ({ sql, code }) => {
    const { queries, refusals } = read(sql);
    expect(queries).toEqual([]);
    expect(refusals.map((each) => each.code)).toEqual([code]);
  });

  test('a logged block gives its dimensions; names that are gone are left out', () => {
    const logged = { dimensions: ['carrier', 'dest_state', 'gone'], measures: ['delay'] };
    const [query] = reader.logged(logged, 'q', 5);
    expect(namesOf(query!)).toEqual(['destination', 'carrier']);
    expect(query!.weight).toBe(5);
  });
});

describe('questionsOfModel', () => {
  test('asks for each stored dimension and each pair of them, with the weight that is given', () => {
    const questions = questionsOfModel(model, 10);
    const stored = storedDimensions(model).length;
    expect(questions).toHaveLength(stored + (stored * (stored - 1)) / 2);
    expect(questions.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(10);
    expect(questions.some((question) => namesOf(question).includes('dest_state'))).toBe(false);
  });
});
