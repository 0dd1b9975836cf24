import { existsSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wait } from '@tessera/client';
import { scheduler } from '@tessera/proto';
import type { PlatformSeams } from '@tessera/standalone';
import { describe, expect, test, vi } from 'vitest';
import { between } from './between.ts';
import {
  answers,
  appendSales,
  ask,
  cube,
  expected,
  filesBelow,
  monthLines,
  questions,
} from './sales.ts';
import { reasonOf, ScratchPlatform } from './scratch-platform.ts';

// Whole platforms start and build here, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

/** The life of segments on the whole platform, each time compared with DuckDB on the files. */
async function expectRight(platform: ScratchPlatform, plan: string | RegExp = 'cuboid') {
  const found = await answers(platform.client);
  expect(found.map(({ rows }) => rows)).toEqual(await expected(platform.folder));
  for (const answer of found) expect(answer.plan).toMatch(plan);
}

const layoutFiles = ({ storageFolder }: ScratchPlatform) =>
  filesBelow(join(storageFolder, 'cuboids'));

describe('a build', () => {
  test('makes every segment once; a second one finds nothing to do, by force it makes all again', async () => {
    await using platform = await ScratchPlatform.withSales();
    const first = await platform.build();
    expect(first.segments).toEqual(await platform.segments());
    expect(first.segments.toSorted()).toEqual(['2024-01', '2024-02', '2024-03', 'null']);
    expect(first.sourceRows).toBe(122n);
    await expectRight(platform);
    expect((await platform.build()).segments).toEqual([]);
    expect((await platform.build({ force: true })).segments).toHaveLength(4);
    await expectRight(platform);
    expect(filesBelow(join(platform.storageFolder, 'staging'))).toEqual([]);
  });

  test('asked for twice at once makes every segment once', async () => {
    await using platform = await ScratchPlatform.withSales();
    const both = await Promise.all([platform.build(), platform.build()]);
    const made = both.map(({ segments }) => segments.length).sort();
    expect(made).toEqual([0, 4]);
    await expectRight(platform);
  });

  test('of a range leaves holes, which are read from the source', async () => {
    await using platform = await ScratchPlatform.withSales();
    const from = BigInt(Date.UTC(2024, 1, 1)) * 1000n;
    await platform.build({ startMicros: from });
    expect(await platform.segments()).toEqual(['2024-02', '2024-03']);
    const found = await answers(platform.client);
    expect(found.map(({ rows }) => rows)).toEqual(await expected(platform.folder));
    expect(found[2]!.plan).toBe('cuboid');
    expect(found[1]!.plan).toBe('mixed');
    const { rows } = await ask(platform.client, `explain cuboid ${questions[1]}`);
    expect(rows).toContain('Ranges of sales from the source: 2024-01, null');
  });

  test('only makes the layouts that a cube got since', async () => {
    await using platform = await ScratchPlatform.withSales({ cuboids: '[[day, channel]]' });
    await platform.build();
    const before = layoutFiles(platform);
    await platform.apply({ cuboids: '[[day, channel], [day, item, family], []]' });
    const second = await platform.build();
    expect(second.segments).toHaveLength(4);
    expect(layoutFiles(platform)).toEqual(expect.arrayContaining(before));
    expect(layoutFiles(platform).length).toBeGreaterThan(before.length);
    await expectRight(platform);
  });

  test('fills what a longer segment length leaves between the segments that exist', async () => {
    await using platform = await ScratchPlatform.withSales({ months: 2 });
    await platform.build();
    appendSales(platform.folder, monthLines(5));
    await platform.apply({ segments: '{ every: year }' });
    await platform.build();
    expect(await platform.segments()).toHaveLength(4);
    await expectRight(platform);
  });
});

describe('a changed source', () => {
  test('makes segments holes until they are refreshed', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    appendSales(platform.folder, monthLines(2));
    await expectRight(platform, 'source');
    const refreshed = await platform.built(await platform.client.builds.refreshSegments({ cube }));
    expect(refreshed.segments).toHaveLength(4);
    await expectRight(platform);
  });

  test('is not followed when the model says `built`', async () => {
    await using platform = await ScratchPlatform.withSales({ freshness: 'built' });
    await platform.build();
    const before = await expected(platform.folder);
    appendSales(platform.folder, monthLines(2));
    const found = await answers(platform.client);
    expect(found.map(({ rows }) => rows)).toEqual(before);
  });

  test('during the build lets nothing be published', async () => {
    let folder = '';
    await using platform = await ScratchPlatform.withSales(
      {},
      {},
      {
        schedulerClients: (client) =>
          between(client, ['storage.commitIngest'], ({ when }) => {
            if (when === 'after') appendSales(folder, monthLines(1));
          }),
      },
    );
    folder = platform.folder;
    expect(await reasonOf(platform.build())).toBe('SOURCE_CHANGED');
    expect(await platform.segments()).toEqual([]);
    await expectRight(platform, 'source');
  });
});

describe('a model that changes', () => {
  const change = (platform: ScratchPlatform) =>
    platform.apply({ measures: '  - { name: top, aggregate: max, column: s.amount }' });

  // The last is as late as can be: the build has made up its mind, and the transaction is on its way.
  test.each(['storage.warmUp', 'segments.publishSegments'])(
    'before %s lets nothing of a build be published',
    async (call) => {
      let platform: ScratchPlatform | undefined;
      const seams: PlatformSeams = {
        schedulerClients: (client) =>
          between(client, [call], async ({ when }) => {
            if (when === 'before') await change(platform!);
          }),
      };
      await using started = await ScratchPlatform.withSales({}, {}, seams);
      platform = started;
      expect(await reasonOf(started.build())).toBe('MODEL_CHANGED');
      expect(await started.segments()).toEqual([]);
      await expectRight(started, 'source');
    },
  );

  test('right before a merge is published leaves the parts as they are', async () => {
    let platform: ScratchPlatform | undefined;
    let merging = false;
    const seams: PlatformSeams = {
      schedulerClients: (client) =>
        between(client, ['segments.publishSegments'], async ({ when }) => {
          if (merging && when === 'before') await change(platform!);
        }),
    };
    await using started = await ScratchPlatform.withSales({}, {}, seams);
    platform = started;
    await started.build();
    const before = await started.segments();
    merging = true;
    const segments = ['2024-01', '2024-02'].map((id) => `${cube}/segments/${id}`);
    const operation = await started.client.builds.mergeSegments({ cube, segments });
    expect(await reasonOf(started.built(operation))).toBe('MODEL_CHANGED');
    expect(await started.segments()).toEqual(before);
    await expectRight(started, /cuboid|source/);
  });
});

describe('merging', () => {
  test('makes one segment of neighbours, of which the parts are retired', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const operation = await platform.client.builds.mergeSegments({
      cube,
      segments: [`${cube}/segments/2024-01`, `${cube}/segments/2024-02`],
    });
    const merged = await platform.built(operation);
    expect(merged.retiredSegments).toEqual(['2024-01', '2024-02']);
    expect(await platform.segments('RETIRED')).toEqual(['2024-01', '2024-02']);
    expect(await platform.segments()).toEqual([...merged.segments, '2024-03', 'null'].sort());
    await expectRight(platform);
    expect((await platform.build()).segments).toEqual([]);
  });

  test.each([
    ['segments with a hole between them', ['2024-01', '2024-03'], 'SEGMENTS_NOT_ADJACENT'],
    ['one segment', ['2024-01'], 'NO_SEGMENTS_IN_RANGE'],
  ])('is refused for %s', async (_, ids, reason) => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const segments = ids.map((id) => `${cube}/segments/${id}`);
    const operation = await platform.client.builds.mergeSegments({ cube, segments });
    expect(await reasonOf(platform.built(operation))).toBe(reason);
    await expectRight(platform);
  });

  test('happens by itself where the cube asks for it', async () => {
    await using platform = await ScratchPlatform.withSales(
      { segments: '{ every: month, autoMerge: [quarter] }' },
      { maintenanceIntervalMs: 50 },
    );
    await platform.build();
    await expect.poll(() => platform.segments(), { timeout: 20_000 }).toHaveLength(2);
    await expectRight(platform);
    await expect.poll(() => platform.segments('RETIRED'), { timeout: 20_000 }).toEqual([]);
  });
});

describe('dropping and retention', () => {
  test('dropped segments are read from the source, and can be built again', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const operation = await platform.client.builds.dropSegments({
      cube,
      segments: [`${cube}/segments/2024-02`],
    });
    await wait(platform.client.operations, operation, {
      response: scheduler.DropSegmentsResponse,
    });
    expect(await platform.segments()).toEqual(['2024-01', '2024-03', 'null']);
    await expectRight(platform, /mixed|source/);
    expect((await platform.build()).segments).toEqual(['2024-02']);
    await expectRight(platform);
  });

  test('works without the source', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    writeFileSync(join(platform.folder, 'items.csv'), '');
    const operation = await platform.client.builds.dropSegments({ cube });
    await wait(platform.client.operations, operation, {
      response: scheduler.DropSegmentsResponse,
    });
    expect(await platform.segments()).toEqual([]);
  });

  test('leaves a cube that can be deleted once the grace time of its segments has passed', async () => {
    await using platform = await ScratchPlatform.withSales(
      {},
      { scheduler: { retiredGraceMs: 3_600_000 } },
    );
    const deletion = () => reasonOf(platform.client.cubes.deleteCube({ name: cube }));
    await platform.build();
    expect(await deletion()).toBe('CUBE_NOT_EMPTY');
    const operation = await platform.client.builds.dropSegments({ cube });
    await wait(platform.client.operations, operation, {
      response: scheduler.DropSegmentsResponse,
    });
    await platform.maintain();
    expect(await platform.segments('RETIRED')).toHaveLength(4);
    expect(await deletion()).toBe('CUBE_NOT_EMPTY');
    await platform.restart({ scheduler: { retiredGraceMs: 0 } });
    await platform.maintain();
    expect(await deletion()).toBe('no failure');
  });

  test('segments older than the cube retains are retired by maintenance', async () => {
    await using platform = await ScratchPlatform.withSales({
      months: 5,
      segments: '{ every: month, retain: 2m }',
    });
    await platform.build();
    const { retiredSegments } = await platform.maintain();
    expect(retiredSegments).toContain(`${cube}/segments/2024-01`);
    expect(await platform.segments()).toEqual(['2024-04', '2024-05', 'null']);
    await expectRight(platform, /mixed|source|cuboid/);
  });
});

describe('files that nobody needs', () => {
  test('of retired and of refreshed segments go after the grace time, no others', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const before = new Set(layoutFiles(platform));
    appendSales(platform.folder, [...monthLines(1), ...monthLines(2), ...monthLines(3)]);
    await platform.built(await platform.client.builds.refreshSegments({ cube }));
    expect(layoutFiles(platform).length).toBeGreaterThan(before.size);
    const first = await platform.maintain();
    expect(first.deletedFiles).toBeGreaterThan(0n);
    const named = await filesNamed(platform);
    expect(filesBelow(platform.storageFolder).filter((file) => file.endsWith('.parquet'))).toEqual(
      named,
    );
    await expectRight(platform);
    await platform.client.builds
      .dropSegments({ cube })
      .then((operation) =>
        wait(platform.client.operations, operation, { response: scheduler.DropSegmentsResponse }),
      );
    await platform.maintain();
    expect(await platform.segments('RETIRED')).toEqual([]);
    expect(layoutFiles(platform)).toEqual([]);
    expect(filesBelow(join(platform.storageFolder, 'snapshots'))).toEqual([]);
    await expectRight(platform, 'source');
    expect((await platform.build()).segments).toHaveLength(4);
    await expectRight(platform);
  });

  test('of dictionaries go with the version that a later build has gone on from', async () => {
    const measures =
      '  - { name: channels, aggregate: count_distinct, column: s.channel, precision: exact }';
    await using platform = await ScratchPlatform.withSales({ measures });
    const { client, folder } = platform;
    const versions = async () => {
      const parent = 'projects/default';
      const { dictionaries } = await client.dictionaries.listDictionaries({ parent });
      return dictionaries.map(({ version, size }) => [version, size]);
    };
    const files = () => filesBelow(join(platform.storageFolder, 'dictionaries'));
    const distinct = 'select count(distinct channel) from sales';
    await platform.build();
    appendSales(folder, ['2024-03-01,phone,1,1']);
    await platform.build();
    expect(await versions()).toEqual([
      [1n, 2n],
      [2n, 3n],
    ]);
    await platform.maintain();
    expect(await versions()).toEqual([[2n, 3n]]);
    expect(files()).toHaveLength(1);
    appendSales(folder, ['2024-03-01,mail,1,1']);
    await platform.build();
    expect(await ask(client, distinct)).toEqual({ rows: ['4'], plan: 'cuboid' });
    await platform.client.builds
      .dropSegments({ cube })
      .then((operation) =>
        wait(client.operations, operation, { response: scheduler.DropSegmentsResponse }),
      );
    await platform.maintain();
    expect([await versions(), files()]).toEqual([[], []]);
    await platform.build();
    expect(await ask(client, distinct)).toEqual({ rows: ['4'], plan: 'cuboid' });
  });

  test('stay within the grace time', async () => {
    await using platform = await ScratchPlatform.withSales(
      {},
      { scheduler: { retiredGraceMs: 3_600_000 } },
    );
    await platform.build();
    appendSales(platform.folder, monthLines(1));
    await platform.built(await platform.client.builds.refreshSegments({ cube }));
    const before = layoutFiles(platform);
    expect((await platform.maintain()).deletedFiles).toBe(0n);
    expect((await platform.maintain()).deletedFiles).toBe(0n);
    expect(layoutFiles(platform)).toEqual(before);
  });
});

/** Every file that a resource names, as the storage folder has it. */
async function filesNamed({ client }: ScratchPlatform): Promise<string[]> {
  const { segments } = await client.segments.listSegments({ parent: cube, pageSize: 1000 });
  const { snapshots } = await client.snapshots.listSnapshots({ parent: 'projects/default' });
  const { dictionaries } = await client.dictionaries.listDictionaries({
    parent: 'projects/default',
  });
  return [...segments.flatMap(({ layouts }) => layouts), ...snapshots, ...dictionaries]
    .map(({ file }) => file)
    .sort();
}

test('a restart finds everything as it was', async () => {
  await using platform = await ScratchPlatform.withSales();
  await platform.build();
  const stored = () =>
    filesBelow(platform.storageFolder).filter((file) => file.endsWith('.parquet'));
  const files = stored();
  await platform.restart();
  expect(await platform.segments()).toEqual(['2024-01', '2024-02', '2024-03', 'null']);
  await expectRight(platform);
  expect((await platform.build()).segments).toEqual([]);
  expect(stored()).toEqual(files);
});

test('a file that is touched but says the same is refreshed into the same answers', async () => {
  await using platform = await ScratchPlatform.withSales();
  await platform.build();
  const file = join(platform.folder, 'sales.csv');
  const { mtimeMs } = statSync(file);
  utimesSync(file, (mtimeMs + 5_000) / 1000, (mtimeMs + 5_000) / 1000);
  await platform.built(await platform.client.builds.refreshSegments({ cube }));
  await expectRight(platform);
  expect(existsSync(join(platform.storageFolder, 'quarantine'))).toBe(true);
  expect((await ask(platform.client, 'select count(*) from sales', 'always')).plan).toBe('cuboid');
});
