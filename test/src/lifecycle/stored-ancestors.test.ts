import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { listAll } from '@tessera/client';
import { describe, expect, test, vi } from 'vitest';
import { answers, appendSales, cube, expected, monthLines } from './sales.ts';
import { reasonOf, ScratchPlatform } from './scratch-platform.ts';

// Whole platforms start and build here, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const detailed = '[[day, channel, item, family]]';
const more = '[[day, channel, item, family], [channel, item], [channel], []]';

/** `segment/layout rows checksum` of every stored layout. */
async function checksums({ client }: ScratchPlatform): Promise<string[]> {
  const { resources } = await listAll(client, 'segments', { parent: cube });
  return resources
    .flatMap(({ name, layouts }) =>
      layouts.map(({ id, rowCount, checksum }) => `${name}/${id} ${rowCount} ${checksum}`),
    )
    .sort();
}

/** How old the segments are, and what they were built from. */
async function ages({ client }: ScratchPlatform): Promise<object[]> {
  const { resources } = await listAll(client, 'segments', { parent: cube });
  return resources.map((segment) => ({
    ...segment,
    etag: '',
    revision: 0n,
    updateTime: undefined,
    operation: '',
    modelRevision: 0n,
    layouts: [],
  }));
}

async function expectRight(platform: ScratchPlatform) {
  const found = await answers(platform.client);
  expect(found.map(({ rows }) => rows)).toEqual(await expected(platform.folder));
  for (const { plan } of found) expect(plan).toBe('cuboid');
}

describe('cuboids that a cube got since', () => {
  test('come from what is stored, without the source, and are what the source would give', async () => {
    await using fresh = await ScratchPlatform.withSales({ freshness: 'built', cuboids: more });
    await fresh.build();
    await using platform = await ScratchPlatform.withSales({
      freshness: 'built',
      cuboids: detailed,
    });
    await platform.build();
    const before = await ages(platform);
    await platform.apply({ freshness: 'built', cuboids: more });
    rmSync(join(platform.folder, 'sales.csv'));
    rmSync(join(platform.folder, 'items.csv'));
    expect((await platform.build()).segments).toHaveLength(4);
    expect(await checksums(platform)).toEqual(await checksums(fresh));
    expect(await ages(platform)).toEqual(before);
  });

  test('come from the source where nothing that is stored holds them', async () => {
    await using platform = await ScratchPlatform.withSales({ cuboids: '[[day, channel]]' });
    await platform.build();
    await platform.apply();
    expect((await platform.build()).segments).toHaveLength(4);
    await expectRight(platform);
  });

  test('come from the source where what is stored is stale', async () => {
    await using platform = await ScratchPlatform.withSales({ cuboids: detailed });
    await platform.build();
    appendSales(platform.folder, monthLines(2));
    await platform.apply({ cuboids: more });
    await platform.build();
    await expectRight(platform);
  });

  test('come from both where both are needed', async () => {
    await using fresh = await ScratchPlatform.withSales();
    await fresh.build();
    await using platform = await ScratchPlatform.withSales({ cuboids: '[[day, channel]]' });
    await platform.build();
    await platform.apply();
    await platform.build();
    expect(await checksums(platform)).toEqual(await checksums(fresh));
  });

  test.each([
    { what: 'more than what is stored gives', built: '[[day, channel]]', wanted: more },
    { what: 'nothing that is not there', built: detailed, wanted: detailed },
  ])('leave a build without its source failing when it is for $what', async ({ built, wanted }) => {
    await using platform = await ScratchPlatform.withSales({ freshness: 'built', cuboids: built });
    await platform.build();
    await platform.apply({ freshness: 'built', cuboids: wanted });
    rmSync(join(platform.folder, 'sales.csv'));
    expect(await reasonOf(platform.build())).toBe('SOURCE_FILE_MISSING');
  });
});
