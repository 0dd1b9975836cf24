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

test('a change of what is wanted is another version; pausing is none', async () => {
  const { deployments } = fixture.clients;
  const update = (rest: object) =>
    deployments.updateDeployment({ deployment: { name, ...rest }, allowMissing: true });
  expect((await update({ daemons: [storage] })).version).toBe(1n);
  expect((await update({ daemons: [storage] })).version).toBe(1n);
  expect((await update({ daemons: [storage], paused: true })).version).toBe(1n);
  const changed = await update({ daemons: [{ ...storage, version: '2' }], paused: true });
  expect(changed.version).toBe(2n);
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
  [{ ...storage, options: { Memory: { values: ['1'] } } }, 'daemons[0].options.Memory'],
  [{ ...storage, options: { at: { values: ['{{prt}}'] } } }, 'daemons[0].options.at'],
  [{ ...storage, healthAddress: '{{ip }}:1' }, 'daemons[0].health_address'],
  [{ ...storage, argv: ['x', '{{port+x}}'] }, 'daemons[0].argv[1]'],
  [{ ...storage, artifacts: [{ artifact: 'x', path: 'y' }] }, 'daemons[0].artifacts[0].artifact'],
  [{ ...storage, artifacts: [{ artifact: 'x', path: '../y' }] }, 'daemons[0].artifacts[0].path'],
  [{ ...storage, files: [{ path: '/etc/x' }] }, 'daemons[0].files[0].path'],
  [{ ...storage, files: [{ path: 'a//x' }] }, 'daemons[0].files[0].path'],
  [{ ...storage, files: [{ path: 'x', content: '{{prt}}' }] }, 'daemons[0].files[0].content'],
  [{ ...storage, files: [{ path: 'x' }, { path: 'x' }] }, 'daemons[0].files[1].path'],
  [
    { ...storage, artifacts: [{ artifact: 'x', path: 'a' }], files: [{ path: 'a/conf' }] },
    'daemons[0].files[0].path',
  ],
  [{ ...storage, files: [{ path: 'x', content: 'x'.repeat(256_001) }] }, 'daemons'],
])('a daemon that makes no sense is refused with its field (%#)', async (daemon, field) => {
  const create = fixture.clients.deployments.createDeployment({
    deploymentId: 'cluster',
    deployment: { daemons: [daemon, storage, storage] },
  });
  const error = await create.catch((refused) => refused);
  expect(error.reason).toBe('DEPLOYMENT_INVALID');
  const fields = error.violations.map((one: { field: string }) => one.field);
  expect(fields).toEqual(expect.arrayContaining([field, 'daemons[2]']));
});

test('every version is kept, and an older one is wanted again as a new one', async () => {
  const { deployments } = fixture.clients;
  const write = (version: string) =>
    deployments.updateDeployment({
      deployment: { name, daemons: [{ ...storage, version }] },
      allowMissing: true,
    });
  for (const version of ['1', '2', '3']) await write(version);
  const kept = async (version: bigint) =>
    (await deployments.getDeployment({ name, version })).daemons[0]!.version;
  expect([await kept(1n), await kept(2n), await kept(3n)]).toEqual(['1', '2', '3']);
  await expectReason(
    deployments.rollbackDeployment({ name, version: 9n }),
    'DEPLOYMENT_VERSION_UNKNOWN',
  );
  await expectReason(
    deployments.rollbackDeployment({ name, version: 1n, etag: '1' }),
    'ETAG_MISMATCH',
  );
  const restored = await deployments.rollbackDeployment({ name, version: 1n });
  expect(restored).toMatchObject({ version: 4n, daemons: [{ version: '1' }] });
  const page = await deployments.listDeploymentVersions({ name, pageSize: 3 });
  const rest = await deployments.listDeploymentVersions({
    name,
    pageSize: 3,
    pageToken: page.nextPageToken,
  });
  const all = [...page.deployments, ...rest.deployments];
  expect(all.map(({ version }) => version)).toEqual([4n, 3n, 2n, 1n]);
  expect(rest.nextPageToken).toBe('');
  await deployments.deleteDeployment({ name });
  await write('5');
  await expectReason(
    deployments.getDeployment({ name, version: 2n }),
    'DEPLOYMENT_VERSION_UNKNOWN',
  );
});

test('a status belongs to a deployment, is written by the leader only, and goes with it', async () => {
  const { deployments, leases } = fixture.clients;
  const status = { name: 'deployment-statuses/cluster', version: 1n, message: 'one' };
  const write = (more: object) =>
    deployments.updateDeploymentStatus({ deploymentStatus: { ...status, ...more } });
  await expectReason(write({}), 'DEPLOYMENT_NOT_FOUND');
  await deployments.createDeployment({ deploymentId: 'cluster', deployment: {} });
  await expectReason(
    deployments.getDeploymentStatus({ name: status.name }),
    'DEPLOYMENT_STATUS_NOT_FOUND',
  );
  await write({});
  await write({ message: 'two' });
  const { deploymentStatuses } = await deployments.listDeploymentStatuses({});
  expect(deploymentStatuses).toMatchObject([{ ...status, message: 'two' }]);
  const lease = { name: 'leases/scheduler', holder: 'a', ttl: { seconds: 60n, nanos: 0 } };
  const { fencingToken } = await leases.acquireLease(lease);
  const fenced = (token: bigint) =>
    deployments.updateDeploymentStatus({
      deploymentStatus: { ...status, message: 'three' },
      fence: { lease: lease.name, token },
    });
  await expectReason(fenced(fencingToken + 1n), 'FENCED');
  expect(await fenced(fencingToken)).toMatchObject({ message: 'three' });
  await deployments.deleteDeployment({ name });
  const { deploymentStatuses: left } = await deployments.listDeploymentStatuses({});
  expect(left).toEqual([]);
});
