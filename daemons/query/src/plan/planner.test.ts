import { systemClock } from '@tessera/base';
import { type BindCatalog, loadParser } from '@tessera/sql';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { Planner, type PlanRequest } from './planner.ts';

const columns = [
  { name: 'a', type: { kind: 'integer' }, nullable: true },
  { name: 'b', type: { kind: 'text' }, nullable: true },
  { name: 'd', type: { kind: 'timestamp' }, nullable: true },
] as const;
const tables: BindCatalog = {
  find: (table) => (table === 'x' ? { name: { source: 's', table: 'x' }, columns } : undefined),
  tables: () => [{ source: 's', table: 'x' }],
};
const snapshot = (generation: number): CatalogSnapshot => ({
  project: 'default',
  revision: 1n,
  generation,
  sources: new Map(),
  sourceFailures: new Map(),
  closedSources: new Set(),
  tables,
  models: [],
  cubes: new Map(),
  modelFailures: [],
  versions: new Map(),
  stateOf: () => Promise.reject(new Error('there are no models')),
});
const request = (sql: string, over: Partial<PlanRequest> = {}): PlanRequest => ({
  sql,
  parameters: [],
  parameterTypes: [],
  settings: { timeZone: 'UTC', useCuboids: 'auto' },
  ...over,
});

const plan = (planner: Planner, asked: PlanRequest, catalog: CatalogSnapshot) =>
  planner.plan(asked, catalog, AbortSignal.timeout(60_000));

beforeAll(() => loadParser());

describe('the plan cache', () => {
  test.each([
    ["select date_trunc('month', d) from x", "select date_trunc('day', d) from x"],
    ['select a, b from x', 'select b, a from x'],
    ['select a from x limit 1', 'select a from x limit 100'],
    [
      'select count(*) filter (where a > 15) from x',
      'select count(*) filter (where a > 20) from x',
    ],
    ['select a as p from x', 'select a as q from x'],
    ['select a from x order by a', 'select a from x order by a desc'],
    ["select a from x where b = '1'", "select a from x where b = '2'"],
  ])('keeps %s and %s apart', async (left, right) => {
    const planner = new Planner(100, systemClock);
    const catalog = snapshot(1);
    const first = await plan(planner, request(left), catalog);
    const second = await plan(planner, request(right), catalog);
    expect(second.cached).toBe(false);
    expect(second.plan).not.toBe(first.plan);
  });

  test('finds a plan by its text, and by its meaning', async () => {
    const planner = new Planner(100, systemClock);
    const catalog = snapshot(1);
    const found = await plan(planner, request('select a from x'), catalog);
    expect(await plan(planner, request('select a from x'), catalog)).toEqual({
      ...found,
      cached: true,
    });
    expect((await plan(planner, request('SELECT  x.a\nFROM s.x'), catalog)).plan).toBe(found.plan);
  });

  test.each([
    {
      why: 'the zone',
      over: { settings: { timeZone: 'Asia/Tokyo', useCuboids: 'auto' as const } },
    },
    {
      why: 'the use of cuboids',
      over: { settings: { timeZone: 'UTC', useCuboids: 'never' as const } },
    },
  ])('counts $why', async ({ over }) => {
    const planner = new Planner(100, systemClock);
    const catalog = snapshot(1);
    await plan(planner, request('select a from x'), catalog);
    expect((await plan(planner, request('select a from x', over), catalog)).cached).toBe(false);
  });

  test('starts anew with another snapshot, and with another value of a parameter', async () => {
    const planner = new Planner(100, systemClock);
    const catalog = snapshot(1);
    const sql = 'select a from x where a = $1';
    await plan(planner, request(sql, { parameters: [1] }), catalog);
    expect((await plan(planner, request(sql, { parameters: [1] }), catalog)).cached).toBe(true);
    expect((await plan(planner, request(sql, { parameters: [2] }), catalog)).cached).toBe(false);
    expect((await plan(planner, request(sql, { parameters: [1] }), snapshot(2))).cached).toBe(
      false,
    );
  });

  test('does not take yesterday for today', async () => {
    let now = 0n;
    const planner = new Planner(100, { ...systemClock, now: () => now });
    const catalog = snapshot(1);
    const sql = 'select a from x where d > now()';
    await plan(planner, request(sql), catalog);
    now = 86_400_000_000n;
    expect((await plan(planner, request(sql), catalog)).cached).toBe(false);
  });

  test('forgets what was used longest ago', async () => {
    const planner = new Planner(2, systemClock);
    const catalog = snapshot(1);
    for (const limit of [1, 2, 3])
      await plan(planner, request(`select a from x limit ${limit}`), catalog);
    expect((await plan(planner, request('select a from x limit 3'), catalog)).cached).toBe(true);
    expect((await plan(planner, request('select a from x limit 1'), catalog)).cached).toBe(false);
  });
});
