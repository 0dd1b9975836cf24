import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '@tessera/base';
import { type CuboidUse, query, wait } from '@tessera/client';
import { scheduler } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { reasonOf, ScratchPlatform } from '../lifecycle/scratch-platform.ts';
import { applyFile } from '../test-platform.ts';

const cube = 'projects/default/cubes/visits';
const rows = 6_000;

/** Visits of two months: 5 browsers, 40 pages, about 2,000 visitors, each day. */
function writeVisits(folder: string): void {
  const { integer } = seededRandom(5);
  const lines = Array.from({ length: rows }, () => {
    const day = `2024-0${integer(1, 2)}-${String(integer(1, 28)).padStart(2, '0')}`;
    return `${day},b${integer(1, 5)},p${integer(1, 40)},${integer(1, 2000)},${integer(1, 99)}`;
  });
  writeFileSync(
    join(folder, 'visits.csv'),
    ['day,browser,page,visitor,ms', ...lines, ''].join('\n'),
  );
}

const yaml = (keeps: string) => `apiVersion: tessera/v1
kind: Source
name: web
use: "@tessera/connector-files"
config:
  tables:
    visits: { path: visits.csv, columns: { day: date, browser: text, page: text, visitor: integer, ms: integer } }
---
apiVersion: tessera/v1
kind: Model
name: visits
fact: { source: web, table: visits, alias: v }
partition: { column: v.day, grain: month }
dimensions:
  - { name: day, column: v.day }
  - { name: browser, column: v.browser }
  - { name: page, column: v.page }
  - { name: visitor, column: v.visitor }
measures:
  - { name: visits, aggregate: count }
  - { name: ms, aggregate: sum, column: v.ms }
---
apiVersion: tessera/v1
kind: Cube
name: visits
model: visits
${keeps}
segments: { every: month }
`;

async function startWith(keeps: string): Promise<ScratchPlatform> {
  const platform = await ScratchPlatform.start();
  writeVisits(platform.folder);
  const file = join(platform.folder, 'visits.yaml');
  writeFileSync(file, yaml(keeps));
  await applyFile(platform.client, file);
  return platform;
}

async function plan(
  { client }: ScratchPlatform,
  request: Parameters<ScratchPlatform['client']['builds']['planCube']>[0] = {},
): Promise<scheduler.PlanCubeResponse> {
  const operation = await client.builds.planCube({ cube, ...request });
  return wait(client.operations, operation, { response: scheduler.PlanCubeResponse });
}

const takenOf = ({ candidates }: scheduler.PlanCubeResponse) =>
  candidates.filter(({ taken }) => taken).map(({ dimensions }) => dimensions.toSorted().join());

const byPage = 'select page, count(*) from visits group by 1';
const byBrowserOnPage = "select browser, sum(ms) from visits where page = 'p7' group by 1";

async function ask({ client }: ScratchPlatform, sql: string, useCuboids: CuboidUse = 'auto') {
  const { rows: found, summary } = await query(client.queries, sql, {
    useCuboids,
  });
  return { rows: found.map((row) => row.map(String).join()).sort(), plan: summary.planKind };
}

describe('planning a cube', () => {
  test('within a budget takes what pays, and says of every candidate what it would take and give', async () => {
    await using platform = await startWith('planner: { budget: 30KB }');
    const response = await plan(platform, {
      queries: [
        { sql: byPage, weight: 10 },
        { sql: byBrowserOnPage, weight: 5 },
      ],
    });
    expect(response).toMatchObject({ sourceRows: BigInt(rows), sampledRows: BigInt(rows) });
    expect(response.sourceBytes).toBeGreaterThan(100_000n);
    expect(response.budgetBytes).toBe(30_000n);
    expect(response.plannedBytes).toBeLessThanOrEqual(30_000n);
    expect(response.workloadMicrosAfter).toBeLessThan(response.workloadMicrosBefore / 2);
    const small = response.candidates.find(
      ({ dimensions }) => dimensions.join() === 'page,browser',
    );
    // 200 combinations, nearly all of them in each of two segments; the page comes first because it is filtered by.
    expect(Number(small?.rowCount)).toBeGreaterThan(390);
    expect(Number(small?.rowCount)).toBeLessThanOrEqual(400);
    const large = response.candidates.find(({ dimensions }) => dimensions.length === 4)!;
    expect(large).toMatchObject({ taken: false, reasonCode: 'OVER_BUDGET' });
    expect(takenOf(response).some((dimensions) => dimensions.includes('page'))).toBe(true);
    const codes = new Set(response.candidates.map(({ reasonCode }) => reasonCode));
    expect([...codes].every((code) => code !== '')).toBe(true);
    const stored = await platform.client.cubes.getCube({ name: cube });
    expect(stored.plan).toBeUndefined();
  });

  test('refuses what nothing can answer, and plans for the rest', async () => {
    await using platform = await startWith('planner: { budget: 1MB }');
    const { refusals } = await plan(platform, {
      queries: [
        { sql: 'select ms, count(*) from visits group by 1', weight: 3 },
        { sql: 'select colour from visits', weight: 0 },
        { sql: byPage, weight: 1 },
      ],
    });
    expect(refusals.map(({ reasonCode, weight }) => [reasonCode, weight])).toEqual([
      ['NOT_IN_MODEL', 3],
      ['UNKNOWN_COLUMN', 1],
    ]);
  });

  test('knows what was asked from the query log', async () => {
    await using platform = await startWith('cuboids: [[day]]');
    await platform.build({ cube });
    for (let i = 0; i < 3; i++) await ask(platform, byBrowserOnPage);
    const weightOf = (response: scheduler.PlanCubeResponse) =>
      response.candidates.find(({ dimensions }) => dimensions.length === 4)!.answeredWeight;
    expect(weightOf(await plan(platform, { ignoreQueryLog: true }))).toBeCloseTo(1);
    expect(weightOf(await plan(platform))).toBeCloseTo(3.3);
  });

  test('applied, becomes the cube’s plan, is built and answers', async () => {
    await using platform = await startWith('cuboids: [[day]]');
    const response = await plan(platform, {
      budget: '1MB',
      queries: [{ sql: byBrowserOnPage, weight: 1 }],
      apply: true,
    });
    expect(response.candidates[0]).toMatchObject({ dimensions: ['day'], reasonCode: 'PINNED' });
    const { plan: stored } = await platform.client.cubes.getCube({ name: cube });
    const kept = stored!.cuboids.map(({ names }) => names.toSorted().join());
    expect(['day', ...kept].sort()).toEqual(takenOf(response).sort());
    await platform.build({ cube });
    const answer = await ask(platform, byBrowserOnPage);
    expect(answer).toEqual({ ...(await ask(platform, byBrowserOnPage, 'never')), plan: 'cuboid' });
    const again = await plan(platform, { budget: '1MB', ignoreQueryLog: true });
    expect(again.plannedBytes).toBeLessThanOrEqual(1_000_000n);
  });

  test('a budget that is none is refused', async () => {
    await using platform = await startWith('cuboids: [[day]]');
    expect(await reasonOf(plan(platform, { budget: 'much' }))).toBe('BUDGET_INVALID');
  });
});

describe('building a cube that has a planner and no cuboids', () => {
  test('plans first, and a second build keeps to that plan', async () => {
    await using platform = await startWith('planner: { budget: 300KB }');
    const first = await platform.build({ cube });
    expect(first.segments).toHaveLength(2);
    const { plan: stored } = await platform.client.cubes.getCube({ name: cube });
    expect(stored!.cuboids.length).toBeGreaterThan(0);
    const answer = await ask(platform, byPage);
    expect(answer).toEqual({ ...(await ask(platform, byPage, 'never')), plan: 'cuboid' });
    expect((await platform.build({ cube })).segments).toEqual([]);
    expect((await platform.client.cubes.getCube({ name: cube })).plan).toEqual(stored);
  });

  test('with a budget too small for any cuboid ends with what to do', async () => {
    await using platform = await startWith('planner: { budget: 10B }');
    expect(await reasonOf(platform.build({ cube }))).toBe('NO_CUBOIDS');
  });
});
