import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newestState } from './state-directory.ts';

const jobId = 'a'.repeat(32);
let folder: string;
let uri: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-state-'));
  uri = pathToFileURL(folder).href;
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, id?: number): void {
  mkdirSync(join(folder, path), { recursive: true });
  if (id === undefined) return;
  const head = Buffer.alloc(20);
  head.writeInt32BE(0x4960672d, 0);
  head.writeInt32BE(5, 4);
  head.writeBigInt64BE(BigInt(id), 8);
  writeFileSync(join(folder, path, '_metadata'), head);
}

test('the newest state is the complete checkpoint or savepoint of the highest id', async () => {
  put(`checkpoints/${jobId}/chk-9`, 9);
  put(`checkpoints/${jobId}/chk-10`, 10);
  put(`checkpoints/${jobId}/chk-12`);
  put(`checkpoints/${jobId}/shared`);
  put(`checkpoints/${'b'.repeat(32)}/chk-99`, 99);
  const checkpoint = `${uri}/checkpoints/${jobId}/chk-10`;
  expect(await newestState(uri, jobId)).toEqual({ kind: 'checkpoint', path: checkpoint, id: 10 });
  put(`savepoints/${jobId}/savepoint-aaaaaa-1`, 11);
  const savepoint = `${uri}/savepoints/${jobId}/savepoint-aaaaaa-1`;
  expect(await newestState(`${uri}/`, jobId)).toEqual({
    kind: 'savepoint',
    path: savepoint,
    id: 11,
  });
});

test('there is none where nothing is complete', async () => {
  expect(await newestState(uri, jobId)).toBe('none');
  put(`checkpoints/${jobId}/chk-1`);
  expect(await newestState(uri, jobId)).toBe('none');
});

test('nothing is known of a directory that is not there, is not a file system, or holds something else', async () => {
  expect(await newestState(`${uri}/absent`, jobId)).toBe('unknown');
  expect(await newestState('s3://bucket/state', jobId)).toBe('unknown');
  expect(await newestState('nonsense', jobId)).toBe('unknown');
  put(`checkpoints/${jobId}/chk-1`, 1);
  writeFileSync(join(folder, `checkpoints/${jobId}/chk-1/_metadata`), 'short');
  expect(await newestState(uri, jobId)).toBe('unknown');
});
