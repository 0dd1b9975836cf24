import type { ModelState, SourceVersion } from '@tessera/cube';
import { expect, test } from 'vitest';
import { segmentFreshness } from './segment-freshness.ts';
import type { CatalogSnapshot } from './snapshot.ts';

const known = (token: string): SourceVersion => ({ known: true, token });
const untold: SourceVersion = { known: false, token: '' };
const tableOf = (table: string) => ({ alias: table, table: { source: 's', table }, columns: [] });

/** One segment of a fact and a lookup, built from version 1 of each. */
function snapshotOf(now: Readonly<Record<string, SourceVersion>>, freshness = 'strict') {
  const model = { name: 'm', fact: tableOf('fact'), lookups: [tableOf('lookup')], freshness };
  const sourceVersions = { 's.fact': known('1'), 's.lookup': known('1') };
  const cubes = [{ name: 'projects/p/cubes/c', segments: [{ id: 'a', sourceVersions }] }];
  const state = { model, cubes } as unknown as ModelState;
  const versions = new Map(Object.entries(now));
  const names = new Map([['m', cubes.map(({ name }) => name)]]);
  const snapshot = { models: [model], cubes: names, versions, stateOf: async () => state };
  return snapshot as unknown as CatalogSnapshot;
}

test.each([
  { fact: known('1'), lookup: known('1'), freshness: 'current', changed: [] },
  { fact: known('1'), lookup: known('2'), freshness: 'stale', changed: ['s.lookup'] },
  { fact: known('2'), lookup: untold, freshness: 'stale', changed: ['s.fact'] },
  { fact: known('1'), lookup: untold, freshness: 'unknown', changed: [] },
])('$fact.token, $lookup.token: $freshness', async ({ fact, lookup, freshness, changed }) => {
  for (const asked of ['strict', 'built']) {
    const snapshot = snapshotOf({ 's.fact': fact, 's.lookup': lookup }, asked);
    const segment = 'projects/p/cubes/c/segments/a';
    expect(await segmentFreshness(snapshot, undefined, AbortSignal.timeout(60_000))).toEqual([
      { segment, freshness, changedTables: changed },
    ]);
  }
});
