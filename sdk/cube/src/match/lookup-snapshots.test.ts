import { describe, expect, it } from 'vitest';
import type { ModelState } from '../matched.ts';
import type { Segment } from '../segment.ts';
import { match, statementOf, stateOf, usual, type World } from './fixture.ts';
import { maxSnapshotValues } from './lookup-snapshots.ts';
import { matchStatement, refusalOf } from './match-statement.ts';

const sql = 'select state, count(*) from airports group by 1';
const matchIn = (state: ModelState, text = sql) =>
  matchStatement(statementOf(text), [state], { cuboids: 'auto' });
const explained = (matched: ReturnType<typeof match>) => {
  const [{ outcome, reason, candidates }] = matched.explanations as [
    (typeof matched.explanations)[0],
  ];
  return { outcome, reason, codes: candidates.map((candidate) => candidate.reason.code) };
};
/** Changes what is known of one snapshot. */
const withSnapshot = (id: string, change: object): ModelState => {
  const state = stateOf();
  const snapshot = { ...state.snapshots.get(id)!, ...change };
  return { ...state, snapshots: new Map([...state.snapshots, [id, snapshot]]) };
};

describe('a block on lookups alone', () => {
  it('is read from the snapshot that all segments were built with', () => {
    const matched = match(sql);
    expect(explained(matched)).toMatchObject({ outcome: 'snapshot', codes: ['TAKEN'] });
    const [block] = matched.blocks;
    expect(block).toMatchObject({ scans: [], snapshot: { id: 'o1' }, cube: 'cubes/flights' });
    expect(block!.schema.map(({ name }) => name)).toEqual(['state']);
    expect(block!.coverage).toMatchObject({
      ...{ segments: ['s0', 's1', 's2'], snapshots: ['o1'], rejectedRows: 2n, asOf: 100n },
    });
  });

  it.each([
    'select * from airports where iata like $1 order by 1 limit 3',
    'select a.name, country from airports a, cities c where a.city_id = c.id',
    'select a.name, b.name from airports a full join airports b on a.iata < b.iata',
    'select distinct upper(state), rank() over (order by elevation) from airports',
    "select state, string_agg(name, ',') from airports group by rollup (state)",
    'select c.country, (select count(*) from airports a where a.city_id = c.id) from cities c',
    'with big as (select state from airports group by 1) select * from big union select country from cities',
    'select * from (select iata, state from airports) x where state is null',
    'select a.name, n from airports a join (select origin, count(*) as n from flights group by 1) f on a.iata = f.origin',
  ])('leaves no table to its source: %s', (text) => {
    const residual = JSON.stringify(match(text).residual, (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    );
    expect(residual).not.toContain('"kind":"table"');
  });

  it('is joined to a fact that only the source can read', () => {
    const matched = match('select * from flights where origin in (select iata from airports)');
    expect(matched.explanations.map(({ outcome }) => outcome)).toEqual(['source', 'snapshot']);
  });

  it('reads each relation once, with the columns of all grouping sets', () => {
    const matched = match('select state, name, count(*) from airports group by cube (1, 2)');
    expect(matched.blocks.map(({ schema }) => schema.map(({ name }) => name))).toEqual([
      ['name', 'state'],
    ]);
  });

  const cases: readonly {
    readonly why: string;
    readonly code: string;
    readonly change: Partial<World>;
  }[] = [
    { why: 'nothing is built', code: 'NO_READY_SEGMENT', change: { ranges: [] } },
    { why: 'all segments are stale', code: 'STALE', change: { stale: ['s0', 's1', 's2'] } },
    {
      why: 'segments were built with different ones',
      code: 'SNAPSHOTS_DIFFER',
      change: {
        segment: (segment: Segment, i: number) =>
          i === 0 ? segment : { ...segment, snapshots: { origin: 'o2', dest: 'd2' } },
      },
    },
    {
      why: 'segments were built with one that is not known',
      code: 'SNAPSHOT_MISSING',
      change: { segment: (segment: Segment) => ({ ...segment, snapshots: { origin: 'gone' } }) },
    },
  ];
  it.each(cases)('is left to the source when $why', ({ code, change }) => {
    const { outcome, reason, codes } = explained(match(sql, change));
    expect({ outcome, codes, reason: reason?.code }).toEqual({
      ...{ outcome: 'source', codes: [code], reason: 'LOOKUP_ONLY' },
    });
  });

  it('is left to the source when the snapshot lacks a column, has it in another type, or is large', () => {
    const lacking = matchIn(withSnapshot('o1', { columns: [] }));
    expect(explained(lacking).codes).toEqual(['SNAPSHOT_COLUMNS']);
    const columns = [{ name: 'state', type: { kind: 'integer' } }];
    const retyped = matchIn(withSnapshot('o1', { columns }));
    expect(explained(retyped).codes).toEqual(['SNAPSHOT_COLUMNS']);
    const large = withSnapshot('o1', { rowCount: BigInt(maxSnapshotValues) / 2n + 1n });
    expect(explained(matchIn(large)).codes).toEqual(['TAKEN']);
    const wider = matchIn(large, 'select name, state from airports');
    expect(explained(wider).codes).toEqual(['SNAPSHOT_TOO_LARGE']);
  });

  it('counts segments that are not stale, and one role of the table that they agree on', () => {
    const segment = (each: Segment, i: number): Segment => ({
      ...each,
      snapshots: { ...each.snapshots, origin: `old${i}` },
    });
    const agreed = match(sql, { segment });
    expect(agreed.blocks[0]!.snapshot!.id).toBe('d1');
    const stale = match(sql, {
      stale: ['s0'],
      segment: (each, i) => (i === 0 ? { ...each, snapshots: { origin: 'o0' } } : each),
    });
    expect(stale.blocks[0]!.coverage.segments).toEqual(['s1', 's2']);
  });

  it('takes the cube that was built last', () => {
    const state = stateOf();
    const later = stateOf({
      segment: (segment) => ({ ...segment, builtAt: 500n, snapshots: { origin: 'd1' } }),
    }).cubes[0]!;
    const both = { ...state, cubes: [...state.cubes, { ...later, name: 'cubes/later' }] };
    const matched = matchIn(both);
    expect(matched.blocks[0]!.snapshot!.id).toBe('d1');
    expect(explained(matched).codes).toEqual(['TAKEN', 'SNAPSHOT_OLDER']);
  });

  it('is refused when nothing can answer it and push-down is off', () => {
    const matched = match(sql, { ...usual, ranges: [], pushDown: false });
    expect(refusalOf(matched)?.reason).toBe('LOOKUP_ONLY');
    expect(refusalOf(match(sql, { pushDown: false }))).toBeUndefined();
  });

  it('is never read from a snapshot when cuboids are off', () => {
    const matched = match(sql, {}, { cuboids: 'never' });
    expect(explained(matched)).toMatchObject({ outcome: 'source', codes: [] });
  });
});
