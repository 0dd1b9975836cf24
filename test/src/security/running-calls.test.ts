import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, clientsBy, connect, type TesseraClient } from '@tessera/client';
import {
  type AccessControl,
  AuditLog,
  bindInProcess,
  RemoteIdentities,
  type RunningServer,
  silentLogger,
  startServer,
} from '@tessera/daemon';
import { composeMetadata, type MetadataDaemon } from '@tessera/metadata';
import { access } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const recheckMs = 5_000;
let stack: AsyncDisposableStack;
let folder: string;
let clock: ManualClock;
let metadata: MetadataDaemon;
/** Everything, in process: nobody is asked who he is. */
let admin: TesseraClient;
let first: RunningServer;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  folder = mkdtempSync(join(tmpdir(), 'tessera-running-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  clock = new ManualClock();
  metadata = stack.use(await composeMetadata({ store: { driver: 'memory' } }, { clock }));
  admin = clientsBy((definition) => {
    const binding = metadata.services.find((one) => (one.definition as unknown) === definition);
    return bindInProcess(binding!, silentLogger) as never;
  });
  first = await serve((token) => metadata.authenticator.identityOf(token), 'first');
  const functions = [access.AccessFunction.ACCESS_FUNCTION_MODEL];
  const permissions = [{ functions, project: '*', source: '*', table: '*' }];
  await admin.roles.createRole({ roleId: 'modeller', role: { permissions } });
  await admin.groups.createGroup({ groupId: 'modellers', group: { roles: ['modeller'] } });
  await admin.projects.createProject({ projectId: 'shop' });
  for (const userId of ['ann', 'bob']) {
    await admin.users.createUser({ userId, user: { groups: ['modellers'] } });
    await admin.authentication.setPassword({ user: userId, password: 'open sesame' });
  }
});
afterEach(() => stack.disposeAsync());

async function serve(
  identityOf: AccessControl['identityOf'],
  name: string,
): Promise<RunningServer> {
  const audit = stack.use(new AuditLog(join(folder, name), clock));
  const server = await startServer({
    address: '127.0.0.1:0',
    services: metadata.services,
    access: { identityOf, audit, clock, recheckMs },
    drainTimeoutMs: 100,
    log: silentLogger,
  });
  return stack.use(server);
}

const as = (token: string, { address } = first): Connection =>
  stack.use(connect(address, { token }));
const tokenOf = async (user: string) =>
  (await admin.authentication.login({ user, password: 'open sesame' })).token;

/** A watch that has begun, and how it will end. */
async function watching(client: TesseraClient): Promise<{ readonly ended: Promise<unknown> }> {
  const events = client.projects.watchProjects({ startRevision: 1n })[Symbol.asyncIterator]();
  await events.next();
  const drain = async () => {
    while (!(await events.next()).done);
  };
  return { ended: drain().catch((error: unknown) => error) };
}

/** Time goes by, at most so long, until `ended`. */
async function within(maxMs: number, ended: Promise<unknown>): Promise<unknown> {
  let result: { readonly error: unknown } | undefined;
  void ended.then((error) => {
    result = { error };
  });
  const endMs = clock.monotonicMs() + maxMs;
  while (result === undefined && clock.monotonicMs() < endMs) {
    await clock.advance(recheckMs / 5);
    await new Promise((resolve) => setTimeout(resolve, 5)); // What is on the wire arrives.
  }
  return result?.error;
}

describe('a call that goes on', () => {
  test.each([
    {
      what: 'its API token is revoked',
      change: ({ id }: { id: string }) => admin.authentication.revokeApiToken({ user: 'ann', id }),
      ends: { code: 16, reason: 'TOKEN_INVALID' },
    },
    {
      what: 'its user is disabled',
      change: () => admin.users.updateUser({ user: { name: 'users/ann', disabled: true } }),
      ends: { code: 16, reason: 'TOKEN_INVALID' },
    },
    {
      what: 'its user is gone',
      change: () => admin.users.deleteUser({ name: 'users/ann' }),
      ends: { code: 16, reason: 'TOKEN_INVALID' },
    },
    {
      what: 'its user is in no group that permits it any more',
      change: () => admin.users.updateUser({ user: { name: 'users/ann', groups: [] } }),
      ends: { code: 7, reason: 'PERMISSION_DENIED' },
    },
    {
      what: 'its role permits it no more',
      change: () => admin.roles.deleteRole({ name: 'roles/modeller' }),
      ends: { code: 7, reason: 'PERMISSION_DENIED' },
    },
  ])('ends when $what', async ({ change, ends }) => {
    const issued = await admin.authentication.createApiToken({ user: 'ann' });
    const { ended } = await watching(as(issued.token));
    expect(await within(3 * recheckMs, ended)).toBeUndefined();
    await change(issued);
    expect(await within(2 * recheckMs, ended)).toMatchObject(ends);
    expect(auditOf('first')).toContain(`"outcome":"${ends.reason}"`);
  });

  test('ends when its session does, and that of somebody else goes on', async () => {
    const early = await watching(as(await tokenOf('ann')));
    await clock.advance(10 * 60_000);
    const late = await watching(as(await tokenOf('bob')));
    const ended = await within(5 * 60_000 + 2 * recheckMs, early.ended);
    expect(ended).toMatchObject({ code: 16, reason: 'TOKEN_EXPIRED' });
    expect(await within(2 * recheckMs, late.ended)).toBeUndefined();
  });
});

describe('the token of a daemon', () => {
  const parent = 'projects/-/cubes/-';
  const query = access.ServiceKind.SERVICE_KIND_QUERY;

  async function daemonToken(): Promise<string> {
    await admin.users.createUser({ userId: 'readers', user: { services: [query] } });
    return (await admin.authentication.createApiToken({ user: 'readers' })).token;
  }

  test('permits what its kind does and nothing else, until its user is disabled', async () => {
    const daemon = as(await daemonToken());
    await expect(daemon.segments.listSegments({ parent })).resolves.toMatchObject({ segments: [] });
    for (const call of [
      daemon.users.listUsers({}),
      daemon.segments.publishSegments({ parent }),
      daemon.authentication.whoAmI({}),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 7, reason: 'SERVICES_ONLY' });
    }
    await admin.users.updateUser({ user: { name: 'users/readers', disabled: true } });
    await expect(daemon.segments.listSegments({ parent })).rejects.toMatchObject({ code: 16 });
  });

  test('stands for no kind that is unknown, and for nobody who has roles', async () => {
    for (const user of [
      { services: [99 as access.ServiceKind] },
      { services: [query], roles: ['modeller'] },
      { services: [query], groups: ['modellers'] },
    ]) {
      await expect(admin.users.createUser({ userId: 'mixed', user })).rejects.toMatchObject({
        reason: 'BAD_REQUEST',
      });
    }
  });

  describe('lets its holder ask who calls', () => {
    let second: RunningServer;
    const listed = (token: string) => as(token, second).projects.listProjects({});

    beforeEach(async () => {
      const { authentication } = as(await daemonToken());
      const identities = new RemoteIdentities(authentication, clock);
      second = await serve((token) => identities.identityOf(token), 'second');
    });

    test('with what was written counting from the next call on', async () => {
      const token = await tokenOf('ann');
      await expect(listed(token)).resolves.toMatchObject({ projects: [{ name: 'projects/shop' }] });
      await admin.groups.updateGroup({ group: { name: 'groups/modellers', roles: [] } });
      await expect(listed(token)).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
      await admin.groups.updateGroup({ group: { name: 'groups/modellers', roles: ['modeller'] } });
      await expect(listed(token)).resolves.toBeDefined();
      await admin.users.updateUser({ user: { name: 'users/ann', disabled: true } });
      await expect(listed(token)).rejects.toMatchObject({ code: 16, reason: 'TOKEN_INVALID' });
      await expect(listed('nonsense')).rejects.toMatchObject({ code: 16, reason: 'TOKEN_INVALID' });
    });

    test('and while metadata is away lets in whom it has just known, and nobody else', async () => {
      const [known, unknown] = [await tokenOf('ann'), await tokenOf('bob')];
      await expect(listed(known)).resolves.toBeDefined();
      await first[Symbol.asyncDispose]();
      await expect(listed(known)).resolves.toBeDefined();
      await expect(listed(unknown)).rejects.toMatchObject({ code: 14 });
      await clock.advance(10_001);
      await expect(listed(known)).rejects.toMatchObject({ code: 14 });
    });
  });
});

function auditOf(name: string): string {
  const [file] = readdirSync(join(folder, name));
  return readFileSync(join(folder, name, file!), 'utf8');
}
