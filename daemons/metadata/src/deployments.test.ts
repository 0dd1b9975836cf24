import { listAll } from '@tessera/client';
import { expectReason } from '@tessera/testkit/contracts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Fixture, startFixture } from './fixture.ts';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await startFixture();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const name = 'deployments/cluster';
const storage = { name: 'storage', argv: ['tessera-storage'], version: '1' };

test('a change of what is wanted is another generation; pausing is none', async () => {
  const { deployments } = fixture.clients;
  const update = (rest: object) =>
    deployments.updateDeployment({ deployment: { name, ...rest }, allowMissing: true });
  expect((await update({ daemons: [storage] })).generation).toBe(1n);
  expect((await update({ daemons: [storage] })).generation).toBe(1n);
  expect((await update({ daemons: [storage], paused: true })).generation).toBe(1n);
  const changed = await update({ daemons: [{ ...storage, version: '2' }], paused: true });
  expect(changed.generation).toBe(2n);
  expect((await listAll(fixture.clients, 'deployments')).resources).toEqual([changed]);
  await deployments.deleteDeployment({ name });
  await expectReason(deployments.getDeployment({ name }), 'DEPLOYMENT_NOT_FOUND');
});

test.each([
  [{ ...storage, name: 'Storage' }, 'daemons[0].name'],
  [{ ...storage, name: 'a.b' }, 'daemons[0].name'],
  [{ ...storage, argv: [] }, 'daemons[0].argv'],
  [{ ...storage, maxUnavailable: -1 }, 'daemons[0].max_unavailable'],
  [{ ...storage, hosts: { hosts: ['a'] } }, 'daemons[0].hosts.hosts[0]'],
  [{ ...storage, hosts: { limit: -1 } }, 'daemons[0].hosts.limit'],
])('%j is refused with its field', async (daemon, field) => {
  const create = fixture.clients.deployments.createDeployment({
    deploymentId: 'cluster',
    deployment: { daemons: [daemon, storage, storage] },
  });
  const error = await create.catch((refused) => refused);
  expect(error.reason).toBe('DEPLOYMENT_INVALID');
  const fields = error.violations.map((one: { field: string }) => one.field);
  expect(fields).toEqual(expect.arrayContaining([field, 'daemons[2]']));
});
