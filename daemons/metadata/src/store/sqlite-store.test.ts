import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { KeyValueStore } from '@tessera/base';
import { ManualClock } from '@tessera/testkit';
import { describeKeyValueStore, expectReason } from '@tessera/testkit/contracts';
import { afterAll, describe, expect, test } from 'vitest';
import { openSqliteStore } from './sqlite-store.ts';

const clock = new ManualClock();
const directory = mkdtempSync(join(tmpdir(), 'tessera-metadata-'));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;
const newFile = () => join(directory, `${files++}`, 'metadata.db');

const fileOf = new WeakMap<KeyValueStore, string>();
async function openFile(file: string): Promise<KeyValueStore> {
  const store = await openSqliteStore({ file, clock });
  fileOf.set(store, file);
  return store;
}

describeKeyValueStore('sqlite', {
  clock,
  open: () => openFile(newFile()),
  reopen: async (store) => {
    await store.close();
    return openFile(fileOf.get(store)!);
  },
});

describe('a sqlite file', () => {
  const put = (store: KeyValueStore, key: string, value = 'x') =>
    store.transaction({ success: [{ op: 'put', key, value: Buffer.from(value) }] });

  test('belongs to one store at a time', async () => {
    const file = newFile();
    const first = await openFile(file);
    await expectReason(openFile(file), 'STORE_LOCKED');
    await put(first, 'a');
    await first.close();
    const second = await openFile(file);
    expect((await second.get('a')).entry?.version).toBe(1n);
    await second.close();
  });

  test('that is no database is refused and left alone', async () => {
    const file = join(directory, 'text.db');
    writeFileSync(file, 'these are my notes, not a database'.repeat(100));
    await expectReason(openFile(file), 'STORE_CORRUPT');
  });

  test('of a later version is refused and left alone', async () => {
    const file = newFile();
    const store = await openFile(file);
    await put(store, 'a');
    await store.close();
    const database = new DatabaseSync(file);
    database.exec('pragma user_version = 2');
    database.close();
    await expectReason(openFile(file), 'STORE_NEWER');
  });

  test('that was damaged is refused when it is opened', async () => {
    const file = newFile();
    const store = await openFile(file);
    for (let i = 0; i < 50; i++) await put(store, `key-${i}`, 'v'.repeat(2_000));
    await store.close();
    const handle = await open(file, 'r+');
    const { size } = await handle.stat();
    await handle.write(Buffer.alloc(6_000, 0xa5), 0, 6_000, Math.floor(size / 2));
    await handle.close();
    await expectReason(openFile(file), 'STORE_CORRUPT');
  });

  test('stays small when it is compacted', async () => {
    const store = await openFile(newFile());
    for (let round = 0; round < 20; round++) {
      const writes = Array.from({ length: 50 }, () => put(store, 'progress', 'v'.repeat(4_000)));
      const results = await Promise.all(writes);
      await store.compact(results.at(-1)!.revision);
    }
    await store.close();
    const { size } = statSync(fileOf.get(store)!);
    expect(size).toBeLessThan(2 * 50 * 4_000 + 200_000);
  });

  test('that cannot be created is named in the error', async () => {
    writeFileSync(join(directory, 'plain'), '');
    await expectReason(openFile(join(directory, 'plain', 'metadata.db')), 'STORE_UNREADABLE');
  });
});
