import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { connect } from '@tessera/client';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { composeStorage } from '../composition.ts';
import { StorageProcess } from '../testing/storage-process.ts';

let directory: string;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  directory = await mkdtemp(join(tmpdir(), 'tessera-lock-'));
  stack.defer(() => rm(directory, { recursive: true }));
});
afterEach(() => stack.disposeAsync());

test('a folder is for one daemon, whichever process it is in, and free when that one is gone', async () => {
  const first = stack.use(await composeStorage({ directory }));
  await expectReason(composeStorage({ directory }), 'STORAGE_DIRECTORY_LOCKED');
  await expect(StorageProcess.start(directory)).rejects.toThrow('STORAGE_DIRECTORY_LOCKED');
  await first[Symbol.asyncDispose]();
  stack.use(await composeStorage({ directory }));
});

test('a daemon that is killed leaves no lock behind', async () => {
  const first = stack.use(await StorageProcess.start(directory));
  await expectReason(composeStorage({ directory }), 'STORAGE_DIRECTORY_LOCKED');
  await first.kill('SIGKILL');
  stack.use(await composeStorage({ directory }));
});

test('paths that a daemon tells are absolute, whatever its folder was called', async () => {
  const daemon = stack.use(await StorageProcess.start(relative(process.cwd(), directory)));
  using client = connect(daemon.address);
  const cube = 'projects/p/cubes/c';
  const { stagingDirectory } = await client.storage.prepareIngest({ cube, key: 'k' });
  expect(dirname(stagingDirectory).startsWith(directory)).toBe(true);
});

test('a folder that cannot be one is refused with its name', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expectReason(composeStorage({ directory: file }), 'STORAGE_DIRECTORY_UNUSABLE');
  const nowhere = '/proc/nowhere/storage';
  await expectReason(composeStorage({ directory: nowhere }), 'STORAGE_DIRECTORY_UNUSABLE');
});
