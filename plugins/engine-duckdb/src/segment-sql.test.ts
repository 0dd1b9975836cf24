import { valueAt } from '@tessera/columnar';
import type { BuildPlan } from '@tessera/cube';
import { DuckDb } from '@tessera/duckdb';
import { call, type Expr, lit, type } from '@tessera/sql';
import { describe, expect, it } from 'vitest';
import { anySegmentSql, segmentSql } from './segment-sql.ts';

type Segments = BuildPlan['segments'];

const day: Expr = { kind: 'column', type: type.integer, relation: 'f', name: 'day' };
const isNull = call('is_null', type.boolean, [day]);

function range(start: number, end: number): Segments[number] {
  const from = call('>=', type.boolean, [day, lit.int(start)]);
  const until = call('<', type.boolean, [day, lit.int(end)]);
  const predicate = call('and', type.boolean, [from, until]);
  return { id: `${start}`, range: { kind: 'all' }, predicate };
}

const adjoining = (count: number): Segments =>
  Array.from({ length: count }, (_, i) => range(i * 10, i * 10 + 10));

/** Segments of the days -5 to 405 and of NULL, as `day:ordinal`. */
async function ordinals(segments: Segments): Promise<string[]> {
  await using database = await DuckDb.open();
  const where = anySegmentSql(segments);
  const batch = await database.run(
    `SELECT day::VARCHAR AS day, (${segmentSql(segments)})::INTEGER AS ordinal
     FROM (SELECT unnest(range(-5, 405))::INTEGER AS day UNION ALL SELECT NULL) AS f
     ${where === undefined ? '' : `WHERE ${where}`} ORDER BY f.day NULLS LAST`,
  );
  const [days, found] = batch.columns;
  return Array.from(
    { length: batch.rowCount },
    (_, row) => `${valueAt(days!, row)}:${valueAt(found!, row)}`,
  );
}

const expected = (from: number, to: number, ordinal: (day: number) => number) =>
  Array.from({ length: to - from }, (_, i) => `${from + i}:${ordinal(from + i)}`);

describe('the segment of a row', () => {
  it.each([1, 2, 7, 17, 40])('is found among %i ranges without gaps', async (count) => {
    const found = await ordinals(adjoining(count));
    expect(found).toEqual(expected(0, count * 10, (value) => Math.floor(value / 10)));
  });

  it('compares once per range where ranges adjoin', () => {
    expect(segmentSql(adjoining(7))).not.toContain('CASE');
    expect(anySegmentSql(adjoining(7))).not.toContain('OR');
  });

  it('is found among ranges with a gap, out of order, and beside rows without a value', async () => {
    const gap = await ordinals([range(0, 10), range(20, 30)]);
    expect(gap).toEqual([...expected(0, 10, () => 0), ...expected(20, 30, () => 1)]);
    const backwards = await ordinals([range(10, 20), range(0, 10)]);
    expect(backwards).toEqual([...expected(0, 10, () => 1), ...expected(10, 20, () => 0)]);
    const nulls: Segments[number] = { id: 'null', range: { kind: 'null' }, predicate: isNull };
    expect(await ordinals([range(0, 10), nulls])).toEqual([...expected(0, 10, () => 0), 'null:1']);
  });

  it('is the only one when it takes everything', async () => {
    const all = await ordinals([{ id: 'all', range: { kind: 'all' } }]);
    expect(all).toEqual([...expected(-5, 405, () => 0), 'null:0']);
  });
});
