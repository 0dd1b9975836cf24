import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, Code, systemClock, TesseraError } from '@tessera/base';
import { TokenBucket } from '@tessera/daemon';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IncomingFile, incomingFolder } from '../files/incoming-file.ts';
import { reasonOf } from '../storage-fixture.ts';
import { FilePull } from './file-pull.ts';
import type { FileSource, WantedFile } from './file-source.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tessera-pull-'));
  await mkdir(join(root, incomingFolder));
});
afterAll(() => rm(root, { recursive: true }));

const content = Buffer.from(Array.from({ length: 1_000 }, (_, i) => i % 251));
const fileDigest = createHash('sha256').update(content).digest('hex');
const file = `snapshots/p/x-${fileDigest}.parquet`;
const never = new AbortController().signal;
/** Pauses are over at once; whoever is waited for has all the time there is. */
const clock: Clock = {
  ...systemClock,
  sleep: (durationMs, signal) =>
    durationMs < 10_000
      ? Promise.resolve()
      : new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
};

/** How a source behaves when it is asked for the i-th time; the last one for all later times. */
interface Script {
  readonly bytes: Buffer;
  /** Bytes after which it breaks off, for each time; at the end of the list it does not. */
  readonly cuts: readonly number[];
  readonly refuses?: string;
}

function scripted(name: string, { bytes, cuts, refuses }: Script) {
  const asked: number[] = [];
  const source: FileSource = {
    name,
    async *read(_: WantedFile, offset: number) {
      const cut = cuts[asked.length] ?? Number.POSITIVE_INFINITY;
      asked.push(offset);
      if (refuses !== undefined) throw failure(refuses);
      const end = Math.min(bytes.length, offset + cut);
      for (let position = offset; position < end; position += 100) {
        const data = bytes.subarray(position, Math.min(position + 100, end));
        yield { data, sizeBytes: bytes.length };
      }
      if (end < bytes.length) throw failure('UNAVAILABLE');
    },
  };
  return { source, asked };
}

const failure = (reason: string) =>
  new TesseraError({ code: Code.UNAVAILABLE, reason, message: reason });
const honest = (...cuts: number[]): Script => ({ bytes: content, cuts });
const wrong = (...cuts: number[]): Script => ({ bytes: Buffer.alloc(content.length), cuts });
const refusing = (refuses: string): Script => ({ bytes: content, cuts: [], refuses });

async function pull(sources: readonly FileSource[], wanted: Partial<WantedFile> = {}) {
  await using incoming = await IncomingFile.create(root);
  let cameBytes = 0;
  const pulling = new FilePull(
    { file, fileDigest, sizeBytes: content.length, ...wanted },
    sources,
    incoming,
    {
      bucket: new TokenBucket({ bytesPerSecond: 1e12, clock }),
      clock,
      idleTimeoutMs: 60_000,
      signal: never,
      onBytes: (bytes) => {
        cameBytes += bytes;
      },
    },
  );
  await pulling.run();
  return { content: await readFile(incoming.path), cameBytes };
}

describe('a file that is pulled', () => {
  test('comes from the preferred source, and nobody else is asked', async () => {
    const [a, b] = [scripted('a', honest()), scripted('b', honest())];
    expect((await pull([a.source, b.source])).content).toEqual(content);
    expect([a.asked, b.asked]).toEqual([[0], []]);
  });

  test('goes on at the next source where the first broke off, and no byte comes twice', async () => {
    const [a, b] = [scripted('a', honest(350)), scripted('b', honest())];
    const pulled = await pull([a.source, b.source]);
    expect(pulled).toEqual({ content, cameBytes: content.length });
    expect([a.asked, b.asked]).toEqual([[0], [350]]);
  });

  test('goes on at the only source, as often as that gives something', async () => {
    const only = scripted('a', honest(300, 0, 300, 0, 300));
    expect(await pull([only.source])).toEqual({ content, cameBytes: content.length });
  });

  test('is read from each alone when what several gave together is wrong', async () => {
    const [a, b, c] = [scripted('a', wrong(500)), scripted('b', honest()), scripted('c', honest())];
    expect((await pull([a.source, b.source, c.source])).content).toEqual(content);
    expect([a.asked, b.asked, c.asked]).toEqual([[0, 0], [500, 0], []]);
  });

  test('is never taken from a source whose copy has another size or content', async () => {
    const [a, b] = [
      scripted('a', { bytes: content.subarray(1), cuts: [] }),
      scripted('b', wrong()),
    ];
    const c = scripted('c', honest());
    expect((await pull([a.source, b.source, c.source])).content).toEqual(content);
    await expect(pull([a.source, b.source])).rejects.toMatchObject({
      reason: 'FILE_IN_NO_SOURCE',
      metadata: { sources: 'a: SIZE_DIFFERS, b: DIGEST_DIFFERS' },
    });
    expect(await reasonOf(pull([a.source], { sizeBytes: 999 }))).toBe('FILE_IN_NO_SOURCE');
  });

  test('fails for good only when every source has answered', async () => {
    const gone = scripted('gone', refusing('FILE_NOT_STORED')).source;
    const away = scripted('away', refusing('UNAVAILABLE'));
    expect(await reasonOf(pull([gone]))).toBe('FILE_IN_NO_SOURCE');
    expect(await reasonOf(pull([]))).toBe('FILE_IN_NO_SOURCE');
    expect(await reasonOf(pull([gone, away.source]))).toBe('PULL_FAILED');
    expect(away.asked).toHaveLength(3);
  });
});

const script: fc.Arbitrary<Script> = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 6 }).map((cuts) => honest(...cuts)),
  fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 6 }).map((cuts) => wrong(...cuts)),
  fc.constantFrom('FILE_NOT_STORED', 'UNAVAILABLE', 'TRANSFER_QUEUE_FULL').map(refusing),
  fc
    .integer({ min: 0, max: 1_000 })
    .map((size) => ({ bytes: content.subarray(0, size), cuts: [] })),
);

test('whatever sources do, what comes is right or it fails; one that is honest and there suffices', async () => {
  const outcomes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(script, { maxLength: 4 }), fc.boolean(), async (scripts, sized) => {
      const sources = scripts.map((each, i) => scripted(`${i}`, each).source);
      const wanted = sized ? {} : { sizeBytes: undefined as never };
      const outcome = await pull(sources, wanted).then(
        ({ content: came }) => {
          expect(came).toEqual(content);
          return 'pulled';
        },
        (error: TesseraError) => error.reason,
      );
      outcomes.add(outcome);
      const suffices = scripts.some(({ bytes, cuts, refuses }) => {
        return bytes === content && refuses === undefined && cuts.length === 0;
      });
      if (suffices) expect(outcome).toBe('pulled');
    }),
    { numRuns: 300 },
  );
  expect([...outcomes].sort()).toEqual(['FILE_IN_NO_SOURCE', 'PULL_FAILED', 'pulled']);
});
