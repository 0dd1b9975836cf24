import { listAll } from '@tessera/client';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collectUntil, type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const name = 'hosts/a';
const lease = 'leases/host.a';
const host = { machineId: 'm1', address: '127.0.0.1:1', labels: { disk: 'nvme' }, lease };

test('a host registers itself again and again, and is watched like every resource', async () => {
  const { hosts } = fixture.clients;
  const first = await hosts.updateHost({ host: { name, ...host }, allowMissing: true });
  const moved = { name, ...host, address: '127.0.0.1:2', rack: 'r1' };
  const second = await hosts.updateHost({ host: moved, allowMissing: true });
  expect(second).toMatchObject({ ...moved, uid: first.uid });
  const { resources } = await listAll(fixture.clients, 'hosts');
  expect(resources).toEqual([second]);
  const changes = hosts.watchHosts({ startRevision: first.revision });
  expect(await collectUntil(changes, second.revision)).toMatchObject([
    { event: { value: first } },
    { event: { value: second } },
  ]);
});

test('another machine does not get a name that is taken, however it asks', async () => {
  const { hosts } = fixture.clients;
  await hosts.createHost({ hostId: 'a', host });
  const other = { name, ...host, machineId: 'm2' };
  await expectReason(hosts.updateHost({ host: other, allowMissing: true }), 'HOST_NAME_TAKEN');
  await expectReason(
    hosts.updateHost({ host: other, updateMask: ['machine_id'] }),
    'HOST_NAME_TAKEN',
  );
  await expectReason(hosts.createHost({ hostId: 'a', host: other }), 'HOST_EXISTS');
  expect((await hosts.getHost({ name })).machineId).toBe('m1');
});

test('of machines that ask for one name at once, one gets it', async () => {
  const { hosts } = fixture.clients;
  const asked = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) =>
      hosts.updateHost({ host: { name, ...host, machineId: `m${i}` }, allowMissing: true }),
    ),
  );
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const refused = asked.flatMap((one) => (one.status === 'rejected' ? [one.reason.reason] : []));
  expect(new Set(refused)).toEqual(new Set(['HOST_NAME_TAKEN']));
});

test('a host is deleted only when nobody holds its lease; then its name is free', async () => {
  const { hosts, leases } = fixture.clients;
  await hosts.createHost({ hostId: 'a', host });
  const ttl = { seconds: 5n, nanos: 0 };
  await leases.acquireLease({ name: lease, holder: 'm1', ttl });
  await expectReason(hosts.deleteHost({ name }), 'HOST_ALIVE');
  await fixture.clock.advance(6_000);
  await hosts.deleteHost({ name });
  await hosts.createHost({ hostId: 'a', host: { ...host, machineId: 'm2' } });
});

test('a host without machine, address or a proper lease is refused', async () => {
  const { hosts } = fixture.clients;
  for (const wrong of [{ machineId: '' }, { address: '' }]) {
    await expectReason(
      hosts.createHost({ hostId: 'a', host: { ...host, ...wrong } }),
      'BAD_REQUEST',
    );
  }
  const badLease = { ...host, lease: 'projects/p' };
  await expectReason(hosts.createHost({ hostId: 'a', host: badLease }), 'BAD_RESOURCE_NAME');
});
