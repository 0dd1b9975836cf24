import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from './logger.ts';
import { SourceRegistry } from './source-registry.ts';

/** A connector with one table, called as its configuration says, that ends when its configuration lets it. */
const connector = `
export const plugin = {
  apiVersion: 1,
  kind: 'connector',
  name: 'slow',
  config: { safeParse: (data) => ({ success: true, data }) },
  create: ({ config }) => ({
    catalog: async () => [{ name: config.table, columns: [], statistics: {} }],
    [Symbol.asyncDispose]: () => config.ended,
  }),
};
`;
const manifest = {
  name: 'slow',
  version: '1.0.0',
  type: 'module',
  main: 'index.js',
  tessera: { apiVersion: 1, kind: 'connector' },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'source-registry-'));
  const plugin = join(folder, 'node_modules', 'slow');
  mkdirSync(plugin, { recursive: true });
  writeFileSync(join(plugin, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(plugin, 'index.js'), connector);
});
afterAll(() => rmSync(folder, { recursive: true }));

const sourceOf = (table: string, ended: Promise<void>) => ({
  ...{ name: 'shop', use: 'slow', baseDirectory: folder },
  ...{ etag: table, config: { table, ended } },
});

test('a changed source is open while its old connector still ends, which disposal waits for', async () => {
  const registry = new SourceRegistry({ log: silentLogger, workDirectory: join(folder, 'work') });
  const old = Promise.withResolvers<void>();
  await registry.open(sourceOf('old', old.promise));
  const opened = await registry.open(sourceOf('new', Promise.resolve()));
  expect(opened.tables.map(({ name }) => name)).toEqual(['new']);
  let disposed = false;
  const disposal = registry[Symbol.asyncDispose]().then(() => {
    disposed = true;
  });
  await new Promise(setImmediate);
  expect(disposed).toBe(false);
  old.resolve();
  await disposal;
});

test('a source that is gone is forgotten at once', async () => {
  const registry = new SourceRegistry({ log: silentLogger, workDirectory: join(folder, 'work') });
  const old = Promise.withResolvers<void>();
  await registry.open(sourceOf('old', old.promise));
  registry.close({ name: 'shop' });
  expect((await registry.open(sourceOf('old', Promise.resolve()))).tables).toHaveLength(1);
  old.resolve();
  await registry[Symbol.asyncDispose]();
});
