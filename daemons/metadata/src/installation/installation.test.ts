import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyValueStore, systemClock } from '@tessera/base';
import { clientsBy } from '@tessera/client';
import { expectReason } from '@tessera/testkit/contracts';
import { type EtcdServers, etcdProgram, startEtcd } from '@tessera/testkit/etcd';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createBackup } from '../backup/backup.ts';
import { composeMetadata } from '../composition.ts';
import type { MetadataConfigInput } from '../config.ts';
import { inProcess, startFixture } from '../fixture.ts';
import { openEtcdStore } from '../store/etcd/etcd-store.ts';
import { openMemoryStore } from '../store/memory-store.ts';
import { openSqliteStore } from '../store/sqlite-store.ts';
import { catalogFormat, encodeInstallation, installationKey } from './installation.ts';

const folder = mkdtempSync(join(tmpdir(), 'tessera-installation-'));
let etcd: EtcdServers | undefined;
beforeAll(async () => {
  if (etcdProgram() !== undefined) etcd = await startEtcd({ members: 1 });
});
afterAll(async () => {
  await etcd?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

let stores = 0;
/** Each gives a new store, and opens it again under the same number. */
const drivers: Readonly<Record<string, (n: number) => MetadataConfigInput['store']>> = {
  sqlite: (n) => ({ driver: 'sqlite', file: join(folder, `${n}.db`) }),
  ...(etcdProgram() !== undefined && {
    etcd: (n) => ({ driver: 'etcd', endpoints: [...etcd!.endpoints], prefix: `store-${n}` }),
  }),
};

function openStore(store: MetadataConfigInput['store']): Promise<KeyValueStore> {
  const clock = systemClock;
  if (store.driver === 'sqlite') return openSqliteStore({ file: store.file, clock });
  if (store.driver === 'memory') return openMemoryStore(clock);
  return openEtcdStore({ endpoints: store.endpoints, prefix: store.prefix!, clock });
}

async function writeRecord(store: KeyValueStore, value: Uint8Array): Promise<void> {
  await store.transaction({ success: [{ op: 'put', key: installationKey, value }] });
}

describe.each(Object.keys(drivers))('a daemon over %s', (driver) => {
  let store: MetadataConfigInput['store'];
  let other: MetadataConfigInput['store'];
  let installationFile: string;
  beforeEach(() => {
    store = drivers[driver]!(stores++);
    other = drivers[driver]!(stores++);
    installationFile = join(folder, `note-${stores}`);
  });

  const idOf = async (input: MetadataConfigInput) => {
    await using daemon = await composeMetadata(input);
    const record = await daemon.store.get(installationKey);
    return JSON.parse(Buffer.from(record.entry!.value).toString()).id as string;
  };

  test('names a new installation once, and notes it', async () => {
    const id = await idOf({ store, installationFile });
    expect(readFileSync(installationFile, 'utf8')).toBe(`${id}\n`);
    expect(await idOf({ store, installationFile })).toBe(id);
    expect(await idOf({ store: other })).not.toBe(id);
  });

  test('refuses the store of another installation, and an empty one, and changes nothing there', async () => {
    const id = await idOf({ store, installationFile });
    await expectReason(
      composeMetadata({ store: other, installationFile }),
      'INSTALLATION_MISMATCH',
    );
    {
      const untouched = await openStore(other);
      expect((await untouched.list({ start: '' })).entries).toEqual([]);
      await untouched.close();
    }
    const foreign = await idOf({ store: other });
    const refused = await composeMetadata({ store: other, installationFile }).catch((e) => e);
    expect(refused).toMatchObject({
      reason: 'INSTALLATION_MISMATCH',
      metadata: { noted: id, found: foreign },
    });
    expect(await idOf({ store: other })).toBe(foreign);
    expect(await idOf({ store, installationFile })).toBe(id);
  });

  test('serves a store from before installations had a name', async () => {
    {
      const before = await openStore(store);
      const value = new Uint8Array(1);
      await before.transaction({ success: [{ op: 'put', key: '/tessera/v1/users/a', value }] });
      await before.close();
    }
    const id = await idOf({ store });
    expect(await idOf({ store })).toBe(id);
  });

  test('of an older version refuses a newer format, and a damaged record, and changes nothing', async () => {
    const records = {
      CATALOG_NEWER: encodeInstallation({ id: 'i', format: catalogFormat + 1 }),
      INSTALLATION_UNREADABLE: Buffer.from('{"id":""}'),
    };
    for (const [reason, value] of Object.entries(records)) {
      const written = await openStore(store);
      await writeRecord(written, value);
      await written.close();
      await expectReason(composeMetadata({ store }), reason);
      const left = await openStore(store);
      const { entries } = await left.list({ start: '' });
      expect(entries.map((entry) => [entry.key, Buffer.from(entry.value)])).toEqual([
        [installationKey, Buffer.from(value)],
      ]);
      await left.close();
    }
  });
});

describe('a running daemon', () => {
  test('serves nothing any more once a newer version has raised the format', async () => {
    const store = await openMemoryStore(systemClock);
    await using fixture = await startFixture('gRPC', { store, clock: systemClock });
    const { projects, maintenance } = fixture.clients;
    await projects.createProject({ projectId: 'p' });
    const { id } = await maintenance.getInstallation({});
    await writeRecord(store, encodeInstallation({ id, format: catalogFormat + 1 }));
    const outcome = () =>
      projects.listProjects({}).then(
        () => 'served',
        (error) => error.reason,
      );
    await expect.poll(outcome).toBe('CATALOG_NEWER');
    await expectReason(projects.createProject({ projectId: 'q' }), 'CATALOG_NEWER');
    await writeRecord(store, encodeInstallation({ id, format: catalogFormat }));
    await expect.poll(outcome).toBe('served');
  });

  test('goes on when a restore makes its store that of the backup, and notes it', async () => {
    const installationFile = join(folder, 'restored');
    const bytes: Uint8Array[] = [];
    let id: string;
    {
      await using from = await startFixture();
      await from.clients.projects.createProject({ projectId: 'p' });
      ({ id } = await from.clients.maintenance.getInstallation({}));
      for await (const { content } of from.clients.backups.createBackup({})) {
        if (content?.$case === 'chunk') bytes.push(content.value);
      }
    }
    const store = { driver: 'sqlite', file: join(folder, 'restored.db') } as const;
    {
      await using daemon = await composeMetadata({ store, installationFile });
      const clients = clientsBy(inProcess(daemon.services));
      await clients.backups.restoreBackup(messages(bytes, {}));
      expect(await clients.maintenance.getInstallation({})).toEqual({
        id,
        catalogFormat,
      });
      await expect.poll(() => readFileSync(installationFile, 'utf8')).toBe(`${id}\n`);
    }
    await using _ = await composeMetadata({ store, installationFile });
  });
});

async function* messages(
  bytes: readonly Uint8Array[],
  options: { readonly replace?: boolean; readonly installation?: string },
) {
  yield { content: { $case: 'options', value: options } } as const;
  for (const value of bytes) yield { content: { $case: 'chunk', value } } as const;
}

describe('a restore', () => {
  async function backupOf(id: string, format = catalogFormat): Promise<Uint8Array[]> {
    const store = await openMemoryStore(systemClock);
    await writeRecord(store, encodeInstallation({ id, format }));
    const value = new Uint8Array(1);
    await store.transaction({ success: [{ op: 'put', key: '/tessera/v1/x/a', value }] });
    const bytes: Uint8Array[] = [];
    for await (const chunk of createBackup(store, systemClock)) bytes.push(chunk);
    await store.close();
    return bytes;
  }

  test('of one installation never replaces what another has, unless that one is named', async () => {
    await using fixture = await startFixture();
    const { projects, backups, maintenance } = fixture.clients;
    const { id } = await maintenance.getInstallation({});
    await projects.createProject({ projectId: 'kept' });
    const foreign = await backupOf('another');
    const restore = (installation?: string) =>
      backups.restoreBackup(
        messages(foreign, { replace: true, ...(installation && { installation }) }),
      );
    for (const named of [undefined, 'another']) {
      const refused = await restore(named).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        reason: 'RESTORE_FOREIGN',
        metadata: { store: id, backup: 'another' },
      });
    }
    await projects.getProject({ name: 'projects/kept' });
    await restore(id);
    await expectReason(projects.getProject({ name: 'projects/kept' }), 'PROJECT_NOT_FOUND');
    expect((await maintenance.getInstallation({})).id).toBe('another');
    await restore();
  });

  test('of a newer format is refused, and nothing is changed', async () => {
    await using fixture = await startFixture();
    const { projects, backups, maintenance } = fixture.clients;
    const { id } = await maintenance.getInstallation({});
    await projects.createProject({ projectId: 'kept' });
    const newer = await backupOf(id, catalogFormat + 1);
    await expectReason(backups.restoreBackup(messages(newer, { replace: true })), 'CATALOG_NEWER');
    await projects.getProject({ name: 'projects/kept' });
  });
});

test('a note that cannot be read is told of instead of being written anew', async () => {
  const installationFile = join(folder, 'nowhere', 'note');
  const store = { driver: 'memory' } as const;
  await expectReason(composeMetadata({ store, installationFile }), 'INSTALLATION_NOTE_UNUSABLE');
  const blank = join(folder, 'blank');
  writeFileSync(blank, '\n');
  await using _ = await composeMetadata({ store, installationFile: blank });
  expect(readFileSync(blank, 'utf8').trim()).not.toBe('');
});
