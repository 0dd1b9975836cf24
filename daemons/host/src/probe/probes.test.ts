import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { HostFixture } from '../testing/host-fixture.ts';

let host: HostFixture;
let folder: string;
let directory: string;
beforeEach(async () => {
  host = await HostFixture.open();
  folder = join(host.folder, 'shared folder');
  directory = pathToFileURL(folder).href;
});
afterEach(() => host[Symbol.asyncDispose]());

const nonce = 'a'.repeat(32);
const other = 'b'.repeat(32);
const probe = () => ({ directory, owner: 'h1', nonce });

test('a probe is read as it was written, and the next one of its owner takes its place', async () => {
  mkdirSync(folder);
  await host.client.writeProbe(probe());
  expect(await host.client.readProbe(probe())).toEqual({ content: nonce });
  await host.client.writeProbe({ ...probe(), owner: 'h2', nonce: other });
  await host.client.writeProbe({ ...probe(), nonce: other });
  await expectReason(host.client.readProbe(probe()), 'PROBE_MISSING');
  expect(readdirSync(folder)).toHaveLength(2);
});

test('a directory is made only when that is asked for', async () => {
  await expectReason(host.client.writeProbe(probe()), 'DIRECTORY_MISSING');
  await expectReason(host.client.readProbe(probe()), 'DIRECTORY_MISSING');
  await host.client.writeProbe({ ...probe(), createDirectory: true });
  expect(await host.client.readProbe(probe())).toEqual({ content: nonce });
});

test('what is no directory, no file, or a link to something else is neither read nor written', async () => {
  writeFileSync(folder, '');
  await expectReason(host.client.writeProbe(probe()), 'DIRECTORY_UNUSABLE');
  const inside = { ...probe(), directory: pathToFileURL(join(host.folder, 'real')).href };
  mkdirSync(join(host.folder, 'real'));
  const at = (name: string) => join(host.folder, 'real', `.tessera-probe-${name}.${nonce}`);
  const secret = join(host.folder, 'secret');
  writeFileSync(secret, 'secret');
  symlinkSync(secret, at('link'));
  await expectReason(host.client.readProbe({ ...inside, owner: 'link' }), 'DIRECTORY_UNUSABLE');
  execFileSync('mkfifo', [at('pipe')]);
  await expectReason(host.client.readProbe({ ...inside, owner: 'pipe' }), 'DIRECTORY_UNUSABLE');
  await host.client.writeProbe({ ...inside, owner: 'link' });
  expect(await host.client.readProbe({ ...inside, owner: 'link' })).toEqual({ content: nonce });
  expect(existsSync(secret)).toBe(true);
});

test.each([
  { field: 'directory', value: 's3://bucket/state' },
  { field: 'directory', value: '/srv/state' },
  { field: 'directory', value: 'file://other/srv' },
  { field: 'directory', value: 'file:///srv/..%2F..%2Fetc' },
  { field: 'directory', value: 'file:///srv/%00' },
  { field: 'directory', value: 'file:///srv/%zz' },
  { field: 'directory', value: 'file:///srv?x' },
  { field: 'directory', value: 'file:state' },
  { field: 'owner', value: '../x' },
  { field: 'owner', value: '' },
  { field: 'nonce', value: '../../etc/passwd' },
])('$field $value is refused', async ({ field, value }) => {
  const wrong = { ...probe(), [field]: value };
  await expectReason(host.client.writeProbe(wrong), 'PROBE_INVALID');
  await expectReason(host.client.readProbe(wrong), 'PROBE_INVALID');
});
