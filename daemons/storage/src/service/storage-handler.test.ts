import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  connect,
  RemoteCuboidScanner,
  RemoteSnapshotReader,
  ScanLanes,
  type SnapshotRead,
} from '@tessera/client';
import { rowsOf } from '@tessera/columnar';
import { silentLogger, startServer } from '@tessera/daemon';
import { storage } from '@tessera/proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  bigint,
  call,
  col,
  cube,
  param,
  planOf,
  reasonOf,
  StorageFixture,
  text,
} from '../storage-fixture.ts';

let fixture: StorageFixture;
let stack: AsyncDisposableStack;
let client: ReturnType<typeof connect>;
beforeAll(async () => {
  stack = new AsyncDisposableStack();
  fixture = stack.use(await StorageFixture.open());
  const { services } = fixture.storage;
  const server = stack.use(
    await startServer({ address: '127.0.0.1:0', services, log: silentLogger }),
  );
  client = stack.use(connect(server.address));
});
afterAll(() => stack.disposeAsync());

const { STORED_FILE_KIND_LAYOUT } = storage.StoredFileKind;

describe('the storage service', () => {
  test('takes a file in, scans it with parameters, reports it, drops it', async () => {
    const { ingest, stagingDirectory } = await client.storage.prepareIngest({ cube, key: 'k' });
    const query = `SELECT 'word ' || range % 3 AS w, 1::BIGINT AS n FROM range(30)`;
    const staged = await fixture.stage(
      stagingDirectory,
      { kind: 'layout', id: 'a', segment: 's' },
      query,
    );
    const committed = await client.storage.commitIngest({
      ingest,
      files: [{ ...staged, kind: STORED_FILE_KIND_LAYOUT }],
    });
    const [{ file, fileDigest }] = committed.files as [storage.IngestedFile];
    const stored = { cube, kind: STORED_FILE_KIND_LAYOUT, segment: 's', id: 'a', file, fileDigest };
    expect(await client.storage.warmUp({ files: [stored] })).toMatchObject({ loadedFiles: 1 });
    expect(await client.storage.pinLayouts({ cube, layouts: ['a'], pinned: true })).toEqual({
      pinnedLayouts: ['a'],
    });

    const plan = planOf('a', [{ id: 's', fileDigest }], {
      groupBy: [{ name: 'w', expr: col('w', text) }],
      filter: call('>=', col('w', text), param(0, text)),
      aggregates: [{ name: 'n', fn: 'count_sum', args: [col('n', bigint)], type: bigint }],
    });
    const signal = new AbortController().signal;
    using lanes = new ScanLanes(client.storage);
    for (const calls of [client.storage, lanes]) {
      const batches = new RemoteCuboidScanner(calls).scan(plan, { parameters: ['word 1'], signal });
      const rows = (await Array.fromAsync(batches)).flatMap(rowsOf);
      expect(rows.sort()).toEqual([
        ['word 1', 10n],
        ['word 2', 10n],
      ]);
    }

    const { layouts } = await client.storage.getStats({});
    expect(layouts).toEqual([
      expect.objectContaining({
        layout: 'a',
        rowCount: 30n,
        hitCount: 2n,
        pinned: true,
        segmentsInMemory: 1,
      }),
    ]);
    expect(await client.storage.verifyFiles({})).toMatchObject({
      verifiedFiles: 1n,
      quarantinedFiles: [],
    });
    expect((await client.storage.locateFiles({ files: [file] })).paths[0]).toContain(
      fixture.folder,
    );
    expect(await client.storage.dropLayouts({ files: [file] })).toMatchObject({ deletedFiles: 1n });
    expect(await reasonOf(client.storage.locateFiles({ files: [file] }))).toBe('FILE_NOT_STORED');
  });

  test('streams the columns of a snapshot, and sets a damaged one aside', async () => {
    const { file } = await fixture.store(
      { kind: 'snapshot', id: 'cities' },
      `SELECT range AS id, 'city ' || range AS name, true AS big FROM range(20000)`,
    );
    const reader = new RemoteSnapshotReader(client.storage);
    const snapshot = 'projects/p/snapshots/cities';
    const columns = [
      { name: 'name', type: text },
      { name: 'id', type: bigint },
    ];
    const read = async (wanted: SnapshotRead) => {
      const batches = await Array.fromAsync(
        reader.readSnapshot(wanted, new AbortController().signal),
      );
      return batches.flatMap(rowsOf);
    };
    const rows = await read({ snapshot, columns });
    expect(rows).toHaveLength(20_000);
    expect(rows).toContainEqual(['city 19999', 19_999n]);
    expect(await reasonOf(read({ snapshot, columns: [] }))).toBe('BAD_SNAPSHOT_READ');
    const unknown = 'projects/p/snapshots/towns';
    expect(await reasonOf(read({ snapshot: unknown, columns }))).toBe('SNAPSHOT_NOT_STORED');
    appendFileSync(join(fixture.folder, file), 'x');
    expect(await reasonOf(read({ snapshot, columns }))).toBe('LAYOUT_CORRUPTED');
  });

  test('answers what is wrong with a stable reason', async () => {
    const files = [
      {
        stagedPath: 'x',
        kind: STORED_FILE_KIND_LAYOUT,
        segment: 's',
        id: 'a',
        fileDigest: '0'.repeat(64),
      },
    ];
    expect(await reasonOf(client.storage.commitIngest({ ingest: 'ingests/nothing', files }))).toBe(
      'INGEST_NOT_FOUND',
    );
    expect(await reasonOf(client.storage.locateFiles({ files: ['../../etc/passwd'] }))).toBe(
      'BAD_PATH',
    );
    const scan = async () => {
      for await (const _ of client.storage.scanCuboid({})) expect.unreachable();
    };
    expect(await reasonOf(scan())).toBe('BAD_SCAN_PLAN');
    using lanes = new ScanLanes(client.storage);
    expect(await reasonOf(Array.fromAsync(lanes.scanCuboid({})))).toBe('BAD_SCAN_PLAN');
  });
});

describe('a scheduler that was deposed', () => {
  const lease = 'leases/scheduler';
  const [old, next] = [
    { lease, token: 11n, operation: '' },
    { lease, token: 12n, operation: '' },
  ];
  const query = 'SELECT 1::BIGINT AS n';

  /** What one scheduler builds of a segment, taken in. */
  async function taken(fence: storage.PrepareIngestRequest['fence'], segment: string) {
    const { ingest, stagingDirectory } = await client.storage.prepareIngest({
      cube,
      key: segment,
      fence,
    });
    const staged = await fixture.stage(
      stagingDirectory,
      { kind: 'layout', id: 'l', segment },
      query,
    );
    const files = [{ ...staged, kind: STORED_FILE_KIND_LAYOUT }];
    const committed = await client.storage.commitIngest({ ingest, files, fence });
    return { ingest, stagingDirectory, file: committed.files[0]!.file };
  }

  test('changes nothing once the next one has acted, and both never write into one directory', async () => {
    const before = await client.storage.prepareIngest({ cube, key: 'both', fence: old });
    const { file, stagingDirectory } = await taken(next, 'both');
    expect(stagingDirectory).not.toBe(before.stagingDirectory);
    const late: Record<string, () => Promise<unknown>> = {
      prepare: () => client.storage.prepareIngest({ cube, key: 'late', fence: old }),
      commit: () => client.storage.commitIngest({ ingest: before.ingest, fence: old }),
      abort: () => client.storage.abortIngest({ ingest: before.ingest, fence: old }),
      drop: () => client.storage.dropLayouts({ files: [file], fence: old }),
      // It has not heard of what was built since.
      collect: () => client.storage.deleteUnreferenced({ graceMicros: 0n, fence: old }),
    };
    for (const [what, call] of Object.entries(late)) {
      expect(await reasonOf(call()), what).toBe('FENCED');
    }
    expect(await client.storage.findMissingFiles({ files: [file] })).toEqual({ missingFiles: [] });
  });

  test('leaves nothing behind: the next one clears away what both had staged', async () => {
    const later = { lease, token: 13n, operation: '' };
    const request = { cube, key: 'left' };
    const left = await client.storage.prepareIngest({ ...request, fence: next });
    const other = await client.storage.prepareIngest({ cube, key: 'other', fence: next });
    const { ingest } = await client.storage.prepareIngest({ ...request, fence: later });
    await client.storage.abortIngest({ ingest, fence: later });
    expect([left, other].map(({ stagingDirectory }) => existsSync(stagingDirectory))).toEqual([
      false,
      true,
    ]);
  });

  test('is remembered by a daemon that was started again', async () => {
    await using own = await StorageFixture.open();
    const handler = () =>
      own.storage.services[0]!.implementation as storage.StorageServiceImplementation;
    const context = { signal: new AbortController().signal } as never;
    await handler().prepareIngest({ cube, key: 'k', fence: next }, context);
    await own.restart();
    const late = handler().prepareIngest({ cube, key: 'k', fence: old }, context);
    expect(await reasonOf(Promise.resolve(late))).toBe('FENCED');
  });
});
