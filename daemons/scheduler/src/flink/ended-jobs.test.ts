import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { archivedEnd, deleteEnds } from './ended-jobs.ts';

const [jobId, other] = ['a'.repeat(32), 'b'.repeat(32)];
const application = `${'0'.repeat(32)}/applications/${other}/jobs`;
let folder: string;
let uri: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-ended-'));
  uri = pathToFileURL(folder).href;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As a JobManager writes it: answers of its REST interface. */
const archive = (id: string, state: string) =>
  JSON.stringify({
    archive: [
      { path: '/jobs/overview', json: JSON.stringify({ jobs: [{ jid: id, state }] }) },
      { path: `/jobs/${id}`, json: JSON.stringify({ jid: id, state }) },
    ],
  });

function put(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

test.each([
  ['before 2.3', `ended-jobs/${jobId}`],
  ['of 2.3', `ended-jobs/${application}/${jobId}`],
])('how a job has ended is read from the archive of a JobManager %s', async (_, path) => {
  for (const state of ['FINISHED', 'FAILED', 'CANCELED']) {
    put(path, archive(jobId, state));
    expect(await archivedEnd(`${uri}/`, jobId)).toBe(state);
  }
  expect(await archivedEnd(uri, other)).toBeUndefined();
});

test('nothing is archived of a job that has not ended, nor where the writer was killed', async () => {
  expect(await archivedEnd(uri, jobId)).toBeUndefined();
  put(`ended-jobs/${jobId}`, archive(jobId, 'FINISHED').slice(0, -10));
  expect(await archivedEnd(uri, jobId)).toBeUndefined();
  put(`ended-jobs/${jobId}`, '');
  expect(await archivedEnd(uri, jobId)).toBeUndefined();
});

test('nothing is known where the state directory cannot be read', async () => {
  expect(await archivedEnd('s3://bucket/state', jobId)).toBe('unknown');
  rmSync(folder, { recursive: true });
  expect(await archivedEnd(uri, jobId)).toBe('unknown');
});

test('what is deleted goes with its application, unless that had another job; all else stays', async () => {
  const shared = `ended-jobs/${'0'.repeat(32)}/applications/${'c'.repeat(32)}`;
  const own = application.replace(/\/jobs$/, '');
  put(`ended-jobs/${jobId}`, archive(jobId, 'FAILED'));
  put(`ended-jobs/${own}/jobs/${jobId}`, archive(jobId, 'FAILED'));
  put(`ended-jobs/${own}/summary`, '{}');
  put(`${shared}/jobs/${jobId}`, archive(jobId, 'FAILED'));
  put(`${shared}/jobs/${other}`, archive(other, 'FINISHED'));
  put('savepoints/kept', '');
  await deleteEnds(`${uri}/`, new Set([jobId]));
  expect(await archivedEnd(uri, jobId)).toBeUndefined();
  expect(await archivedEnd(uri, other)).toBe('FINISHED');
  const there = (path: string) => existsSync(join(folder, path));
  expect(there(`ended-jobs/${own}`)).toBe(false);
  expect(there('savepoints/kept')).toBe(true);
  await deleteEnds(uri, new Set([jobId]));
  await deleteEnds('s3://bucket/state', new Set([jobId]));
});
