import { createHash } from 'node:crypto';
import type { DeepFile, DeepStorage } from '@tessera/base';
import { beforeEach, describe, expect, test } from 'vitest';
import { expectReason } from './key-value-store-harness.ts';

export interface DeepStorageSubject {
  /** A deep storage without files. */
  open(): Promise<DeepStorage>;
  /** Changes a byte of a stored file of the storage that was opened last, behind its back. */
  damage(digest: string): Promise<void>;
}

const signal = new AbortController().signal;

/** The contract of `DeepStorage`. A driver's first test is one call of this. */
export function describeDeepStorage(name: string, subject: DeepStorageSubject): void {
  describe(`${name} keeps the contract of deep storage`, () => {
    let storage: DeepStorage;
    beforeEach(async () => {
      storage = await subject.open();
    });
    const put = (file: TestFile) => storage.put(file.digest, chunksOf(file.content), signal);
    const stored = () => Array.fromAsync<DeepFile>(storage.list(signal));

    test.each([0, 1, 70_000, 3_000_001])(
      'gives back %i bytes as they were stored',
      async (size) => {
        const file = testFile(`${size}`, size);
        const known = { digest: file.digest, sizeBytes: size };
        expect(await put(file)).toEqual(known);
        expect(await storage.stat(file.digest, signal)).toEqual(known);
        expect((await contentOf(storage, file.digest)).equals(file.content)).toBe(true);
      },
    );

    test('storing again changes nothing and reads nothing', async () => {
      const file = testFile('again', 5_000);
      const first = await put(file);
      const again = await storage.put(file.digest, unreadable(), signal);
      expect(again).toEqual(first);
      expect(await contentOf(storage, file.digest)).toEqual(file.content);
    });

    test('uploads of one file at once all succeed, and it is there once', async () => {
      const file = testFile('at once', 200_000);
      const outcomes = await Promise.all([put(file), put(file), put(file)]);
      expect(outcomes).toEqual(Array(3).fill({ digest: file.digest, sizeBytes: 200_000 }));
      expect(await stored()).toEqual([outcomes[0]]);
    });

    test('content that is not what its digest says leaves nothing', async () => {
      const file = testFile('wanted', 5_000);
      const other = testFile('other', 5_000);
      const upload = storage.put(file.digest, chunksOf(other.content), signal);
      await expectReason(upload, 'DEEP_UPLOAD_MISMATCH');
      expect(await storage.stat(file.digest, signal)).toBeUndefined();
      expect(await stored()).toEqual([]);
    });

    test('an upload that is cut off fails with its own error, leaves nothing to be seen, and can be repeated', async () => {
      const file = testFile('cut off', 500_000);
      const cut = storage.put(file.digest, cutOff(file.content, 300_000), signal);
      await expect(cut).rejects.toThrow('the source broke off');
      expect(await storage.stat(file.digest, signal)).toBeUndefined();
      expect(await stored()).toEqual([]);
      // A server may hear of the upload only after it was given up: that much a sweep may find.
      expect(await storage.sweep(Date.now() + 86_400_000, signal)).toBeLessThanOrEqual(1);
      await put(file);
      expect((await contentOf(storage, file.digest)).equals(file.content)).toBe(true);
    });

    test('what is not there: no size, nothing to delete, DEEP_FILE_NOT_STORED', async () => {
      const { digest } = testFile('absent', 10);
      expect(await storage.stat(digest, signal)).toBeUndefined();
      expect(await storage.delete(digest, signal)).toBe(false);
      await expectReason(contentOf(storage, digest), 'DEEP_FILE_NOT_STORED');
      expect(await stored()).toEqual([]);
    });

    test('lists files in the order of their digests, without those deleted', async () => {
      const files = Array.from({ length: 12 }, (_, i) => testFile(`file ${i}`, i));
      for (const file of files) await put(file);
      const sorted = files
        .map(({ digest, content }) => ({ digest, sizeBytes: content.length }))
        .sort((a, b) => (a.digest < b.digest ? -1 : 1));
      expect(await stored()).toEqual(sorted);
      expect(await storage.delete(sorted[3]!.digest, signal)).toBe(true);
      expect(await storage.delete(sorted[3]!.digest, signal)).toBe(false);
      expect(await stored()).toEqual(sorted.toSpliced(3, 1));
    });

    test('a damaged file that is set aside is not there, is kept, and goes when the whole one is stored', async () => {
      const file = testFile('aside', 400_000);
      const known = { digest: file.digest, sizeBytes: file.content.length };
      const aside = () => Array.fromAsync<DeepFile>(storage.listSetAside(signal));
      expect(await storage.setAside(file.digest, signal)).toBe(false);
      await put(file);
      await subject.damage(file.digest);
      expect(await storage.setAside(file.digest, signal)).toBe(true);
      expect(await storage.stat(file.digest, signal)).toBeUndefined();
      await expectReason(contentOf(storage, file.digest), 'DEEP_FILE_NOT_STORED');
      expect([await stored(), await aside()]).toEqual([[], [known]]);
      const cut = storage.put(file.digest, cutOff(file.content, 300_000), signal);
      await expect(cut).rejects.toThrow('the source broke off');
      expect([await stored(), await aside()]).toEqual([[], [known]]);
      await put(file);
      expect([await stored(), await aside()]).toEqual([[known], []]);
      expect((await contentOf(storage, file.digest)).equals(file.content)).toBe(true);
    });

    test('a file may be set aside twice, and is deleted together with what is aside', async () => {
      const file = testFile('twice', 5_000);
      const aside = () => Array.fromAsync<DeepFile>(storage.listSetAside(signal));
      for (let i = 0; i < 2; i++) {
        await put(file);
        await subject.damage(file.digest);
        expect(await storage.setAside(file.digest, signal)).toBe(true);
        expect(await aside()).toHaveLength(1);
      }
      expect(await storage.delete(file.digest, signal)).toBe(true);
      expect(await aside()).toEqual([]);
      expect(await storage.delete(file.digest, signal)).toBe(false);
    });

    test('damaged content is found while it is read; deleted and stored again it is mended', async () => {
      const file = testFile('damaged', 400_000);
      await put(file);
      await subject.damage(file.digest);
      await expectReason(contentOf(storage, file.digest), 'DEEP_FILE_CORRUPT');
      await put(file);
      await expectReason(contentOf(storage, file.digest), 'DEEP_FILE_CORRUPT');
      await storage.delete(file.digest, signal);
      await put(file);
      expect((await contentOf(storage, file.digest)).equals(file.content)).toBe(true);
    });

    test.each(['', 'abc', `../${'a'.repeat(61)}`, 'A'.repeat(64)])(
      'refuses %j as a digest',
      async (digest) => {
        await expectReason(storage.put(digest, unreadable(), signal), 'BAD_DIGEST');
        await expectReason(storage.stat(digest, signal), 'BAD_DIGEST');
        await expectReason(storage.delete(digest, signal), 'BAD_DIGEST');
        await expectReason(storage.setAside(digest, signal), 'BAD_DIGEST');
        await expectReason(contentOf(storage, digest), 'BAD_DIGEST');
      },
    );

    test('a reader may leave early or be cancelled, and harms nobody', async () => {
      const file = testFile('left', 3_000_000);
      await put(file);
      for await (const _ of storage.get(file.digest, signal)) break;
      const abort = new AbortController();
      const cancelled = async () => {
        for await (const _ of storage.get(file.digest, abort.signal)) abort.abort();
      };
      await expect(cancelled()).rejects.toThrow();
      expect((await contentOf(storage, file.digest)).equals(file.content)).toBe(true);
    });

    test('an upload can be cancelled, and leaves nothing', async () => {
      const file = testFile('cancelled', 500_000);
      const abort = new AbortController();
      const content = async function* () {
        yield file.content.subarray(0, 100_000);
        abort.abort();
        yield file.content.subarray(100_000);
      };
      await expect(storage.put(file.digest, content(), abort.signal)).rejects.toThrow();
      expect(await stored()).toEqual([]);
    });

    test('a sweep takes old unfinished uploads only; one that was running fails and leaves nothing', async () => {
      const kept = testFile('kept', 1_000);
      await put(kept);
      const { promise: gate, resolve: open } = Promise.withResolvers<void>();
      const file = testFile('unfinished', 2_000_000);
      const content = async function* () {
        yield file.content.subarray(0, 1_000_000);
        await gate;
        yield file.content.subarray(1_000_000);
      };
      const upload = storage.put(file.digest, content(), signal).catch((error) => error);
      expect(await storage.sweep(0, signal)).toBe(0);
      await expect.poll(() => storage.sweep(Date.now() + 86_400_000, signal)).toBe(1);
      open();
      expect(await upload).toMatchObject({ reason: 'DEEP_STORAGE_UNAVAILABLE' });
      expect(await stored()).toEqual([{ digest: kept.digest, sizeBytes: 1_000 }]);
    });
  });
}

export interface TestFile {
  readonly digest: string;
  readonly content: Buffer;
}

/** Bytes that follow from a name, with their digest. */
export function testFile(name: string, size: number): TestFile {
  const parts: Buffer[] = [];
  for (let length = 0, i = 0; length < size; i++, length += 32) {
    parts.push(createHash('sha256').update(`${name} ${i}`).digest());
  }
  const content = Buffer.concat(parts).subarray(0, size);
  return { digest: createHash('sha256').update(content).digest('hex'), content };
}

/** Content in chunks, as it comes from a file or a network. */
export async function* chunksOf(content: Buffer, chunkBytes = 64 << 10): AsyncIterable<Uint8Array> {
  for (let start = 0; start < content.length; start += chunkBytes) {
    yield content.subarray(start, start + chunkBytes);
  }
}

/** Reads a file to its end. */
export async function contentOf(storage: DeepStorage, digest: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(storage.get(digest, signal)));
}

async function* cutOff(content: Buffer, after: number): AsyncIterable<Uint8Array> {
  yield* chunksOf(content.subarray(0, after));
  throw new Error('the source broke off');
}

// biome-ignore lint/correctness/useYield: it throws when it is read.
async function* unreadable(): AsyncGenerator<Uint8Array> {
  throw new Error('nobody may read this');
}
