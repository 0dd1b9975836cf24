import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { between } from './between.ts';
import { ended, started, tessera } from './command-line.ts';
import { ScratchPlatform } from './scratch-platform.ts';

/** Commands that are told to stop, or whose reader goes away, as processes. */
const timeout = 120_000;
let platform: ScratchPlatform;
let reached: Promise<void>;
let release: () => void;

/** The first file of a build waits to be stored until `release`. */
beforeEach(async () => {
  const held = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  reached = arrived.promise;
  release = held.resolve;
  platform = await ScratchPlatform.withSales(
    {},
    {},
    {
      schedulerClients: (client) =>
        between(client, ['storage.prepareIngest'], async ({ when }) => {
          if (when === 'after') return;
          arrived.resolve();
          await held.promise;
        }),
    },
  );
});

afterEach(async () => {
  release();
  await platform?.[Symbol.asyncDispose]();
});

async function operations(): Promise<Record<string, unknown>[]> {
  const { folder: cwd, address } = platform;
  const { code, out } = await tessera(['operations', '--json'], { cwd, address });
  expect(code).toBe(0);
  return JSON.parse(out);
}

test('SIGTERM cancels the operation that a command follows, whether it runs or waits', {
  timeout,
}, async () => {
  const { folder, address } = platform;
  const build = started(['build', 'sales'], folder, address);
  const buildEnds = ended(build);
  await reached;
  const refresh = started(['refresh', 'sales', '--force'], folder, address);
  const refreshEnds = ended(refresh);
  const states = async () => (await operations()).map(({ kind, state }) => [kind, state]).sort();
  await expect.poll(states, { timeout: 20_000 }).toEqual([
    ['build', 'running'],
    ['refresh', 'queued'],
  ]);
  build.kill('SIGTERM');
  expect((await buildEnds).code).toBe(130);
  refresh.kill('SIGTERM');
  expect((await refreshEnds).code).toBe(130);
  release();
  await expect.poll(states, { timeout: 20_000 }).toEqual([
    ['build', 'cancelled'],
    ['refresh', 'cancelled'],
  ]);
  expect(await platform.segments()).toEqual([]);
});

test('a reader that has seen enough ends a query without a word', { timeout }, async () => {
  const { folder, address } = platform;
  const lines = Array.from({ length: 200_000 }, (_, i) => `${i},some text in row ${i}`);
  writeFileSync(join(folder, 'long.csv'), ['id,label', ...lines, ''].join('\n'));
  expect((await tessera(['import', 'long.csv'], { cwd: folder, address })).code).toBe(0);
  const query = started(['query', 'select * from long'], folder, address);
  query.stdout!.once('data', () => query.stdout!.destroy());
  let err = '';
  query.stderr!.setEncoding('utf8').on('data', (text) => (err += text));
  const code = await new Promise((resolve) => query.on('close', resolve));
  expect({ code, err }).toEqual({ code: 0, err: expect.stringMatching(/^200000 rows in .*\n$/) });
});
