import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Code, type DeepStorage, TesseraError } from '@tessera/base';
import { silentLogger, TokenBucket } from '@tessera/daemon';
import { openDeepStorage } from '@tessera/deep-storage';
import { ManualClock } from '@tessera/testkit';
import { chunksOf, testFile } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeepScrub } from './deep-scrub.ts';

const { signal } = new AbortController();
const clock = new ManualClock();
const files = [1, 2, 3].map((i) => testFile(`file ${i}`, 600));
const digests = files.map(({ digest }) => digest);

/** What a reading throws whose bytes were spoiled. */
const spoiled = new TesseraError({
  code: Code.DATA_LOSS,
  reason: 'DEEP_FILE_CORRUPT',
  message: '',
  metadata: {},
});

let folder: string;
let deep: DeepStorage;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-deep-scrub-'));
  deep = await openDeepStorage(`file://${folder}`);
  for (const { digest, content } of files) await deep.put(digest, chunksOf(content), signal);
});
afterEach(() => rm(folder, { recursive: true }));

function scrubberOf(storage: DeepStorage, bytesPerSecond: number) {
  const progress = { verifiedFiles: 0, verifiedBytes: 0, damaged: [], missing: [] };
  const scrub = new DeepScrub({
    ...{ deep: storage, log: silentLogger, onVerified: () => {}, onDamaged: () => {} },
    bucket: new TokenBucket({ bytesPerSecond, clock }),
  });
  const run = () => scrub.scrub(digests, { signal, progress, onProgress: () => {} });
  return { progress, run };
}

test('deep storage is read no faster than it may be', async () => {
  const { progress, run } = scrubberOf(deep, 1_000);
  const startMs = clock.monotonicMs();
  const ending = run().then(() => 'ended');
  const advance = async () => {
    await clock.advance(10);
    return Promise.race([ending, Promise.resolve('reading')]);
  };
  await expect.poll(advance, { interval: 1, timeout: 30_000 }).toBe('ended');
  expect(progress).toMatchObject({ verifiedFiles: 3, verifiedBytes: 1_800 });
  expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(1_800 - 250); // Less the burst.
});

test('a file that was spoiled on its way once is not set aside', async () => {
  let readings = 0;
  const shaky: DeepStorage = {
    put: (...given) => deep.put(...given),
    stat: (...given) => deep.stat(...given),
    list: (...given) => deep.list(...given),
    delete: (...given) => deep.delete(...given),
    sweep: (...given) => deep.sweep(...given),
    setAside: (...given) => deep.setAside(...given),
    listSetAside: (...given) => deep.listSetAside(...given),
    async *get(digest, by) {
      readings++;
      if (readings === 2) throw spoiled;
      yield* deep.get(digest, by);
    },
  };
  const { progress, run } = scrubberOf(shaky, 1e9);
  await run();
  expect(progress).toEqual({ verifiedFiles: 3, verifiedBytes: 1_800, damaged: [], missing: [] });
  expect(readings).toBe(4);
});
