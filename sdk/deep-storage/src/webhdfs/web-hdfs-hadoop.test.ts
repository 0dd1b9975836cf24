import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { chunksOf, contentOf, describeDeepStorage, testFile } from '@tessera/testkit/contracts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type HdfsServers, hadoopLibraries, startHdfs } from './hdfs-servers.ts';
import { WebHdfsDeepStorage } from './web-hdfs-deep-storage.ts';

const libraries = hadoopLibraries();
const user = 'tessera';
const signal = new AbortController().signal;

describe.skipIf(libraries === undefined)('HDFS of Hadoop (scripts/install-test-deps.sh)', () => {
  let servers: HdfsServers;
  let directory = '';
  beforeAll(async () => {
    servers = await startHdfs(libraries!);
    await nameNode('PUT', '/tests', { op: 'MKDIRS' });
    await nameNode('PUT', '/tests', { op: 'SETOWNER', owner: user });
  }, 240_000);
  afterAll(() => servers?.[Symbol.asyncDispose]());

  /** A call as the user who started the servers, who may do anything. Gives where it is sent on to, or the answer. */
  async function nameNode(
    method: string,
    path: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<string> {
    const administrator = userInfo().username;
    const search = new URLSearchParams({ ...parameters, 'user.name': administrator });
    const url = `${servers.url}/webhdfs/v1${encodeURI(path)}?${search}`;
    const answer = await fetch(url, { method, redirect: 'manual' });
    expect(answer.status).toBeLessThan(400);
    return answer.headers.get('location') ?? (await answer.text());
  }

  const open = (folder: string, name = user) =>
    new WebHdfsDeepStorage({ nameNodes: [servers.url], directory: folder, user: name });

  describeDeepStorage('it', {
    async open() {
      directory = `/tests/a folder ${randomUUID()}`;
      return open(directory);
    },
    async damage(digest) {
      const path = `${directory}/${digest.slice(0, 2)}/${digest}`;
      const from = await nameNode('GET', path, { op: 'OPEN' });
      const content = Buffer.from(await (await fetch(from)).arrayBuffer());
      content[100]! ^= 1;
      await upload(await nameNode('PUT', path, { op: 'CREATE', overwrite: 'true' }), content);
    },
  });

  const file = testFile('a file', 3_000_000);

  test('a user who may not write: DEEP_STORAGE_DENIED', async () => {
    const put = open('/tests', 'stranger').put(file.digest, chunksOf(file.content), signal);
    await expect(put).rejects.toMatchObject({ reason: 'DEEP_STORAGE_DENIED' });
  });

  test('a quota that is used up: DEEP_STORAGE_FULL, and what was stored is intact', async () => {
    const folder = `/tests/${randomUUID()}`;
    const storage = open(folder);
    const before = testFile('before', 1_000);
    await storage.put(before.digest, chunksOf(before.content), signal);
    await nameNode('PUT', folder, { op: 'SETQUOTA', storagespacequota: '1000000' });
    const put = storage.put(file.digest, chunksOf(file.content), signal);
    await expect(put).rejects.toMatchObject({ reason: 'DEEP_STORAGE_FULL' });
    expect(await contentOf(storage, before.digest)).toEqual(before.content);
    expect(await storage.stat(file.digest, signal)).toBeUndefined();
  });
});

/** `fetch` does not take the answers of data nodes to uploads. */
async function upload(url: string, content: Buffer): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  request(url, { method: 'PUT' }, (answer) => {
    text(answer).then(() => resolve(answer.statusCode!), reject);
  })
    .on('error', reject)
    .end(content);
  expect(await promise).toBe(201);
}
