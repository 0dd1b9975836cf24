import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect } from '@tessera/client';
import { silentLogger, startServer } from '@tessera/daemon';
import type { storage } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeStorage, type StorageDependencies } from '../composition.ts';
import type { StorageConfigInput } from '../config.ts';
import { StorageProcess } from '../testing/storage-process.ts';
import { plant, type TestFile, testFile, wire } from '../testing/store-files.ts';

let root: string;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  root = await mkdtemp(join(tmpdir(), 'tessera-transfers-'));
  stack.defer(() => rm(root, { recursive: true }));
});
afterEach(() => stack.disposeAsync());

interface Node {
  readonly directory: string;
  readonly address: string;
  readonly client: Connection;
}

/** A storage daemon in this process, reached over a socket. */
async function startNode(
  name: string,
  config: Partial<StorageConfigInput> = {},
  dependencies: StorageDependencies = {},
): Promise<Node> {
  const directory = join(root, name);
  const { services } = stack.use(await composeStorage({ directory, ...config }, dependencies));
  const options = { services, log: silentLogger, drainTimeoutMs: 1 };
  const server = stack.use(await startServer({ address: '127.0.0.1:0', ...options }));
  return { directory, address: server.address, client: stack.use(connect(server.address)) };
}

/** The last report of a pull. */
async function pull(
  { client }: Node,
  files: readonly TestFile[],
  sources: readonly string[],
  fence?: { readonly lease: string; readonly token: bigint },
): Promise<storage.PullFilesResponse> {
  const request = { files: files.map(wire), sources: [...sources], fence };
  const reports = await Array.fromAsync(client.transfers.pullFiles(request));
  return reports.at(-1)!;
}

const contentOf = ({ directory }: Node, { file }: TestFile) => readFile(join(directory, file));
const incomingOf = ({ directory }: { readonly directory: string }) =>
  readdir(join(directory, 'incoming'));

/** Bytes that have come of files that are not whole yet. */
async function incomingBytes(node: { readonly directory: string }): Promise<number> {
  const sizes = (await incomingOf(node)).map((name) =>
    stat(join(node.directory, 'incoming', name)).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

const untilSome = { interval: 10 };

describe('a pull', () => {
  test('copies many files byte for byte, and copies nothing a second time', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')];
    const files = Array.from({ length: 60 }, (_, i) => testFile(1 + i * 20_011));
    await plant(a.directory, files);
    const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const first = await pull(b, files, [b.address, a.address]);
    expect(first).toEqual({ pulledFiles: 60n, pulledBytes: BigInt(bytes), presentFiles: 0n });
    for (const file of files) expect((await contentOf(b, file)).equals(file.content)).toBe(true);
    expect(await incomingOf(b)).toEqual([]);
    const again = await pull(b, files, [a.address]);
    expect(again).toEqual({ pulledFiles: 0n, pulledBytes: 0n, presentFiles: 60n });
    const verified = await b.client.storage.verifyFiles({});
    expect(verified).toMatchObject({ verifiedFiles: 60n, quarantinedFiles: [] });
  });

  test('of the same files by several callers at once copies each once', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')];
    const files = Array.from({ length: 12 }, () => testFile(50_000));
    await plant(a.directory, files);
    const reports = await Promise.all([1, 2, 3].map(() => pull(b, files, [a.address])));
    const pulled = reports.reduce((sum, { pulledFiles }) => sum + pulledFiles, 0n);
    expect(pulled).toBe(12n);
  });

  test('goes on at another source when one is killed in the middle of a file', async () => {
    const files = [testFile(1_500_000)];
    await plant(join(root, 'a'), files);
    const slow = ['--transfer-bytes-per-second', '400000'];
    const a = stack.use(await StorageProcess.start(join(root, 'a'), ...slow));
    const [b, c] = [await startNode('b'), await startNode('c')];
    await plant(b.directory, files);
    const pulling = pull(c, files, [a.address, b.address]);
    await expect.poll(() => incomingBytes(c), untilSome).toBeGreaterThan(0);
    await a.kill();
    expect(await pulling).toEqual({ pulledFiles: 1n, pulledBytes: 1_500_000n, presentFiles: 0n });
    expect((await contentOf(c, files[0]!)).equals(files[0]!.content)).toBe(true);
  });

  test('takes nothing from a peer whose copy is damaged', async () => {
    const [a, b, c] = [await startNode('a'), await startNode('b'), await startNode('c')];
    const files = [testFile(700_000)];
    const damaged = Buffer.from(files[0]!.content);
    damaged[600_000]! ^= 1;
    await plant(a.directory, files, damaged);
    await expectReason(pull(c, files, [a.address]), 'FILE_IN_NO_SOURCE');
    expect(await c.client.storage.findMissingFiles({ files: [files[0]!.file] })).toEqual({
      missingFiles: [files[0]!.file],
    });
    await plant(b.directory, files);
    await pull(c, files, [a.address, b.address]);
    expect((await contentOf(c, files[0]!)).equals(files[0]!.content)).toBe(true);
  });

  test('tries all files before it fails, and says which one is missing where', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')];
    const [there, missing] = [testFile(1_000), testFile(1_000)];
    await plant(a.directory, [there]);
    const failing = pull(b, [missing, there], [a.address]);
    await expect(failing).rejects.toMatchObject({
      reason: 'FILE_IN_NO_SOURCE',
      metadata: { file: missing.file, sources: `${a.address}: FILE_NOT_STORED` },
    });
    expect((await contentOf(b, there)).equals(there.content)).toBe(true);
    await expectReason(pull(b, [missing], ['127.0.0.1:1']), 'PULL_FAILED');
  });

  test('mends a file that was set aside', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')];
    const files = [testFile(10_000)];
    await plant(a.directory, files);
    await plant(b.directory, files, Buffer.alloc(10_000));
    const { quarantinedFiles } = await b.client.storage.verifyFiles({});
    expect(quarantinedFiles).toEqual([files[0]!.file]);
    await pull(b, files, [a.address]);
    expect(await b.client.storage.verifyFiles({})).toMatchObject({ verifiedFiles: 1n });
    expect(
      await readdir(join(b.directory, 'quarantine'), { recursive: true, withFileTypes: true }),
    ).not.toContainEqual(expect.objectContaining({ name: expect.stringContaining('.parquet') }));
  });

  test.each([
    ['another digest than its path', { fileDigest: '0'.repeat(64) }],
    ['a path out of the store', { file: '../x' }],
    ['a path that is none of a stored file', { file: 'fences.json' }],
  ])('of a file with %s is refused', async (_, wrong) => {
    const b = await startNode('b');
    await expectReason(pull(b, [{ ...testFile(10), ...wrong }], []), 'BAD_PATH');
  });

  test('ends when a newer leader acts, and the newer one does not wait for it', async () => {
    const [a, b] = [await startNode('a', { transferBytesPerSecond: 10_000 }), await startNode('b')];
    const files = [testFile(10_000_000)];
    await plant(a.directory, files);
    const lease = 'leases/scheduler';
    const old = pull(b, files, [a.address], { lease, token: 1n });
    const refused = expectReason(old, 'FENCED');
    await expect.poll(() => incomingBytes(b), untilSome).toBeGreaterThan(0);
    await b.client.storage.dropLayouts({ files: [files[0]!.file], fence: { lease, token: 2n } });
    await refused;
    await expect.poll(() => incomingOf(b), untilSome).toEqual([]);
  });

  test('waits in a queue that has an end', async () => {
    const slow = { transferBytesPerSecond: 10_000, transferConcurrency: 1, transferQueueLength: 1 };
    const a = await startNode('a', slow);
    const files = [testFile(10_000_000)];
    await plant(a.directory, files);
    const stop = new AbortController();
    const { file } = files[0]!;
    const read = async () => {
      for await (const _ of a.client.transfers.readFile({ file }, { signal: stop.signal }));
    };
    const reads = await Promise.race(
      [read(), read(), read()].map((each) => each.catch((error) => error)),
    );
    expect(reads).toMatchObject({ reason: 'TRANSFER_QUEUE_FULL' });
    stop.abort();
  });
});

test('a read may begin anywhere in a file, also at its end, but not beyond', async () => {
  const a = await startNode('a');
  const file = testFile(1_000);
  await plant(a.directory, [file]);
  const read = async (offset: bigint) => {
    const parts = await Array.fromAsync(a.client.transfers.readFile({ file: file.file, offset }));
    expect(new Set(parts.map(({ sizeBytes }) => sizeBytes))).toEqual(new Set([1_000n]));
    return Buffer.concat(parts.map(({ data }) => data));
  };
  for (const offset of [0n, 1n, 999n, 1_000n]) {
    expect(await read(offset)).toEqual(file.content.subarray(Number(offset)));
  }
  await expectReason(read(1_001n), 'OFFSET_BEYOND_END');
  await expectReason(
    Array.fromAsync(a.client.transfers.readFile({ file: testFile(1).file })),
    'FILE_NOT_STORED',
  );
});

test('kill -9 in the middle of a pull leaves nothing that anybody sees, and the pull can be repeated', async () => {
  const a = await startNode('a');
  const files = [testFile(1_500_000), testFile(1_500_000)];
  await plant(a.directory, files);
  const directory = join(root, 'b');
  const slow = ['--transfer-bytes-per-second', '400000'];
  const killed = stack.use(await StorageProcess.start(directory, ...slow));
  using client = connect(killed.address);
  const pulling = Array.fromAsync(
    client.transfers.pullFiles({ files: files.map(wire), sources: [a.address] }),
  ).catch((error) => error);
  await expect.poll(() => incomingBytes({ directory }), untilSome).toBeGreaterThan(0);
  await killed.kill();
  expect(await pulling).toMatchObject({ reason: expect.any(String) });
  const b = await startNode('b');
  expect(await incomingOf(b)).toEqual([]);
  const names = files.map(({ file }) => file);
  expect((await b.client.storage.findMissingFiles({ files: names })).missingFiles).toEqual(names);
  expect(await pull(b, files, [a.address])).toMatchObject({ pulledFiles: 2n });
});

describe('deep storage', () => {
  test('takes copies once, and gives them back to a daemon that has lost everything', async () => {
    const deepStorage = `file://${join(root, 'deep')}`;
    const a = await startNode('a', { deepStorage });
    const files = [testFile(2_500_000), testFile(10), testFile(300_000)];
    await plant(a.directory, files);
    const names = files.map(({ file }) => file);
    const store = async () =>
      (await Array.fromAsync(a.client.transfers.storeDeep({ files: names }))).at(-1);
    const storedBytes = BigInt(2_500_000 + 10 + 300_000);
    expect(await store()).toEqual({ storedFiles: 3n, storedBytes, presentFiles: 0n });
    expect(await store()).toEqual({ storedFiles: 0n, storedBytes: 0n, presentFiles: 3n });
    const b = await startNode('b', { deepStorage });
    await pull(b, files, ['127.0.0.1:1']);
    for (const file of files) expect((await contentOf(b, file)).equals(file.content)).toBe(true);
  });

  test('loses what nothing refers to any more, after the grace time', async () => {
    const clock = new ManualClock();
    const a = await startNode('a', { deepStorage: `file://${join(root, 'deep')}` }, { clock });
    const [kept, unused] = [testFile(10), testFile(20)];
    await plant(a.directory, [kept, unused]);
    const names = [kept.file, unused.file];
    await Array.fromAsync(a.client.transfers.storeDeep({ files: names }));
    const collect = () =>
      a.client.transfers.deleteUnreferencedDeep({
        referencedDigests: [kept.fileDigest],
        graceMicros: 60_000_000n,
      });
    expect(await collect()).toMatchObject({ deletedFiles: 0n });
    await clock.advance(59_000);
    expect(await collect()).toMatchObject({ deletedFiles: 0n });
    await clock.advance(1_000);
    expect(await collect()).toMatchObject({ deletedFiles: 1n, deletedBytes: 20n });
    const again = await Array.fromAsync(a.client.transfers.storeDeep({ files: names }));
    expect(again.at(-1)).toMatchObject({ storedFiles: 1n, presentFiles: 1n });
  });

  test('is read again: a rotten copy is set aside and named, and stored again by a daemon that has it whole', async () => {
    const deep = join(root, 'deep');
    const a = await startNode('a', { deepStorage: `file://${deep}` });
    const files = [testFile(300_000), testFile(10), testFile(2_500_000)];
    const absent = testFile(7);
    await plant(a.directory, files);
    const names = files.map(({ file }) => file);
    await Array.fromAsync(a.client.transfers.storeDeep({ files: names }));
    const fileDigests = [...files, absent].map(({ fileDigest }) => fileDigest);
    const scrub = async () =>
      (await Array.fromAsync(a.client.transfers.scrubDeep({ fileDigests }))).at(-1);
    const missingDigests = [absent.fileDigest];
    const whole = { verifiedFiles: 3n, verifiedBytes: 2_800_010n, damagedDigests: [] };
    expect(await scrub()).toEqual({ ...whole, missingDigests });
    const rotten = files[0]!.fileDigest;
    const path = join(deep, rotten.slice(0, 2), rotten);
    await writeFile(path, 'rotten');
    const damaged = { verifiedFiles: 2n, verifiedBytes: 2_500_010n, damagedDigests: [rotten] };
    expect(await scrub()).toEqual({ ...damaged, missingDigests });
    expect(await readFile(join(deep, 'quarantine', rotten), 'utf8')).toBe('rotten');
    expect((await scrub())?.missingDigests).toEqual([rotten, absent.fileDigest]);
    const again = await Array.fromAsync(a.client.transfers.storeDeep({ files: names }));
    expect(again.at(-1)).toMatchObject({ storedFiles: 1n, presentFiles: 2n });
    expect((await readFile(path)).equals(files[0]!.content)).toBe(true);
    expect(await readdir(join(deep, 'quarantine'))).toEqual([]);
    expect(await scrub()).toEqual({ ...whole, missingDigests });
  });

  test('that is not configured is not pretended', async () => {
    const a = await startNode('a');
    const storing = Array.fromAsync(a.client.transfers.storeDeep({ files: [] }));
    await expectReason(storing, 'DEEP_STORAGE_NOT_CONFIGURED');
    const scrubbing = Array.fromAsync(a.client.transfers.scrubDeep({ fileDigests: [] }));
    await expectReason(scrubbing, 'DEEP_STORAGE_NOT_CONFIGURED');
    await expectReason(
      a.client.transfers.deleteUnreferencedDeep({}),
      'DEEP_STORAGE_NOT_CONFIGURED',
    );
  });
});
