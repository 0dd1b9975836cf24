import { chunksOf, contentOf, describeDeepStorage, testFile } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebHdfsDeepStorage } from './web-hdfs-deep-storage.ts';
import { WebHdfsEmulation } from './web-hdfs-emulation.ts';

const signal = new AbortController().signal;
let hdfs: WebHdfsEmulation;
let storage: WebHdfsDeepStorage;
const openAt = (...nameNodes: string[]) =>
  new WebHdfsDeepStorage({ nameNodes, directory: '/tessera deep/files', user: 'tessera' });
beforeEach(async () => {
  hdfs = await WebHdfsEmulation.start();
  storage = openAt(hdfs.url);
});
afterEach(() => hdfs[Symbol.asyncDispose]());

describeDeepStorage('an emulation of HDFS', {
  open: async () => storage,
  async damage(digest) {
    hdfs.files.get(pathOf(digest))!.content[100]! ^= 1;
  },
});

const pathOf = (digest: string) => `/tessera deep/files/${digest.slice(0, 2)}/${digest}`;
const file = testFile('a file', 2_000_000);
const put = (to = storage) => to.put(file.digest, chunksOf(file.content), signal);
const isWhole = async () => (await contentOf(storage, file.digest)).equals(file.content);
const unavailable = { reason: 'DEEP_STORAGE_UNAVAILABLE' };

describe('uploads to HDFS that fail', () => {
  const refusal = (exception: string) => ({ refusesUpload: { exception, message: 'no' } });
  test.each([
    { why: 'the connection breaks off', faults: { cutUploadAt: 500_000 }, ...unavailable },
    { why: 'the end does not arrive', faults: { losesEndOfUpload: true }, ...unavailable },
    {
      why: 'the quota is used up',
      faults: refusal('DSQuotaExceededException'),
      reason: 'DEEP_STORAGE_FULL',
    },
    {
      why: 'the disks are full',
      faults: refusal('DiskOutOfSpaceException'),
      reason: 'DEEP_STORAGE_FULL',
    },
    {
      why: 'the user may not write',
      faults: refusal('AccessControlException'),
      reason: 'DEEP_STORAGE_DENIED',
    },
    { why: 'no data node is there', faults: refusal('IOException'), ...unavailable },
  ])('$why: $reason, nothing is left, and it can be repeated', async ({ faults, reason }) => {
    Object.assign(hdfs.faults, faults);
    await expect(put()).rejects.toMatchObject({ reason });
    expect(hdfs.files.size).toBe(0);
    for (const name of Object.keys(faults)) delete hdfs.faults[name as keyof typeof hdfs.faults];
    await put();
    expect(await isWhole()).toBe(true);
  });

  test('an answer to the rename that is lost: repeating finds the file stored', async () => {
    hdfs.faults.losesAnswerTo = 'RENAME';
    await expect(put()).rejects.toMatchObject(unavailable);
    delete hdfs.faults.losesAnswerTo;
    expect(await put()).toEqual({ digest: file.digest, sizeBytes: 2_000_000 });
    expect(await isWhole()).toBe(true);
  });
});

describe('downloads from HDFS that break off', () => {
  test('now and then: go on where they were', async () => {
    await put();
    hdfs.faults.cutDownload = { at: 300_000, times: 5 };
    expect(await isWhole()).toBe(true);
    expect(hdfs.faults.cutDownload.times).toBe(0);
  });

  test('without end: DEEP_STORAGE_UNAVAILABLE', async () => {
    await put();
    hdfs.faults.cutDownload = { at: 0, times: Number.POSITIVE_INFINITY };
    await expect(isWhole()).rejects.toMatchObject(unavailable);
  });
});

describe('name nodes', () => {
  test('that stand by are passed over, and asked last from then on', async () => {
    await using standby = await WebHdfsEmulation.start();
    standby.faults.refusesAll = { exception: 'StandbyException', message: 'not active' };
    storage = openAt(standby.url, hdfs.url);
    await put();
    expect(await isWhole()).toBe(true);
    expect(standby.calls).toEqual(['GETFILESTATUS']);
  });

  test('that are gone are passed over; when none is left: DEEP_STORAGE_UNAVAILABLE', async () => {
    const gone = await WebHdfsEmulation.start();
    const { url } = gone;
    await gone[Symbol.asyncDispose]();
    await put(openAt(url, hdfs.url));
    await expect(put(openAt(url))).rejects.toMatchObject(unavailable);
  });

  test('in safe mode: DEEP_STORAGE_UNAVAILABLE', async () => {
    hdfs.faults.refusesAll = { exception: 'SafeModeException', message: 'in safe mode' };
    await expect(put()).rejects.toMatchObject(unavailable);
  });

  test('that do not know the user: DEEP_STORAGE_DENIED', async () => {
    const options = { nameNodes: [hdfs.url], directory: '/d', user: 'stranger' };
    const denied = new WebHdfsDeepStorage(options);
    await expect(put(denied)).rejects.toMatchObject({ reason: 'DEEP_STORAGE_DENIED' });
  });
});
