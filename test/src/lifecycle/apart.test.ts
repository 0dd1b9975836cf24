import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectPlatform } from '@tessera/client';
import { afterEach, expect, test } from 'vitest';
import { DaemonProcesses } from '../daemon-processes.ts';
import { applyFile, buildAll } from '../test-platform.ts';
import { answers, cube, expected, writeModel, writeSales } from './sales.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-apart-'));
const daemons = new DaemonProcesses();
afterEach(async () => {
  await daemons[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test('daemons that run apart build a cube and answer from its cuboids', {
  timeout: 240_000,
}, async () => {
  const at = (name: string) => join(folder, name);
  mkdirSync(at('data'));
  writeSales(at('data'));
  const metadata = await daemons.start('metadata', { file: at('metadata.db') });
  const storage = await daemons.start('storage', { directory: at('storage') });
  const query = await daemons.start('query', { metadata, storage, work: at('query') });
  const places = { metadata, storage, query, work: at('scheduler') };
  const scheduler = await daemons.start('scheduler', places);
  using client = connectPlatform(
    `metadata=${metadata};storage=${storage};query=${query};scheduler=${scheduler}`,
  );
  expect(await client.isServing()).toBe(true);
  await applyFile(client, writeModel(at('data')));
  await buildAll(client, cube);
  const wanted = (await expected(at('data'))).map((rows) => ({ rows, plan: 'cuboid' }));
  await expect.poll(() => answers(client), { timeout: 20_000 }).toEqual(wanted);
});

test('a daemon that is told to stop as soon as it serves closes its store and ends well', async () => {
  const file = join(folder, 'once.db');
  await daemons.start('metadata', { file });
  expect(await daemons.end('metadata', 'SIGTERM')).toBe(0);
});

test.each(['meta=a:1', 'metadata=a:1;metadata=b:1', 'query=a:1'])(
  'the address %s says how to write it',
  (address) => {
    expect(() => connectPlatform(address)).toThrow(/is no address of a platform: write host:port/);
  },
);
