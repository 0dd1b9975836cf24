import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listAll } from '@tessera/client';
import { metadata } from '@tessera/proto';
import { describe, expect, test, vi } from 'vitest';
import { answers, appendSales, ask, cube, expected, filesBelow, monthLines } from './sales.ts';
import { ScratchPlatform } from './scratch-platform.ts';

// Whole platforms start and build here, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

/** Time in which the source has no rows, on the whole platform, each time compared with DuckDB on the files. */
const ahead = ['9999-12-31,web,1,5', '9999-12-31,shop,3,6'];
const months = ['2024-01', '2024-02', '2024-03'];

async function withDateAhead(options: Parameters<typeof ScratchPlatform.withSales>[0] = {}) {
  const platform = await ScratchPlatform.withSales(options);
  appendSales(platform.folder, ahead);
  return platform;
}

async function expectRight(platform: ScratchPlatform, plan = 'cuboid') {
  const found = await answers(platform.client);
  expect(found.map(({ rows }) => rows)).toEqual(await expected(platform.folder));
  for (const answer of found) expect(answer.plan).toBe(plan);
}

async function layoutsOf({ client }: ScratchPlatform, segment: string) {
  const { resources } = await listAll(client, 'segments', { parent: cube });
  return resources.find(({ name }) => name === `${cube}/segments/${segment}`)!.layouts;
}

const run = '2024-04-01_9999-12-01';

describe('a date far ahead', () => {
  test('makes one segment without files of all the time before it', async () => {
    await using platform = await withDateAhead();
    const built = await platform.build();
    expect(built.segments).toEqual([...months, run, '9999-12', 'null']);
    expect(built.sourceRows).toBe(124n);
    const layouts = await layoutsOf(platform, run);
    expect(layouts.length).toBeGreaterThan(0);
    expect(layouts.filter(({ file, rowCount }) => file !== '' || rowCount > 0n)).toEqual([]);
    const files = filesBelow(join(platform.storageFolder, 'cuboids'));
    expect(files.filter((file) => file.includes(run))).toEqual([]);
    await expectRight(platform);
    expect((await platform.build()).segments).toEqual([]);
  });

  test('lets everything that has a file be loaded again after a restart', async () => {
    await using platform = await withDateAhead();
    await platform.build();
    await platform.restart();
    const { storage } = platform.client;
    await vi.waitFor(
      async () => {
        const { layouts } = await storage.getStats({ cube });
        expect(layouts.length).toBeGreaterThan(0);
        for (const layout of layouts) expect(layout.segmentsInMemory).toBe(layout.segmentCount);
      },
      { timeout: 60_000 },
    );
  });

  test('leaves a question about the time before it an answer without rows, from cuboids', async () => {
    await using platform = await withDateAhead();
    await platform.build();
    const during = "where day >= date '2030-01-01' and day < date '2031-01-01'";
    for (const what of ['count(*), sum(amount)', 'count(distinct item)', 'day, count(*)']) {
      const by = what.startsWith('day') ? ' group by day' : '';
      const sql = `select ${what} from sales ${during}${by}`;
      const [found, wanted] = [
        await ask(platform.client, sql),
        await ask(platform.client, sql, 'never'),
      ];
      expect(found.rows).toEqual(wanted.rows);
      expect(found.plan).toBe('cuboid');
    }
  });

  test.each(['build', 'refresh'] as const)(
    'lets rows that arrive before it be noticed, and a %s cuts out their period',
    async (kind) => {
      await using platform = await withDateAhead();
      await platform.build();
      appendSales(platform.folder, monthLines(6));
      await expectRight(platform, 'source');
      const { client } = platform;
      const done =
        kind === 'build'
          ? await platform.build()
          : await platform.built(await client.builds.refreshSegments({ cube }));
      expect(done.retiredSegments).toEqual([run]);
      expect(await platform.segments()).toEqual(
        [
          ...months,
          '2024-04-01_2024-06-01',
          '2024-06',
          '2024-07-01_9999-12-01',
          '9999-12',
          'null',
        ].sort(),
      );
      await expectRight(platform);
      expect((await platform.build()).segments).toEqual([]);
    },
  );

  test('is built in several passes as well, of which the first takes over', async () => {
    await using platform = await ScratchPlatform.withSales(
      {},
      { scheduler: { maxSegmentsPerPass: 2 } },
    );
    appendSales(platform.folder, ahead);
    await platform.build();
    appendSales(platform.folder, [...monthLines(6), ...monthLines(8)]);
    const done = await platform.build();
    expect(done.retiredSegments).toEqual([run]);
    await expectRight(platform);
  });

  test('gets the layouts that a cube got since without a file', async () => {
    await using platform = await ScratchPlatform.withSales({ cuboids: '[[day, channel]]' });
    appendSales(platform.folder, ahead);
    await platform.build();
    const before = await layoutsOf(platform, run);
    await platform.apply();
    expect((await platform.build()).segments).toContain(run);
    const after = await layoutsOf(platform, run);
    expect(after.length).toBeGreaterThan(before.length);
    expect(after.filter(({ file }) => file !== '')).toEqual([]);
    await expectRight(platform);
  });
});

describe('time without rows', () => {
  test('merges with its neighbours, by itself and when asked', async () => {
    const segments = '{ every: month, autoMerge: [year] }';
    await using platform = await withDateAhead({ segments });
    await platform.build();
    const { mergedSegments } = await platform.maintain();
    expect(mergedSegments).toEqual([`${cube}/segments/2024`, `${cube}/segments/9999`]);
    await expectRight(platform);
    const parts = ['2024', '2025-01-01_9999-01-01', '9999'];
    const operation = await platform.client.builds.mergeSegments({
      cube,
      segments: parts.map((id) => `${cube}/segments/${id}`),
    });
    await platform.built(operation);
    expect(await platform.segments()).toEqual(['2024-01-01_10000-01-01', 'null']);
    await expectRight(platform);
  });

  test('merges into time without rows, still without files', async () => {
    const segments = '{ every: month, autoMerge: [quarter] }';
    await using platform = await ScratchPlatform.withSales({ segments });
    appendSales(platform.folder, ['2025-12-31,web,1,5']);
    await platform.build();
    const empty = ['2024-04-01_2025-10-01', '2025-10-01_2025-12-01'];
    const operation = await platform.client.builds.mergeSegments({
      cube,
      segments: empty.map((id) => `${cube}/segments/${id}`),
    });
    await platform.built(operation);
    const layouts = await layoutsOf(platform, '2024-04-01_2025-12-01');
    expect(layouts.filter(({ file }) => file !== '')).toEqual([]);
    await expectRight(platform);
  });

  test('is dropped like any other, and then read from the source', async () => {
    await using platform = await withDateAhead();
    await platform.build();
    const operation = await platform.client.builds.dropSegments({
      cube,
      segments: [`${cube}/segments/${run}`],
    });
    await vi.waitFor(
      async () => {
        const { state } = await platform.client.operationRecords.getOperationRecord({
          name: operation.name,
        });
        expect(state).toBe(metadata.OperationState.OPERATION_STATE_SUCCEEDED);
      },
      { timeout: 60_000 },
    );
    const sql = 'select channel, count(*) from sales group by channel order by channel nulls last';
    const found = await ask(platform.client, sql);
    expect(found.rows).toEqual((await ask(platform.client, sql, 'never')).rows);
    expect(found.plan).toBe('mixed');
    await platform.maintain();
    expect((await platform.build()).segments).toEqual([run]);
    await expectRight(platform);
  });

  test('does not make retention count from the date ahead', async () => {
    await using platform = await withDateAhead({ segments: '{ every: month, retain: 2m }' });
    await platform.build();
    await platform.maintain();
    expect(await platform.segments()).toEqual(['2024-02', '2024-03', run, '9999-12', 'null']);
  });

  test('within the bounds of a build is covered to the bounds', async () => {
    await using platform = await withDateAhead();
    const micros = (year: number) => BigInt(Date.UTC(year, 0, 1)) * 1000n;
    const done = await platform.build({ startMicros: micros(2024), endMicros: micros(2025) });
    expect(done.segments).toEqual([...months, '2024-04-01_2025-01-01']);
    const year =
      "select count(*) from sales where day >= date '2024-01-01' and day < date '2025-01-01'";
    expect(await ask(platform.client, year)).toEqual({ rows: ['120'], plan: 'cuboid' });
    expect((await platform.build()).segments).toEqual(['2025-01-01_9999-12-01', '9999-12', 'null']);
    await expectRight(platform);
  });

  test('where rows were once needs no files any more', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const { folder } = platform;
    const lines = ['day,channel,item,amount', ...monthLines(1), ...monthLines(3), ',web,1,7', ''];
    writeFileSync(join(folder, 'sales.csv'), lines.join('\n'));
    await platform.build();
    expect((await layoutsOf(platform, '2024-02')).filter(({ file }) => file !== '')).toEqual([]);
    await expectRight(platform);
  });
});
