import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wait } from '@tessera/client';
import { scheduler } from '@tessera/proto';
import { type EtcdServers, etcdProgram, startEtcd } from '@tessera/testkit/etcd';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { tessera } from './command-line.ts';
import { answers, expected, filesBelow } from './sales.ts';
import { ScratchPlatform } from './scratch-platform.ts';

// Whole platforms start and build here, which takes long on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

const installed = etcdProgram() !== undefined;

/** What the cube answers, without a row from the source. */
async function expectFromCuboids(platform: ScratchPlatform): Promise<void> {
  const found = await answers(platform.client);
  expect(found.map(({ rows }) => rows)).toEqual(await expected(platform.folder));
  for (const { plan } of found) expect(plan).toBe('cuboid');
}

/** A command as a process, against a platform. */
function command(platform: ScratchPlatform, ...args: string[]) {
  return tessera(args, { cwd: platform.folder, address: platform.address });
}

const filesOf = ({ storageFolder }: ScratchPlatform) => filesBelow(join(storageFolder, 'cuboids'));

describe('backup and restore', () => {
  test('refuse what cannot be right, with the reason, and leave files and store as they are', async () => {
    await using platform = await ScratchPlatform.withSales();
    const file = join(platform.folder, 'metadata.backup');
    expect(await command(platform, 'backup', file)).toMatchObject({ code: 0, err: '' });
    const whole = readFileSync(file);
    const again = await command(platform, 'backup', file);
    expect({ code: again.code, err: again.err }).toMatchObject({ code: 5 });
    expect(again.err).toContain('FILE_EXISTS');
    expect(readFileSync(file)).toEqual(whole);

    const refused = async (name: string, bytes: Uint8Array | undefined, reason: string) => {
      const path = join(platform.folder, name);
      if (bytes !== undefined) writeFileSync(path, bytes);
      const { code, err } = await command(platform, 'restore', path, '--replace');
      expect(err).toContain(reason);
      expect(code).not.toBe(0);
    };
    await refused('missing', undefined, 'FILE_UNREADABLE');
    await refused('short', whole.subarray(0, whole.length - 1), 'BACKUP_CUT_OFF');
    const damaged = Buffer.from(whole);
    damaged[whole.length >> 1]! ^= 1;
    await refused('damaged', damaged, 'BACKUP_CORRUPT');
    await refused('newer', Buffer.from('tessera-backup 9\n'), 'BACKUP_NEWER');
    const notEmpty = await command(platform, 'restore', file);
    expect(notEmpty.err).toContain('STORE_NOT_EMPTY');
    await platform.build();
    await expectFromCuboids(platform);
  });

  test('bring a platform back to what it was, in place of what it is', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const file = join(platform.folder, 'metadata.backup');
    await command(platform, 'backup', file);
    await platform.client.segments.publishSegments({
      parent: 'projects/default/cubes/sales',
      retire: (await segmentsOf(platform)).map(({ name, etag }) => ({ name, etag })),
    });
    expect(await platform.segments()).toEqual([]);
    const restored = await command(platform, 'restore', file, '--replace');
    expect(restored).toMatchObject({ code: 0, err: '' });
    expect(restored.out).toContain('in place of');
    await platform.restart();
    expect(await platform.segments()).toHaveLength(4);
    await expectFromCuboids(platform);
    const checked = await command(platform, 'check');
    expect(checked).toMatchObject({ code: 0, err: '' });
    expect(checked.out).toMatch(/entries checked at revision \d+: 0 problems/);
  });
});

async function segmentsOf(platform: ScratchPlatform) {
  const parent = 'projects/default/cubes/sales';
  return (await platform.client.segments.listSegments({ parent })).segments;
}

describe.skipIf(!installed)('from an embedded platform to etcd and back', () => {
  let servers: EtcdServers;
  beforeAll(async () => {
    servers = await startEtcd();
  });
  afterAll(() => servers?.[Symbol.asyncDispose]());

  test('a cube answers as before, without being built again', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    await expectFromCuboids(platform);
    const files = filesOf(platform);
    const [first, second] = ['first', 'second'].map((name) => join(platform.folder, name));
    expect(await command(platform, 'backup', first!)).toMatchObject({ code: 0, err: '' });

    const metadataStore = { driver: 'etcd', endpoints: servers.endpoints } as const;
    await platform.restart({ metadataStore });
    // A store that is empty says nothing about the files that are there.
    const operation = await platform.client.builds.runMaintenance({});
    const response = scheduler.RunMaintenanceResponse;
    await wait(platform.client.operations, operation, { response });
    expect(filesOf(platform)).toEqual(files);
    // It is another platform by now: only by its name is what it holds given up.
    const { id } = await platform.client.maintenance.getInstallation({});
    const replace = ['restore', first!, '--replace'] as const;
    expect((await command(platform, ...replace)).err).toContain('RESTORE_FOREIGN');
    const named = await command(platform, ...replace, '--installation', id);
    expect(named).toMatchObject({ code: 0, err: '' });
    await expectFromCuboids(platform);
    await platform.restart({ metadataStore });
    await expectFromCuboids(platform);
    expect((await platform.build()).segments).toEqual([]);
    expect(await command(platform, 'backup', second!)).toMatchObject({ code: 0, err: '' });

    const file = join(platform.folder, 'data', 'again.sqlite');
    await platform.restart({ metadataStore: { driver: 'sqlite', file } });
    expect(await command(platform, 'restore', second!)).toMatchObject({ code: 0, err: '' });
    await expectFromCuboids(platform);
    expect((await platform.build()).segments).toEqual([]);
    expect(filesOf(platform)).toEqual(files);
  });
});
