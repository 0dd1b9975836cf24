import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chunksOf, contentOf, testFile } from '@tessera/testkit/contracts';
import { expect, test } from 'vitest';
import { openDeepStorage } from './open-deep-storage.ts';
import { WebHdfsEmulation } from './webhdfs/web-hdfs-emulation.ts';

const file = testFile('a file', 1_000);
const signal = new AbortController().signal;

test('opens a folder, also one whose name has a blank', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tessera deep '));
  try {
    const deep = await openDeepStorage(pathToFileURL(folder).href);
    await deep.put(file.digest, chunksOf(file.content), signal);
    expect((await contentOf(deep, file.digest)).equals(file.content)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('opens HDFS by the name node that answers', async () => {
  await using hdfs = await WebHdfsEmulation.start();
  const [, node] = hdfs.url.split('//');
  const deep = await openDeepStorage(`webhdfs://tessera@127.0.0.1:1,${node}/kept/files`);
  await deep.put(file.digest, chunksOf(file.content), signal);
  expect([...hdfs.files.keys()]).toContain(`/kept/files/${file.digest.slice(0, 2)}/${file.digest}`);
});

test.each([
  '',
  '/mnt/tessera',
  'file:relative',
  'file://host/folder',
  's3://bucket',
  'webhdfs://node:9870/x',
  'webhdfs://u@a b/x',
  'webhdfs://u@node:9870',
])('refuses %j', async (where) => {
  await expect(openDeepStorage(where)).rejects.toMatchObject({ reason: 'BAD_DEEP_STORAGE' });
});
