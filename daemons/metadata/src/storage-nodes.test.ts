import { listAll } from '@tessera/client';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectUntil, type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const name = 'storageNodes/a';
const lease = 'leases/storage.a';
const node = { directoryId: 'd1', address: '127.0.0.1:1', rack: 'r1', capacityBytes: 10n, lease };

test('a node registers itself again and again, and is watched like every resource', async () => {
  const { storageNodes } = fixture.clients;
  const first = await storageNodes.updateStorageNode({
    storageNode: { name, ...node },
    allowMissing: true,
  });
  const moved = { name, ...node, address: '127.0.0.1:2', storedBytes: 5n };
  const second = await storageNodes.updateStorageNode({ storageNode: moved, allowMissing: true });
  expect(second).toMatchObject({ ...moved, uid: first.uid });
  expect((await listAll(fixture.clients, 'storageNodes')).resources).toEqual([second]);
  const changes = storageNodes.watchStorageNodes({ startRevision: first.revision });
  expect(await collectUntil(changes, second.revision)).toMatchObject([
    { event: { value: first } },
    { event: { value: second } },
  ]);
});

test('what the operator says of draining outlives what the daemon writes', async () => {
  const { storageNodes } = fixture.clients;
  await storageNodes.createStorageNode({ storageNodeId: 'a', storageNode: node });
  await storageNodes.updateStorageNode({
    storageNode: { name, draining: true },
    updateMask: ['draining'],
  });
  const again = { name, ...node, storedBytes: 7n };
  await storageNodes.updateStorageNode({ storageNode: again, allowMissing: true });
  expect(await storageNodes.getStorageNode({ name })).toMatchObject({
    draining: true,
    storedBytes: 7n,
  });
});

test('another data directory does not get a name that is taken, however it asks', async () => {
  const { storageNodes } = fixture.clients;
  await storageNodes.createStorageNode({ storageNodeId: 'a', storageNode: node });
  const other = { name, ...node, directoryId: 'd2' };
  for (const asked of [{ allowMissing: true }, { updateMask: ['directory_id'] }]) {
    await expectReason(
      storageNodes.updateStorageNode({ storageNode: other, ...asked }),
      'STORAGE_NODE_NAME_TAKEN',
    );
  }
  expect((await storageNodes.getStorageNode({ name })).directoryId).toBe('d1');
});

test('a node is deleted only when nobody holds its lease; then its name is free', async () => {
  const { storageNodes, leases } = fixture.clients;
  await storageNodes.createStorageNode({ storageNodeId: 'a', storageNode: node });
  await leases.acquireLease({ name: lease, holder: 'd1', ttl: { seconds: 5n, nanos: 0 } });
  await expectReason(storageNodes.deleteStorageNode({ name }), 'STORAGE_NODE_ALIVE');
  await fixture.clock.advance(6_000);
  await storageNodes.deleteStorageNode({ name });
  const other = { ...node, directoryId: 'd2' };
  await storageNodes.createStorageNode({ storageNodeId: 'a', storageNode: other });
});

test.each([
  [{ directoryId: '' }, 'BAD_REQUEST'],
  [{ address: '' }, 'BAD_REQUEST'],
  [{ capacityBytes: -1n }, 'BAD_REQUEST'],
  [{ lease: 'projects/p' }, 'BAD_RESOURCE_NAME'],
])('a node with %o is refused', async (wrong, reason) => {
  const { storageNodes } = fixture.clients;
  const created = storageNodes.createStorageNode({
    storageNodeId: 'a',
    storageNode: { ...node, ...wrong },
  });
  await expectReason(created, reason);
});
