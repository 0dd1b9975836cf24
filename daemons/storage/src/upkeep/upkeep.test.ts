import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { metadata } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ComposedStorage, composeStorage } from '../composition.ts';
import type { StorageConfigInput } from '../config.ts';
import { type RunningStorage, runStorage } from '../run-storage.ts';
import { cube } from '../storage-fixture.ts';
import { boundClient } from '../testing/bound-client.ts';
import { startMetadata } from '../testing/metadata-server.ts';
import { plant, type TestFile, testFile } from '../testing/store-files.ts';

let root: string;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  root = await mkdtemp(join(tmpdir(), 'tessera-upkeep-'));
  stack.defer(() => rm(root, { recursive: true }));
});
afterEach(() => stack.disposeAsync());

const soon = { interval: 20 };
const hourMs = 3_600_000;

function flipped({ content }: TestFile): Buffer {
  const damaged = Buffer.from(content);
  damaged[damaged.length >> 1]! ^= 1;
  return damaged;
}

async function quarantined(directory: string): Promise<string[]> {
  const names = await readdir(join(directory, 'quarantine'), { recursive: true });
  return names.filter((name) => name.endsWith('.parquet'));
}

async function statsOf({ services }: ComposedStorage) {
  const stats = await boundClient(services).storage.getStats({});
  return { ...stats, scrub: stats.scrub! };
}

describe('the scrubber', () => {
  const directory = () => join(root, 'a');

  async function start(clock: ManualClock, config: Partial<StorageConfigInput> = {}) {
    const options = { directory: directory(), scrubIntervalMs: hourMs, ...config };
    return composeStorage(options, { clock });
  }

  /** Lets the clock run until that is so: files are read in real time. */
  async function passUntil(clock: ManualClock, isSo: () => Promise<boolean>) {
    await expect
      .poll(async () => {
        await clock.advance(1_000);
        return isSo();
      }, soon)
      .toBe(true);
  }

  test('reads every file once in each interval, and sets aside what has changed', async () => {
    const clock = new ManualClock();
    const files = [testFile(100), testFile(200), testFile(300)];
    await plant(directory(), files);
    await plant(directory(), [files[1]!], flipped(files[1]!));
    const storage = stack.use(await start(clock));
    await passUntil(clock, async () => (await statsOf(storage)).scrub.lastRoundMicros > 0n);
    expect(await statsOf(storage)).toMatchObject({
      quarantinedFiles: 1n,
      scrub: { verifiedFiles: 2n, verifiedBytes: 400n, damagedFiles: 1n, mendedFiles: 0n },
    });
    expect(await quarantined(directory())).toEqual([files[1]!.file]);
    await clock.advance(hourMs / 2);
    expect((await statsOf(storage)).scrub.verifiedFiles).toBe(2n);
    await clock.advance(hourMs / 2);
    await passUntil(clock, async () => (await statsOf(storage)).scrub.verifiedFiles === 4n);
  });

  test('reads no faster than it may', async () => {
    const clock = new ManualClock();
    await plant(directory(), [testFile(100_000)]);
    const storage = stack.use(await start(clock, { scrubBytesPerSecond: 10_000 }));
    await clock.advance(0);
    const startedMs = clock.monotonicMs();
    await passUntil(clock, async () => (await statsOf(storage)).scrub.lastRoundMicros > 0n);
    // The first of the ten seconds may be a burst.
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(9_000);
  });

  test('goes on in another life of the daemon where it was, and keeps to its interval', async () => {
    const files = Array.from({ length: 10 }, () => testFile(100_000));
    await plant(directory(), files);
    const clock = new ManualClock();
    // Ten seconds for each file, and a mark every minute.
    const slow = { scrubBytesPerSecond: 10_000 };
    const first = await start(clock, slow);
    await passUntil(clock, async () => {
      const mark = await readFile(join(directory(), 'scrub.json'), 'utf8').catch(() => '');
      return mark.includes('after');
    });
    const before = (await statsOf(first)).scrub.verifiedFiles;
    await first[Symbol.asyncDispose]();
    const second = stack.use(await start(clock));
    await passUntil(clock, async () => (await statsOf(second)).scrub.lastRoundMicros > 0n);
    const after = (await statsOf(second)).scrub.verifiedFiles;
    expect(before).toBeGreaterThan(0n);
    expect(Number(before + after)).toBeGreaterThanOrEqual(10);
    expect(Number(after)).toBeLessThan(10);
    await second[Symbol.asyncDispose]();
    const third = stack.use(await start(clock));
    await clock.advance(hourMs / 2);
    expect((await statsOf(third)).scrub.verifiedFiles).toBe(0n);
  });

  test('can be turned off', async () => {
    const clock = new ManualClock();
    await plant(directory(), [testFile(100)]);
    const storage = stack.use(await start(clock, { scrubBytesPerSecond: 0 }));
    await clock.advance(2 * hourMs);
    expect((await statsOf(storage)).scrub).toMatchObject({
      verifiedFiles: 0n,
      lastRoundMicros: 0n,
    });
  });
});

describe('what is damaged', () => {
  let client: Connection;
  let metadataAddress: string;
  beforeEach(async () => {
    metadataAddress = await startMetadata(stack);
    client = stack.use(connect(metadataAddress));
  });

  function startNode(name: string): Promise<RunningStorage> {
    return runStorage(
      { name, directory: join(root, name), mendIntervalMs: 50 },
      { address: '127.0.0.1:0', metadataAddress },
      silentLogger,
    );
  }

  /** A segment of one layout that is in these files. */
  async function publish(file: TestFile, replicas: readonly string[]): Promise<void> {
    await client.projects.createProject({ projectId: 'p' });
    const source = { connector: '@tessera/connector-files', config: {} };
    await client.sources.createSource({ parent: 'projects/p', sourceId: 'files', source });
    const model = {
      fact: { source: 'files', table: 't', alias: 't' },
      dimensions: [{ name: 'k', column: 't.k' }],
      measures: [{ name: 'n', aggregate: metadata.MeasureAggregate.MEASURE_AGGREGATE_COUNT }],
    };
    await client.models.createModel({ parent: 'projects/p', modelId: 'm', model: { spec: model } });
    const spec = { model: 'm', groups: [{ include: ['k'] }] };
    await client.cubes.createCube({ parent: 'projects/p', cubeId: 'sales', cube: { spec } });
    const segment = {
      range: { kind: { $case: 'all', value: {} } } as const,
      layouts: [{ id: 'l', file: file.file, fileDigest: file.fileDigest }],
      replicas: [...replicas],
    };
    await client.segments.createSegment({ parent: cube, segmentId: 's', segment });
  }

  test('is replaced by the copy of a node that metadata names', async () => {
    const file = testFile(300_000);
    await plant(join(root, 'a'), [file]);
    await plant(join(root, 'b'), [file], flipped(file));
    await publish(file, ['gone', 'a', 'b']);
    stack.use(await startNode('a'));
    const b = stack.use(await startNode('b'));
    await expect
      .poll(() => statsOf(b.storage), soon)
      .toMatchObject({
        quarantinedFiles: 0n,
        scrub: { damagedFiles: 1n, mendedFiles: 1n },
      });
    expect((await readFile(join(root, 'b', file.file))).equals(file.content)).toBe(true);
  });

  test('stays set aside while nobody has a whole copy, and when no resource names it', async () => {
    const [file, unnamed] = [testFile(1_000), testFile(1_000)];
    for (const each of [file, unnamed]) await plant(join(root, 'b'), [each], flipped(each));
    await publish(file, ['a', 'b']);
    const a = stack.use(await startNode('a'));
    const b = stack.use(await startNode('b'));
    await expect.poll(async () => (await statsOf(b.storage)).quarantinedFiles, soon).toBe(2n);
    await plant(join(root, 'a'), [file, unnamed]);
    expect(a.address).not.toBe(b.address);
    await expect.poll(async () => (await statsOf(b.storage)).scrub.mendedFiles, soon).toBe(1n);
    expect(await quarantined(join(root, 'b'))).toEqual([unnamed.file]);
  });

  test('is replaced from deep storage by a daemon that is registered nowhere', async () => {
    const file = testFile(5_000);
    await plant(join(root, 'c'), [file]);
    const config = {
      directory: join(root, 'c'),
      deepStorage: `file://${join(root, 'deep')}`,
      mendIntervalMs: 50,
      scrubIntervalMs: 50,
    };
    const storage = stack.use(await composeStorage(config));
    const { transfers } = boundClient(storage.services);
    await Array.fromAsync(transfers.storeDeep({ files: [file.file] }));
    await plant(join(root, 'c'), [file], flipped(file));
    await expect.poll(async () => (await statsOf(storage)).scrub.mendedFiles, soon).toBe(1n);
    expect((await readFile(join(root, 'c', file.file))).equals(file.content)).toBe(true);
  });
});
