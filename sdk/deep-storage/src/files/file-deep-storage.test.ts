import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chunksOf, contentOf, describeDeepStorage, testFile } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FileCalls, nodeFileCalls } from './file-calls.ts';
import { FileDeepStorage } from './file-deep-storage.ts';

const signal = new AbortController().signal;
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tessera-deep-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describeDeepStorage('a folder', {
  open: () => FileDeepStorage.open(root),
  async damage(digest) {
    const file = await open(join(root, digest.slice(0, 2), digest), 'r+');
    await file.write('?', 100);
    await file.close();
  },
});

const errno = (code: string) => Object.assign(new Error(code), { code });

/** Calls of which one fails, as often as `times` says, before or after it was made. */
function failing(
  name: keyof FileCalls,
  code: string,
  { times = 1, made = false, when = () => true as boolean } = {},
): FileCalls {
  let left = times;
  const call = nodeFileCalls[name] as (...args: string[]) => Promise<unknown>;
  return {
    ...nodeFileCalls,
    [name]: async (...args: string[]) => {
      if (left === 0 || !when()) return call(...args);
      left--;
      if (made) await call(...args);
      throw errno(code);
    },
  };
}

/** Calls that open files whose handles fail, the n-th time that one of their methods is called. */
function failingHandles(
  method: 'read' | 'write' | 'sync' | 'close',
  code: string,
  at = 1,
): FileCalls {
  let count = 0;
  return {
    ...nodeFileCalls,
    async open(path, flags) {
      const file = await open(path, flags);
      return new Proxy(file, {
        get(target, name) {
          const value = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return async (...args: unknown[]) => {
            if (name === method && ++count === at) {
              if (method === 'close') await target.close();
              throw errno(code);
            }
            return value.apply(target, args);
          };
        },
      });
    },
  };
}

const file = testFile('a file', 3_000_000);
const put = (storage: FileDeepStorage) => storage.put(file.digest, chunksOf(file.content), signal);

describe('a folder that fails', () => {
  test.each([
    { method: 'write', code: 'ENOSPC', reason: 'DEEP_STORAGE_FULL' },
    { method: 'write', code: 'EDQUOT', reason: 'DEEP_STORAGE_FULL' },
    { method: 'sync', code: 'ENOSPC', reason: 'DEEP_STORAGE_FULL' },
    { method: 'close', code: 'EDQUOT', reason: 'DEEP_STORAGE_FULL' },
    { method: 'sync', code: 'EIO', reason: 'DEEP_STORAGE_UNAVAILABLE' },
    { method: 'write', code: 'ESTALE', reason: 'DEEP_STORAGE_UNAVAILABLE' },
  ] as const)(
    'in an upload, $code by $method: $reason, nothing is left, and what was stored is intact',
    async ({ method, code, reason }) => {
      const before = testFile('before', 1_000);
      const healthy = await FileDeepStorage.open(root);
      await healthy.put(before.digest, chunksOf(before.content), signal);
      const storage = await FileDeepStorage.open(root, failingHandles(method, code));
      await expect(put(storage)).rejects.toMatchObject({ reason });
      expect(await healthy.stat(file.digest)).toBeUndefined();
      expect(await readdir(join(root, 'incoming'))).toEqual([]);
      expect(await contentOf(healthy, before.digest)).toEqual(before.content);
      expect(await put(healthy)).toEqual({ digest: file.digest, sizeBytes: 3_000_000 });
    },
  );

  test('a folder that may not be written: DEEP_STORAGE_DENIED', async () => {
    const opened = FileDeepStorage.open(root, failing('mkdir', 'EACCES'));
    await expect(opened).rejects.toMatchObject({ reason: 'DEEP_STORAGE_DENIED' });
  });
});

describe('a folder on a file server', () => {
  test.each(['stat', 'rename', 'mkdir', 'readdir', 'remove'] as const)(
    'a stale handle in %s: the call is made again',
    async (name) => {
      let begun = false;
      const calls = failing(name, 'ESTALE', { when: () => begun });
      const storage = await FileDeepStorage.open(root, calls);
      begun = true;
      await put(storage);
      expect(await Array.fromAsync(storage.list(signal))).toHaveLength(1);
      expect((await contentOf(storage, file.digest)).equals(file.content)).toBe(true);
      expect(await storage.delete(file.digest)).toBe(true);
    },
  );

  test('a handle that goes stale while a file is read: it is opened again, and reading goes on there', async () => {
    await put(await FileDeepStorage.open(root));
    const storage = await FileDeepStorage.open(root, failingHandles('read', 'ESTALE', 2));
    expect((await contentOf(storage, file.digest)).equals(file.content)).toBe(true);
  });

  test('handles that are always stale: DEEP_STORAGE_UNAVAILABLE', async () => {
    await put(await FileDeepStorage.open(root));
    const calls = failing('open', 'ESTALE', { times: Number.POSITIVE_INFINITY });
    const storage = await FileDeepStorage.open(root, calls);
    const reason = 'DEEP_STORAGE_UNAVAILABLE';
    await expect(contentOf(storage, file.digest)).rejects.toMatchObject({ reason });
  });

  test('a rename that was done but not confirmed, and is sent again: the file is stored', async () => {
    const calls = failing('rename', 'ESTALE', { made: true });
    const storage = await FileDeepStorage.open(root, calls);
    expect(await put(storage)).toEqual({ digest: file.digest, sizeBytes: 3_000_000 });
    expect(await readdir(join(root, 'incoming'))).toEqual([]);
  });
});
