import type { Field } from '@tessera/columnar';
import { beforeAll, expect, test } from 'vitest';
import { bind, loadParser, parse, type QueryRelation, type SelectBlock } from './index.ts';

const columns: Field[] = ['a', 'b'].map((name) => ({
  name,
  type: { kind: 'integer' },
  nullable: true,
}));
const table = { name: { source: 's', table: 't' }, columns };
const catalog = { find: () => table, tables: () => [table.name] };

beforeAll(loadParser);

/** Names of the outputs of the first query in FROM. */
function outputsInFrom(sql: string): string[] {
  const { query } = bind(parse(sql), catalog, { timeZone: 'UTC', now: 0n });
  const relation = (query as SelectBlock).from[0] as QueryRelation;
  expect(relation.columns).toHaveLength((relation.query as SelectBlock).outputs.length);
  return (relation.query as SelectBlock).outputs.map(({ name }) => name);
}

test.each([
  { sql: 'select x from (select a as x, a / 0 as y from t) q', kept: ['x'], why: 'y is not used' },
  { sql: 'select * from (select a as x, b as y from t) q', kept: ['x', 'y'], why: 'all are' },
  { sql: 'select 1 from (select a as x from t) q where x > 1', kept: ['x'], why: 'used in WHERE' },
  {
    sql: 'select count(*) from (select a / 0 as x, b as y from t) q',
    kept: ['x'],
    why: 'one stays, as NULL',
  },
  {
    sql: 'select x from (select distinct a as x, b as y from t) q',
    kept: ['x', 'y'],
    why: 'DISTINCT compares all',
  },
  {
    sql: 'select (select max(b) from t where b = y) from (select a as x, b as y from t) q',
    kept: ['y'],
    why: 'used inside a subquery',
  },
])('$sql keeps $kept: $why', ({ sql, kept }) => {
  expect(outputsInFrom(sql)).toEqual(kept);
});

test('what only a pruned output used is pruned too', () => {
  const sql = 'select x from (select x, y from (select a as x, a / 0 as y from t) p) q';
  const { query } = bind(parse(sql), catalog, { timeZone: 'UTC', now: 0n });
  const outer = (query as SelectBlock).from[0] as QueryRelation;
  const inner = (outer.query as SelectBlock).from[0] as QueryRelation;
  expect((inner.query as SelectBlock).outputs.map(({ name }) => name)).toEqual(['x']);
});
