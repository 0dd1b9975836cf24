import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeFolder } from './durable.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-durable-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a folder is made with all above it, by several at once, and again without harm', async () => {
  const path = join(folder, 'a', 'b', 'c');
  await Promise.all([1, 2, 3].map(() => makeFolder(path)));
  expect(existsSync(path)).toBe(true);
  await makeFolder(path);
  const beside = relative(process.cwd(), join(folder, 'd', 'e'));
  await makeFolder(beside);
  expect(existsSync(beside)).toBe(true);
});

test.skipIf(process.platform !== 'linux')('a folder that cannot be made is refused', async () => {
  await expect(makeFolder('/proc/nowhere/below')).rejects.toMatchObject({ code: 'ENOENT' });
});
