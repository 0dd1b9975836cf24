import { appendFile, open, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '@tessera/base';
import type { SegmentRead } from '@tessera/cube';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  bigint,
  call,
  col,
  cube,
  integer,
  lit,
  planOf,
  reasonOf,
  StorageFixture,
  text,
} from './storage-fixture.ts';

const query = (from: number, rows = 1000) =>
  `SELECT (range + ${from})::INTEGER AS k, 'word ' || range % 10 AS w, 1::BIGINT AS n FROM range(${rows})`;
const count = { name: 'n', fn: 'count_sum', args: [col('n', bigint)], type: bigint } as const;
const countOf = (layout: string, segments: readonly SegmentRead[]) =>
  planOf(layout, segments, { aggregates: [count] });
const idle = new AbortController().signal;
const fileOf = (layout: string, { id, fileDigest }: SegmentRead) => ({
  cube,
  layout,
  segment: id,
  fileDigest,
});

let fixture: StorageFixture;
beforeEach(async () => {
  fixture = await StorageFixture.open();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const put = (layout: string, segment: string, sql: string) =>
  fixture.store({ kind: 'layout', id: layout, segment }, sql);
const pathOf = ({ file }: { readonly file: string }) => join(fixture.folder, file);

describe('ingest', () => {
  test('moves verified files in; repeating it gives the same', async () => {
    const prepared = await fixture.daemon.prepareIngest(cube, 'build 1');
    expect(await fixture.daemon.prepareIngest(cube, 'build 1')).toEqual(prepared);
    const staged = [
      await fixture.stage(
        prepared.stagingDirectory,
        { kind: 'layout', id: 'a', segment: 's1' },
        query(0),
      ),
      await fixture.stage(prepared.stagingDirectory, { kind: 'snapshot', id: 'cities' }, query(5)),
      await fixture.stage(prepared.stagingDirectory, { kind: 'dictionary', id: 'names' }, query(7)),
    ];
    const done = await fixture.daemon.commitIngest(prepared.ingest, staged);
    expect(done.map(({ file }) => file.replace(/[0-9a-f]{64}/, 'DIGEST'))).toEqual([
      'cuboids/p/sales/s1/a-DIGEST.parquet',
      'snapshots/p/cities-DIGEST.parquet',
      'dictionaries/p/names-DIGEST.parquet',
    ]);
    expect(await fixture.daemon.commitIngest(prepared.ingest, staged)).toEqual(done);
    const paths = await fixture.daemon.locate(done.map(({ file }) => file));
    expect((await stat(paths[0]!)).size).toBe(Number(staged[0]!.sizeBytes));
    expect(await reasonOf(stat(prepared.stagingDirectory))).toContain('ENOENT');
  });

  test.each([
    { change: { fileDigest: '0'.repeat(64) }, what: 'its digest' },
    { change: { rowCount: 999n }, what: 'its row count' },
    { change: { sizeBytes: 1n }, what: 'its size' },
    { change: { stagedPath: 'nothing.parquet' }, what: 'it' },
  ])(
    'refuses a file when $what is not as promised, and takes none of the others in',
    async ({ change, what }) => {
      const { ingest, stagingDirectory } = await fixture.daemon.prepareIngest(cube, 'build 2');
      const good = await fixture.stage(
        stagingDirectory,
        { kind: 'layout', id: 'a', segment: 's1' },
        query(0),
      );
      const bad = await fixture.stage(
        stagingDirectory,
        { kind: 'layout', id: 'b', segment: 's1' },
        query(1),
      );
      const commit = fixture.daemon.commitIngest(ingest, [good, { ...bad, ...change }]);
      await expect(commit).rejects.toMatchObject({ reason: 'INGEST_MISMATCH', metadata: { what } });
      expect((await fixture.daemon.stats()).layouts).toEqual([]);
      expect((await fixture.daemon.commitIngest(ingest, [good, bad])).length).toBe(2);
    },
  );

  test('refuses what is no Parquet, and paths that lead out', async () => {
    const { ingest, stagingDirectory } = await fixture.daemon.prepareIngest(cube, 'build 3');
    const good = await fixture.stage(
      stagingDirectory,
      { kind: 'layout', id: 'a', segment: 's1' },
      query(0),
    );
    await writeFile(join(stagingDirectory, 'x.parquet'), 'not parquet at all');
    const { digestOf } = await import('@tessera/daemon');
    const fileDigest = await digestOf(join(stagingDirectory, 'x.parquet'));
    const text = { ...good, stagedPath: 'x.parquet', sizeBytes: 18n, fileDigest };
    expect(await reasonOf(fixture.daemon.commitIngest(ingest, [text]))).toBe('FILE_CORRUPT');
    const out = { ...good, stagedPath: '../../elsewhere' };
    expect(await reasonOf(fixture.daemon.commitIngest(ingest, [out]))).toBe('BAD_PATH');
    expect(await reasonOf(fixture.daemon.commitIngest('f'.repeat(32), [good]))).toBe(
      'INGEST_NOT_FOUND',
    );
    expect(await reasonOf(fixture.daemon.prepareIngest('no cube', 'k'))).toBe('BAD_RESOURCE_NAME');
  });

  test('aborting throws the staged files away', async () => {
    const { ingest, stagingDirectory } = await fixture.daemon.prepareIngest(cube, 'build 4');
    const staged = await fixture.stage(
      stagingDirectory,
      { kind: 'layout', id: 'a', segment: 's1' },
      query(0),
    );
    await fixture.daemon.abortIngest(ingest);
    expect(await reasonOf(fixture.daemon.commitIngest(ingest, [staged]))).toBe('INGEST_NOT_FOUND');
  });
});

describe('what nobody names', () => {
  test('is deleted once it is old: unpublished files and abandoned staging, nothing else', async () => {
    let now = BigInt(Date.now()) * 1000n;
    const clock: Clock = { now: () => now, monotonicMs: () => 0, sleep: async () => {} };
    await using later = await StorageFixture.open({}, { clock });
    const kept = await later.store({ kind: 'layout', id: 'a', segment: 's1' }, query(0));
    const orphan = await later.store({ kind: 'layout', id: 'a', segment: 's2' }, query(1));
    const abandoned = await later.daemon.prepareIngest(cube, 'forgotten');
    const staging = dirname(abandoned.stagingDirectory);
    // As a crash in the middle of preparing leaves it.
    await writeFile(join(staging, `${'a'.repeat(32)}.json.new`), '{');
    const referenced = new Set([kept.file]);
    expect(await later.daemon.reconcile(referenced)).toMatchObject({
      files: [],
      bytes: 0,
      ingests: [],
    });
    now += 2n * 86_400_000_000n;
    const collected = await later.daemon.reconcile(referenced);
    expect(collected.files).toEqual([orphan.file]);
    expect(collected.ingests).toContain(abandoned.ingest);
    expect(await readdir(staging)).toEqual([]);
    expect(await later.scan(countOf('a', [kept]))).toEqual([[1000n]]);
    expect(await reasonOf(later.scan(countOf('a', [orphan])))).toBe('LAYOUT_NOT_STORED');
  });
});

describe('a damaged file', () => {
  const damages: Record<string, (path: string) => Promise<void>> = {
    'with one bit flipped': async (path) => {
      const file = await open(path, 'r+');
      const byte = Buffer.alloc(1);
      await file.read(byte, 0, 1, 40);
      await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, 40);
      await file.close();
    },
    'that is cut off': async (path) => truncate(path, 100),
    'that is empty': async (path) => truncate(path, 0),
    'with bytes added': async (path) => appendFile(path, 'x'),
  };

  test.each(Object.keys(damages))(
    '%s is set aside and never served; the others answer',
    async (name) => {
      const [good, bad] = [await put('a', 's1', query(0)), await put('a', 's2', query(1))];
      const other = await put('b', 's2', query(2));
      await damages[name]!(pathOf(bad));
      await fixture.restart();
      expect(await reasonOf(fixture.scan(countOf('a', [good, bad])))).toBe('LAYOUT_CORRUPTED');
      expect(await reasonOf(fixture.scan(countOf('a', [bad])))).toBe('LAYOUT_CORRUPTED');
      expect(await fixture.scan(countOf('a', [good]))).toEqual([[1000n]]);
      expect(await fixture.scan(countOf('b', [other]))).toEqual([[1000n]]);
      expect(await reasonOf(fixture.daemon.warmUp([fileOf('a', bad)], idle))).toBe(
        'LAYOUT_CORRUPTED',
      );
      const { layouts } = await fixture.daemon.stats(cube);
      expect(
        layouts.map(({ layout, quarantinedSegments }) => [layout, quarantinedSegments]),
      ).toEqual([
        ['a', 1],
        ['b', 0],
      ]);
      const again = await put('a', 's2', query(1));
      expect(await fixture.scan(countOf('a', [good, again]))).toEqual([[2000n]]);
    },
  );

  test('is found although it was read before, as soon as it changes', async () => {
    await using cold = await StorageFixture.open({ memoryBudgetBytes: 0 });
    const segment = await cold.store({ kind: 'layout', id: 'a', segment: 's1' }, query(0));
    expect(await cold.scan(countOf('a', [segment]))).toEqual([[1000n]]);
    await damages['with one bit flipped']!(join(cold.folder, segment.file));
    expect(await reasonOf(cold.scan(countOf('a', [segment])))).toBe('LAYOUT_CORRUPTED');
  });

  test('is found by verification, also when its times lie', async () => {
    const segment = await put('a', 's1', query(0));
    const before = await stat(pathOf(segment));
    await damages['with one bit flipped']!(pathOf(segment));
    await utimes(pathOf(segment), before.atime, before.mtime);
    const outcome = await fixture.daemon.verify([]);
    expect(outcome).toEqual({
      verifiedFiles: 0,
      verifiedBytes: 0,
      quarantinedFiles: [segment.file],
    });
  });

  test('that was deleted is not stored', async () => {
    const segment = await put('a', 's1', query(0));
    await rm(pathOf(segment));
    expect(await reasonOf(fixture.scan(countOf('a', [segment])))).toBe('LAYOUT_NOT_STORED');
    expect(await reasonOf(fixture.daemon.locate([segment.file]))).toBe('FILE_NOT_STORED');
  });

  test('does not touch what is in memory already, which was verified', async () => {
    const segment = await put('a', 's1', query(0));
    await fixture.daemon.warmUp([fileOf('a', segment)], idle);
    await truncate(pathOf(segment), 10);
    expect(await fixture.scan(countOf('a', [segment]))).toEqual([[1000n]]);
  });
});

describe('memory', () => {
  test('a layout is loaded by being asked for, and forgotten by a restart', async () => {
    const segment = await put('a', 's1', query(0));
    const inMemory = async () => (await fixture.daemon.stats()).layouts[0]!.segmentsInMemory;
    expect(await inMemory()).toBe(0);
    await fixture.scan(countOf('a', [segment]));
    await vi.waitFor(async () => expect(await inMemory()).toBe(1));
    await fixture.restart();
    expect(await inMemory()).toBe(0);
    expect(await fixture.scan(countOf('a', [segment]))).toEqual([[1000n]]);
  });

  test('a budget smaller than one layout leaves it on disk, and its answers right', async () => {
    await using small = await StorageFixture.open({ memoryBudgetBytes: 1_000 });
    const segment = await small.store({ kind: 'layout', id: 'a', segment: 's1' }, query(0));
    expect(await small.daemon.warmUp([fileOf('a', segment)], idle)).toEqual({
      loadedFiles: 0,
      loadedBytes: 0,
    });
    for (let i = 0; i < 5; i++)
      expect(await small.scan(countOf('a', [segment]))).toEqual([[1000n]]);
    expect((await small.daemon.stats()).memoryBytes).toBe(0);
  });

  test('new segments join a loaded layout: new words, larger numbers, and NULLs included', async () => {
    const first = await put('a', 's1', `SELECT 'b' AS w, 1::DECIMAL(38, 2) AS x, 1::BIGINT AS n`);
    await fixture.daemon.warmUp([fileOf('a', first)], idle);
    const second = await put(
      'a',
      's2',
      `SELECT 'a' AS w, '1000000000000000000000000000000'::DECIMAL(38, 2) AS x, 2::BIGINT AS n UNION ALL SELECT NULL, NULL, 3`,
    );
    const third = await put('a', 's3', `SELECT 'b' AS w, 5::DECIMAL(38, 2) AS x, 4::BIGINT AS n`);
    await fixture.daemon.warmUp([fileOf('a', second)], idle);
    const outcome = await fixture.daemon.warmUp(
      [first, second, third].map((s) => fileOf('a', s)),
      idle,
    );
    expect(outcome.loadedFiles).toBe(3);
    const wide = { kind: 'numeric', precision: 38, scale: 2 } as const;
    const plan = planOf('a', [first, second, third], {
      groupBy: [{ name: 'w', expr: col('w', text) }],
      aggregates: [{ name: 'x', fn: 'sum', args: [col('x', wide)], type: wide }, count],
    });
    const rows = (await fixture.scan(plan)).sort((a, b) => Number(a[2]) - Number(b[2]));
    expect(rows).toEqual([
      ['a', 10n ** 32n, 2n],
      [null, null, 3n],
      ['b', 600n, 5n],
    ]);
  });

  test('a layout whose texts differ in every row is held as text', async () => {
    const segment = await put(
      'a',
      's1',
      `SELECT 'word ' || range AS w, 1::BIGINT AS n FROM range(70000)`,
    );
    await fixture.daemon.warmUp([fileOf('a', segment)], idle);
    const plan = planOf('a', [segment], {
      filter: call('=', col('w', text), lit(text, 'word 69999')),
      aggregates: [count],
    });
    expect(await fixture.scan(plan)).toEqual([[1n]]);
    expect((await fixture.daemon.stats()).layouts[0]!.segmentsInMemory).toBe(1);
  });

  test('evictions under concurrent scans never change an answer', async () => {
    // Room for about two of the six layouts, so scans of one evict another all the time.
    await using tight = await StorageFixture.open({ memoryBudgetBytes: 40_000 });
    const layouts = await Promise.all(
      Array.from({ length: 6 }, async (_, i) => {
        const id = `layout-${i}`;
        return {
          id,
          segment: await tight.store({ kind: 'layout', id, segment: 's' }, query(i, 1000 + i)),
        };
      }),
    );
    let loadedSome = 0;
    await Promise.all(
      layouts.map(async ({ id, segment }, i) => {
        for (let round = 0; round < 25; round++) {
          expect(await tight.scan(countOf(id, [segment]))).toEqual([[BigInt(1000 + i)]]);
          const signal = idle;
          if (round % 5 === i % 5)
            loadedSome += (await tight.daemon.warmUp([fileOf(id, segment)], signal)).loadedFiles;
        }
      }),
    );
    const stats = await tight.daemon.stats();
    expect(loadedSome).toBeGreaterThan(0);
    expect(stats.memoryBytes).toBeLessThanOrEqual(40_000);
    expect(stats.layouts.map(({ hitCount }) => hitCount)).toEqual(Array(6).fill(25));
  });

  test('a pinned layout stays whatever else is asked for', async () => {
    await using tight = await StorageFixture.open({ memoryBudgetBytes: 20_000 });
    const pinned = await tight.store({ kind: 'layout', id: 'pinned', segment: 's' }, query(0));
    const other = await tight.store({ kind: 'layout', id: 'other', segment: 's' }, query(1));
    expect(tight.daemon.pin(cube, ['pinned'], true)).toEqual(['pinned']);
    await tight.daemon.warmUp([fileOf('pinned', pinned)], idle);
    for (let i = 0; i < 10; i++) await tight.scan(countOf('other', [other]));
    expect((await tight.daemon.warmUp([fileOf('other', other)], idle)).loadedFiles).toBe(0);
    expect(tight.daemon.pin(cube, ['pinned'], false)).toEqual([]);
    expect((await tight.daemon.warmUp([fileOf('other', other)], idle)).loadedFiles).toBe(1);
  });

  test('a dropped file is gone from memory and disk, its neighbours stay', async () => {
    const [first, second] = [await put('a', 's1', query(0)), await put('a', 's2', query(1))];
    await fixture.daemon.warmUp(
      [first, second].map((s) => fileOf('a', s)),
      idle,
    );
    const { deletedFiles } = await fixture.daemon.drop([second.file]);
    expect(deletedFiles).toBe(1);
    expect(await reasonOf(fixture.scan(countOf('a', [first, second])))).toBe('LAYOUT_NOT_STORED');
    expect(await fixture.scan(countOf('a', [first]))).toEqual([[1000n]]);
    expect(await fixture.daemon.drop([second.file])).toEqual({ deletedFiles: 0, deletedBytes: 0 });
  });

  test('a file that is being read is deleted when its reader is done', async () => {
    await using cold = await StorageFixture.open({ memoryBudgetBytes: 0 });
    const rows = 300_000;
    const segment = await cold.store({ kind: 'layout', id: 'a', segment: 's' }, query(0, rows));
    const plan = planOf('a', [segment], {
      groupBy: [{ name: 'k', expr: col('k', integer) }],
      aggregates: [count],
    });
    let read = 0;
    for await (const batch of cold.daemon.scan(plan, { parameters: [], signal: idle })) {
      if (read === 0) await cold.daemon.drop([segment.file]);
      read += batch.rowCount;
    }
    expect(read).toBe(rows);
    await vi.waitFor(async () =>
      expect(await readdir(dirname(join(cold.folder, segment.file)))).toEqual([]),
    );
  });
});

describe('scans', () => {
  test('stop when they are cancelled, and the store goes on', async () => {
    const segment = await put('a', 's1', query(0, 500_000));
    const control = new AbortController();
    const slow = planOf('a', [segment], {
      groupBy: [{ name: 'k', expr: col('k', integer) }],
      aggregates: [count],
    });
    const running = (async () => {
      for await (const _ of fixture.daemon.scan(slow, { parameters: [], signal: control.signal }))
        control.abort();
    })();
    expect(await reasonOf(running)).toBe('QUERY_CANCELLED');
    expect(await fixture.scan(countOf('a', [segment]))).toEqual([[500_000n]]);
  });

  test('that are too many to wait are refused with SCAN_QUEUE_FULL', async () => {
    await using narrow = await StorageFixture.open({ scanConcurrency: 1, scanQueueLength: 1 });
    const segment = await narrow.store({ kind: 'layout', id: 'a', segment: 's' }, query(0));
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, () => reasonOf(narrow.scan(countOf('a', [segment])))),
    );
    expect(new Set(outcomes)).toEqual(new Set(['no failure', 'SCAN_QUEUE_FULL']));
  });
});

describe('stats', () => {
  test('tell rows, bytes, hits and what is in memory', async () => {
    const [first, second] = [await put('a', 's1', query(0)), await put('a', 's2', query(1))];
    await fixture.scan(countOf('a', [first, second]));
    await fixture.daemon.warmUp(
      [first, second].map((s) => fileOf('a', s)),
      idle,
    );
    const stats = await fixture.daemon.stats(cube);
    const sizes = await Promise.all([first, second].map(async (s) => (await stat(pathOf(s))).size));
    const sizeBytes = sizes[0]! + sizes[1]!;
    expect(stats.diskBytes).toBe(sizeBytes);
    expect(stats.layouts).toEqual([
      expect.objectContaining({
        cube,
        layout: 'a',
        segmentCount: 2,
        rowCount: 2000n,
        sizeBytes,
        bytesPerRow: sizeBytes / 2000,
        segmentsInMemory: 2,
        hitCount: 1,
        pinned: false,
        quarantinedSegments: 0,
      }),
    ]);
    expect(stats.layouts[0]!.memoryBytes).toBe(stats.memoryBytes);
    expect((await fixture.daemon.stats('projects/p/cubes/other')).layouts).toEqual([]);
  });
});
