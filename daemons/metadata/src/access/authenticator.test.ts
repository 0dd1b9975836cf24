import { clientsBy, type TesseraClient } from '@tessera/client';
import { access } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeMetadata, type MetadataDaemon } from '../composition.ts';
import { inProcess } from '../fixture.ts';
import { Commit } from '../resources/commit.ts';
import { credentialsKey } from './credentials.ts';

let clock: ManualClock;
let daemon: MetadataDaemon;
let client: TesseraClient;

beforeEach(async () => {
  clock = new ManualClock();
  daemon = await composeMetadata({ store: { driver: 'memory' } }, { clock });
  client = clientsBy(inProcess(daemon.services));
  const query = access.AccessFunction.ACCESS_FUNCTION_QUERY;
  const everything = { functions: [query], project: '*', source: '*', table: '*' };
  await client.roles.createRole({ roleId: 'reader', role: { permissions: [everything] } });
  await client.groups.createGroup({ groupId: 'readers', group: { roles: ['reader'] } });
  await client.users.createUser({ userId: 'ann', user: { groups: ['readers'] } });
  await client.authentication.setPassword({ user: 'ann', password: 'open sesame' });
});
afterEach(() => daemon[Symbol.asyncDispose]());

const callerOf = (token: string) => callerAt(daemon, token);
async function callerAt({ authenticator }: MetadataDaemon, token: string) {
  const identity = await authenticator.identityOf(token);
  if (identity.kind === 'user') return identity.caller;
  throw new Error(`${identity.name} is a daemon`);
}
const login = (password = 'open sesame', user = 'ann') =>
  client.authentication.login({ user, password });
const reason = (name: string) => ({ reason: name });
const loginFailed = reason('LOGIN_FAILED');

describe('signing in', () => {
  test('gives a token for the right password, with the roles of the groups', async () => {
    const { token } = await login();
    const caller = await callerOf(token);
    expect(caller.user).toBe('ann');
    expect(caller.roles.map(({ name }) => name)).toEqual(['reader']);
  });

  test.each([
    { why: 'a wrong password', user: 'ann', password: 'open sesam' },
    { why: 'an unknown user', user: 'bob', password: 'open sesame' },
    { why: 'a name that is a path', user: '../ann', password: 'open sesame' },
    { why: 'an endless name', user: 'a'.repeat(1 << 20), password: 'open sesame' },
    { why: 'an endless password', user: 'ann', password: 'x'.repeat(100_000) },
  ])('says the same for $why', async ({ user, password }) => {
    await expect(login(password, user)).rejects.toMatchObject(reason('LOGIN_FAILED'));
  });

  test('a user without a password cannot', async () => {
    await client.users.createUser({ userId: 'eve', user: {} });
    await expect(login('', 'eve')).rejects.toMatchObject(reason('LOGIN_FAILED'));
  });

  test('waits after several failures, also when they come at once, and not for others', async () => {
    const tries = await Promise.allSettled(Array.from({ length: 12 }, () => login('wrong one')));
    const reasons = tries.map((one) => (one.status === 'rejected' ? one.reason.reason : 'ok'));
    expect(reasons.filter((one) => one === 'LOGIN_FAILED')).toHaveLength(5);
    expect(reasons.filter((one) => one === 'TOO_MANY_LOGINS')).toHaveLength(7);
    await expect(login()).rejects.toMatchObject(reason('TOO_MANY_LOGINS'));
    await client.users.createUser({ userId: 'bob', user: {} });
    await client.authentication.setPassword({ user: 'bob', password: 'another one' });
    await login('another one', 'bob');
    await clock.advance(31_000);
    await login();
  });

  test('keeps nothing of names that nobody can have', async () => {
    for (const user of ['', 'Ann', 'a'.repeat(129)]) {
      const tries = await Promise.allSettled(Array.from({ length: 12 }, () => login('x', user)));
      expect(tries).toEqual(
        tries.map(() => ({ status: 'rejected', reason: expect.objectContaining(loginFailed) })),
      );
    }
  });

  test('is bounded for all and for one address, and goes on once some are through', async () => {
    const from = (address: string, count: number) =>
      Array.from({ length: count }, (_, i) =>
        daemon.authenticator.login(`nobody-${i}`, 'open sesame', address),
      );
    const tries = ['a', 'b', 'c', 'd', 'e'].flatMap((address) => from(address, 17));
    const reasons = (await Promise.allSettled(tries)).map(
      (one) => one.status === 'rejected' && one.reason,
    );
    const busy = expect.objectContaining({
      ...{ code: 8, reason: 'LOGINS_BUSY', retryAfterMs: expect.any(Number) },
    });
    const ofOne = [...Array(16).fill(expect.objectContaining(loginFailed)), busy];
    expect(reasons).toEqual([...ofOne, ...ofOne, ...ofOne, ...ofOne, ...Array(17).fill(busy)]);
    await login();
  });

  test('is not kept from somebody by who fails elsewhere', async () => {
    const { authenticator } = daemon;
    for (let i = 0; i < 6; i++) {
      await authenticator.login('ann', 'wrong one', '10.0.0.1').catch(() => {});
    }
    const there = authenticator.login('ann', 'open sesame', '10.0.0.1');
    await expect(there).rejects.toMatchObject(reason('TOO_MANY_LOGINS'));
    await authenticator.login('ann', 'open sesame', '10.0.0.2');
    const still = authenticator.login('ann', 'open sesame', '10.0.0.1');
    await expect(still).rejects.toMatchObject(reason('TOO_MANY_LOGINS'));
  });

  test('a short password is not taken, and a new one ends the old one', async () => {
    const short = client.authentication.setPassword({ user: 'ann', password: 'short' });
    await expect(short).rejects.toMatchObject(reason('BAD_REQUEST'));
    await client.authentication.setPassword({ user: 'ann', password: 'brand new one' });
    await expect(login()).rejects.toMatchObject(reason('LOGIN_FAILED'));
    await login('brand new one');
  });

  test('nothing of a password is in what the services tell', async () => {
    const { user } = { user: await client.users.getUser({ name: 'users/ann' }) };
    expect(Object.keys(user).sort()).toEqual(
      [
        'createTime',
        'disabled',
        'etag',
        'groups',
        'name',
        'revision',
        'roles',
        'services',
        'uid',
        'updateTime',
      ].sort(),
    );
  });
});

describe('a session token', () => {
  test('ends', async () => {
    const { token } = await login();
    await clock.advance(14 * 60_000);
    await callerOf(token);
    await clock.advance(2 * 60_000);
    await expect(callerOf(token)).rejects.toMatchObject(reason('TOKEN_EXPIRED'));
  });

  test.each([
    { why: 'another key', change: async () => signed({}) },
    {
      why: 'no signature',
      change: async () =>
        new UnsecuredJWT({ sub: 'ann' })
          .setIssuer('tessera')
          .setAudience('tessera')
          .setExpirationTime('1h')
          .encode(),
    },
    { why: 'a changed subject', change: async (token: string) => withSubject(token, 'root') },
    { why: 'nonsense', change: async () => 'a.b.c' },
    { why: 'nothing', change: async () => '' },
    { why: 'an API token of nobody', change: async () => 'tsr_x.y.z' },
    {
      why: 'an API token of a path',
      change: async () => `tsr_${Buffer.from('../x').toString('base64url')}.y.z`,
    },
  ])('is refused when it has $why', async ({ change }) => {
    const forged = await change((await login()).token);
    await expect(callerOf(forged)).rejects.toMatchObject({ code: 16, ...reason('TOKEN_INVALID') });
  });

  test('is taken by another daemon on the same store', async () => {
    const { token } = await login();
    const other = await composeMetadata(
      { store: { driver: 'memory' } },
      { clock, store: daemon.store },
    );
    expect((await callerAt(other, token)).user).toBe('ann');
  });
});

describe('a session', () => {
  test('ends with the password that it began with, and no API token does', async () => {
    const { token } = await login();
    const api = await client.authentication.createApiToken({ user: 'ann' });
    await callerOf(token);
    await client.authentication.setPassword({ user: 'ann', password: 'open sesame' });
    await expect(callerOf(token)).rejects.toMatchObject({ code: 16, ...reason('TOKEN_INVALID') });
    expect((await callerOf(api.token)).user).toBe('ann');
    expect((await callerOf((await login()).token)).user).toBe('ann');
  });

  test('is not one of a later user of the same name', async () => {
    const { token } = await login();
    await client.users.deleteUser({ name: 'users/ann' });
    await client.users.createUser({ userId: 'ann', user: { groups: ['readers'] } });
    await expect(callerOf(token)).rejects.toMatchObject(reason('TOKEN_INVALID'));
    await client.authentication.setPassword({ user: 'ann', password: 'open sesame' });
    await expect(callerOf(token)).rejects.toMatchObject(reason('TOKEN_INVALID'));
    expect((await callerOf((await login()).token)).user).toBe('ann');
  });

  test('is one of the user, not of his name, whatever became of his password', async () => {
    const { token } = await login();
    const key = credentialsKey('ann');
    const { entry } = await daemon.store.get(key);
    await client.users.deleteUser({ name: 'users/ann' });
    await client.users.createUser({ userId: 'ann', user: {} });
    await new Commit().put(key, entry!.value).run(daemon.store);
    await expect(callerOf(token)).rejects.toMatchObject(reason('TOKEN_INVALID'));
  });
});

describe('what a caller may do', () => {
  test('changes with the next call once a write was acknowledged', async () => {
    const { token } = await login();
    const before = await callerOf(token);
    await client.groups.updateGroup({
      group: { name: 'groups/readers', roles: [] },
      updateMask: ['roles'],
    });
    const after = await callerOf(token);
    expect(after.roles).toEqual([]);
    expect(after.revision).not.toBe(before.revision);
    await client.users.updateUser({
      user: { name: 'users/ann', disabled: true },
      updateMask: ['disabled'],
    });
    await expect(callerOf(token)).rejects.toMatchObject(reason('TOKEN_INVALID'));
    await expect(login()).rejects.toMatchObject(reason('LOGIN_FAILED'));
  });

  test('has the same revision while no rule changes', async () => {
    const { token } = await login();
    const before = await callerOf(token);
    await client.projects.createProject({ projectId: 'other' });
    expect((await callerOf(token)).revision).toBe(before.revision);
  });

  test('goes with the user: a later one of the same name has no password and no tokens', async () => {
    const { token } = await client.authentication.createApiToken({ user: 'ann' });
    await client.users.deleteUser({ name: 'users/ann' });
    await client.users.createUser({ userId: 'ann', user: { groups: ['readers'] } });
    await expect(login()).rejects.toMatchObject(reason('LOGIN_FAILED'));
    await expect(callerOf(token)).rejects.toMatchObject(reason('TOKEN_INVALID'));
  });
});

describe('an API token', () => {
  test('is good until it is revoked', async () => {
    const { id, token } = await client.authentication.createApiToken({ user: 'ann' });
    expect((await callerOf(token)).user).toBe('ann');
    await client.authentication.revokeApiToken({ user: 'ann', id });
    await expect(callerOf(token)).rejects.toMatchObject(reason('TOKEN_INVALID'));
    const again = client.authentication.revokeApiToken({ user: 'ann', id });
    await expect(again).rejects.toMatchObject(reason('API_TOKEN_NOT_FOUND'));
  });

  test('is good until it expires', async () => {
    const { token } = await client.authentication.createApiToken({ user: 'ann' });
    await clock.advance(91 * 24 * 3_600_000);
    await expect(callerOf(token)).rejects.toMatchObject(reason('TOKEN_EXPIRED'));
  });

  test('is kept as a digest', async () => {
    const { token } = await client.authentication.createApiToken({ user: 'ann' });
    const { entries } = await daemon.store.list({ start: '/' });
    const kept = entries.map(({ value }) => Buffer.from(value).toString('latin1')).join('\n');
    expect(kept).not.toContain(token.split('.')[2]);
    expect(kept).not.toContain('open sesame');
  });

  test.each(['x', ''])('is refused with its secret changed: %s', async (added) => {
    const { token } = await client.authentication.createApiToken({ user: 'ann' });
    const forged = added === '' ? token.slice(0, -1) : token + added;
    await expect(callerOf(forged)).rejects.toMatchObject(reason('TOKEN_INVALID'));
  });
});

describe('the resources of access', () => {
  test.each([
    { why: 'a part that is left out', permission: { project: '', source: '*', table: '*' } },
    { why: 'no function', permission: { functions: [], project: '*', source: '*', table: '*' } },
    {
      why: 'an unknown function',
      permission: { functions: [99], project: '*', source: '*', table: '*' },
    },
  ])('a role with $why is not taken', async ({ permission }) => {
    const functions = [access.AccessFunction.ACCESS_FUNCTION_QUERY];
    const permissions = [{ functions, ...permission }] as access.Permission[];
    const made = client.roles.createRole({ roleId: 'r', role: { permissions } });
    await expect(made).rejects.toMatchObject(reason('BAD_REQUEST'));
  });

  test('a policy needs its project, and keeps it from being deleted', async () => {
    const policy = { role: 'reader', source: 's', table: 't' };
    const lost = client.policies.createPolicy({ parent: 'projects/none', policyId: 'p', policy });
    await expect(lost).rejects.toMatchObject({ code: 5 });
    await client.projects.createProject({ projectId: 'held' });
    await client.policies.createPolicy({ parent: 'projects/held', policyId: 'p', policy });
    const deleted = client.projects.deleteProject({ name: 'projects/held' });
    await expect(deleted).rejects.toMatchObject(reason('PROJECT_NOT_EMPTY'));
  });
});

async function signed(claims: object): Promise<string> {
  const { privateKey } = await generateKeyPair('EdDSA');
  return new SignJWT({ sub: 'ann', ...claims })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setIssuer('tessera')
    .setAudience('tessera')
    .setExpirationTime('1h')
    .sign(privateKey);
}

function withSubject(token: string, sub: string): string {
  const [head, body, signature] = token.split('.');
  const claims = JSON.parse(Buffer.from(body!, 'base64url').toString());
  const changed = Buffer.from(JSON.stringify({ ...claims, sub })).toString('base64url');
  return `${head}.${changed}.${signature}`;
}
