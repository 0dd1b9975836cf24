import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StorageConfigInput } from '../config.ts';
import { type RunningStorage, runStorage } from '../run-storage.ts';
import { startMetadata } from '../testing/metadata-server.ts';

let folder: string;
let metadataAddress: string;
let client: Connection;
let stack: AsyncDisposableStack;
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  folder = mkdtempSync(join(tmpdir(), 'tessera-storage-node-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  metadataAddress = await startMetadata(stack);
  client = stack.use(connect(metadataAddress));
});
afterEach(() => stack.disposeAsync());

const name = 'storageNodes/a';
const leaseOf = () => client.leases.getLease({ name: 'leases/storage.a' });

function run(directory: string, config: Partial<StorageConfigInput> = {}): Promise<RunningStorage> {
  return runStorage(
    { name: 'a', directory: join(folder, directory), leaseTtlMs: 1_000, ...config },
    { address: '127.0.0.1:0', metadataAddress },
    silentLogger,
  );
}

test('a node registers what it is, is alive while it runs, and is the same when it comes back', async () => {
  const node = await run('one', { rack: 'r1', capacityBytes: 1_000 });
  const registered = await client.storageNodes.getStorageNode({ name });
  expect(registered).toMatchObject({ address: node.address, rack: 'r1', capacityBytes: 1_000n });
  expect((await leaseOf()).holder).toBe(registered.directoryId);
  await node[Symbol.asyncDispose]();
  await expectReason(leaseOf(), 'LEASE_NOT_FOUND');
  const again = stack.use(await run('one'));
  const { uid, rack, address, capacityBytes } = await client.storageNodes.getStorageNode({ name });
  expect({ uid, rack, address }).toEqual({ uid: registered.uid, rack: '', address: again.address });
  expect(capacityBytes).toBeGreaterThan(1_000n);
});

test('of two daemons of one name the second is refused, and the first one stays', async () => {
  const first = stack.use(await run('one'));
  await expectReason(run('two'), 'STORAGE_NODE_NAME_TAKEN');
  expect((await client.storageNodes.getStorageNode({ name })).address).toBe(first.address);
  await first[Symbol.asyncDispose]();
  await client.storageNodes.deleteStorageNode({ name });
  stack.use(await run('two'));
});

test('a daemon without a name is no node, and one with a bad name does not start', async () => {
  const daemon = stack.use(await run('one', { name: '' }));
  expect(daemon.registration).toBeUndefined();
  expect((await client.storageNodes.listStorageNodes({})).storageNodes).toEqual([]);
  await expectReason(run('two', { name: 'no/name' }), 'BAD_RESOURCE_ID');
});

test('what a node holds is counted again while it runs, and draining is left to the operator', async () => {
  stack.use(await run('one', { registrationIntervalMs: 1 }));
  const storageNode = { name, draining: true };
  await client.storageNodes.updateStorageNode({ storageNode, updateMask: ['draining'] });
  const lookups = join(folder, 'one', 'snapshots', 'p');
  mkdirSync(lookups);
  writeFileSync(join(lookups, `cities-${'0'.repeat(64)}.parquet`), '12345');
  const node = () => client.storageNodes.getStorageNode({ name });
  await expect.poll(async () => (await node()).storedBytes).toBe(5n);
  expect((await node()).draining).toBe(true);
});

test('a node takes part in no other installation than its own, whose metadata learns nothing of it', async () => {
  const node = await run('one');
  await node[Symbol.asyncDispose]();
  const own = metadataAddress;
  metadataAddress = await startMetadata(stack);
  await expectReason(run('one'), 'INSTALLATION_MISMATCH');
  const other = stack.use(connect(metadataAddress));
  expect((await other.storageNodes.listStorageNodes({})).storageNodes).toEqual([]);
  metadataAddress = own;
  stack.use(await run('one'));
});
