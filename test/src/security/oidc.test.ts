import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, silentLogger } from '@tessera/daemon';
import { composeMetadata, type MetadataDaemon, parseMetadataConfig } from '@tessera/metadata';
import { access } from '@tessera/proto';
import { ManualClock } from '@tessera/testkit';
import { Authority, hasOpenSsl, type Issued } from '@tessera/testkit/tls';
import { exportJWK, exportSPKI, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  audience,
  EmulatedIdentityProvider,
  issuer,
  newKey,
  type SigningKey,
  signed,
} from './emulated-identity-provider.ts';

const timing = { refreshMs: 600_000, maxAgeMs: 3_600_000, cooldownMs: 30_000 };

/** Tokens of an identity provider, which is emulated: its keys are published by a server of this test. */
describe.skipIf(!hasOpenSsl)('tokens of an identity provider (needs openssl)', () => {
  const files = new AsyncDisposableStack();
  let authority: Authority;
  let served: Issued;
  let rsa: SigningKey;
  let elliptic: SigningKey;
  let next: SigningKey;
  let stack: AsyncDisposableStack;
  let provider: EmulatedIdentityProvider;
  let clock: ManualClock;

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-oidc-'));
    files.defer(() => rmSync(folder, { recursive: true, force: true }));
    authority = new Authority(folder);
    served = authority.issue('identity');
    [rsa, elliptic, next] = await Promise.all([
      newKey('rsa'),
      newKey('elliptic', 'ES256'),
      newKey('next'),
    ]);
  });
  afterAll(() => files.disposeAsync());

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    clock = new ManualClock();
    provider = stack.use(new EmulatedIdentityProvider(served));
    await provider.listen();
    await provider.publish(rsa, elliptic);
  });
  afterEach(() => stack.disposeAsync());

  async function platform(
    settings: object = {},
  ): Promise<MetadataDaemon & { readonly client: TesseraClient }> {
    const { ca: caFile } = authority;
    const { jwksUri } = provider;
    const identityProvider = { issuer, audience, jwksUri, caFile, keys: timing, ...settings };
    const config = { store: { driver: 'memory' as const }, identityProviders: [identityProvider] };
    const metadata = stack.use(await composeMetadata(config, { clock }));
    const client = clientsBy((definition) => {
      const binding = metadata.services.find((one) => (one.definition as unknown) === definition);
      return bindInProcess(binding!, silentLogger) as never;
    });
    for (const roleId of ['own', 'given']) await client.roles.createRole({ roleId, role: {} });
    await client.groups.createGroup({ groupId: 'analysts', group: { roles: ['given'] } });
    await client.users.createUser({ userId: 'ann', user: { roles: ['own'] } });
    return { ...metadata, client };
  }

  const now = () => clock.monotonicMs();
  const seconds = (more: number) => Math.floor(now() / 1_000) + more;
  /** A user and his roles. */
  async function who({ authenticator }: MetadataDaemon, token: string) {
    const identity = await authenticator.identityOf(token);
    if (identity.kind !== 'user') return identity.name;
    const { user, roles } = identity.caller;
    return [user, ...roles.map(({ name }) => name)].join(' ');
  }

  test('say who somebody is, by each algorithm that is allowed', async () => {
    const metadata = await platform();
    expect(await who(metadata, await signed(rsa, now()))).toBe('ann own');
    expect(await who(metadata, await signed(elliptic, now()))).toBe('ann own');
    expect(await who(metadata, await signed(rsa, now(), { groups: ['analysts', 'x'] }))).toBe(
      'ann given own',
    );
    expect(await who(metadata, await signed(rsa, now(), { aud: ['else', audience] }))).toBe(
      'ann own',
    );
    expect(provider.reads).toBe(1);
  });

  const invalid = { code: 16, reason: 'TOKEN_INVALID' };
  test.each<{
    readonly what: string;
    readonly token: () => Promise<string>;
    readonly refusal?: object;
  }>([
    {
      what: 'that ended a minute ago',
      token: () => signed(rsa, now(), { exp: seconds(-60) }),
      refusal: { code: 16, reason: 'TOKEN_EXPIRED' },
    },
    {
      what: 'that is good in a minute',
      token: () => signed(rsa, now(), { nbf: seconds(60) }),
      refusal: { code: 16, reason: 'TOKEN_NOT_YET_VALID' },
    },
    { what: 'that never ends', token: () => signed(rsa, now(), { exp: undefined }) },
    { what: 'for another audience', token: () => signed(rsa, now(), { aud: 'elsewhere' }) },
    { what: 'for no audience', token: () => signed(rsa, now(), { aud: undefined }) },
    { what: 'of another issuer', token: () => signed(rsa, now(), { iss: `${issuer}/` }) },
    {
      what: 'that says it is of this platform',
      token: () => signed(rsa, now(), { iss: 'tessera' }),
    },
    { what: 'by a key that is not published', token: () => signed(next, now()) },
    {
      what: "by another key under a published one's name",
      token: () => signed({ ...next, kid: 'rsa' }, now()),
    },
    {
      what: "of one key's algorithm under the other one's name",
      token: () => signed({ ...elliptic, kid: 'rsa' }, now()),
    },
    { what: 'that is not signed', token: async () => new UnsecuredJWT(claims()).encode() },
    {
      what: 'that is signed with the public key as a secret (PEM)',
      token: async () => byHmac(new TextEncoder().encode(await exportSPKI(rsa.publicKey))),
    },
    {
      what: 'that is signed with the public key as a secret (modulus)',
      token: async () => byHmac(Buffer.from((await exportJWK(rsa.publicKey)).n!, 'base64url')),
    },
    {
      what: 'that was changed after it was signed',
      token: async () => {
        const [head, , signature] = (await signed(rsa, now())).split('.');
        const body = Buffer.from(JSON.stringify({ ...claims(), sub: 'admin' }));
        return `${head}.${body.toString('base64url')}.${signature}`;
      },
    },
    {
      what: 'with a header that nobody understands but has to',
      token: () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'RS256', kid: 'rsa', crit: ['exp2'], exp2: 1 })
          .sign(rsa.privateKey, { crit: { exp2: true } }),
    },
    { what: 'of nobody', token: () => signed(rsa, now(), { sub: undefined }) },
    { what: 'of a user that is a list', token: () => signed(rsa, now(), { sub: ['ann'] }) },
    { what: 'of a user that is a path', token: () => signed(rsa, now(), { sub: '../ann' }) },
    { what: 'of a user who is not known here', token: () => signed(rsa, now(), { sub: 'eve' }) },
    { what: 'of a user who is disabled here', token: () => signed(rsa, now(), { sub: 'off' }) },
    { what: "of a daemon's user", token: () => signed(rsa, now(), { sub: 'daemon' }) },
  ])('are refused: one $what', async ({ token, refusal = invalid }) => {
    const metadata = await platform();
    const services = [access.ServiceKind.SERVICE_KIND_QUERY];
    await metadata.client.users.createUser({ userId: 'off', user: { disabled: true } });
    await metadata.client.users.createUser({ userId: 'daemon', user: { services } });
    await expect(who(metadata, await token())).rejects.toMatchObject(refusal);
    expect(await who(metadata, await signed(rsa, now()))).toBe('ann own');
  });

  const claims = () => ({ iss: issuer, aud: audience, sub: 'ann', exp: seconds(300) });
  const byHmac = (secret: Uint8Array) =>
    new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'rsa' }).sign(secret);

  test('are not taken by a secret, even when a provider publishes one', async () => {
    const secret = Buffer.alloc(32, 7);
    await provider.publish(rsa, { kty: 'oct', kid: 'oct', k: secret.toString('base64url') });
    const metadata = await platform();
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS256', kid: 'oct' })
      .sign(secret);
    await expect(who(metadata, token)).rejects.toMatchObject(invalid);
  });

  test('may be off by the skew that is allowed, and not by more', async () => {
    const metadata = await platform({ clockSkewMs: 20_000 });
    expect(await who(metadata, await signed(rsa, now(), { exp: seconds(-19) }))).toBe('ann own');
    expect(await who(metadata, await signed(rsa, now(), { nbf: seconds(19) }))).toBe('ann own');
    const old = await signed(rsa, now(), { exp: seconds(-21) });
    await expect(who(metadata, old)).rejects.toMatchObject({ reason: 'TOKEN_EXPIRED' });
  });

  test('name users and groups as the configuration says', async () => {
    const metadata = await platform({
      ...{ userClaim: 'login', userPrefix: 'x-', users: 'any', groupsClaim: 'teams' },
      groups: { 'Data Analysts': 'analysts' },
    });
    const token = (more: Record<string, unknown>) =>
      signed(rsa, now(), { login: 'ann', sub: 'else', ...more });
    expect(await who(metadata, await token({}))).toBe('x-ann');
    expect(await who(metadata, await token({ teams: ['Data Analysts', 'analysts'] }))).toBe(
      'x-ann given',
    );
    expect(await who(metadata, await token({ teams: 'Data Analysts' }))).toBe('x-ann given');
    expect(await who(metadata, await token({ teams: { a: 1 } }))).toBe('x-ann');
    await metadata.client.users.createUser({ userId: 'x-ann', user: { disabled: true } });
    await expect(who(metadata, await token({}))).rejects.toMatchObject(invalid);
  });

  describe('and its keys', () => {
    test('are read again when a token names a new one, once for all that come at that moment', async () => {
      const metadata = await platform();
      await who(metadata, await signed(rsa, now()));
      await clock.advance(timing.cooldownMs);
      await provider.publish(elliptic, next);
      const tokens = await Promise.all(
        Array.from({ length: 40 }, (_, i) => signed(i % 2 === 0 ? next : elliptic, now())),
      );
      const found = await Promise.all(tokens.map((token) => who(metadata, token)));
      expect(new Set(found)).toEqual(new Set(['ann own']));
      expect(provider.reads).toBe(2);
      await expect(who(metadata, await signed(rsa, now()))).rejects.toMatchObject(invalid);
    });

    test('are not read for every name that somebody makes up', async () => {
      const metadata = await platform();
      await who(metadata, await signed(rsa, now()));
      for (let round = 0; round < 3; round++) {
        await clock.advance(timing.cooldownMs);
        const forged = await Promise.all(
          Array.from({ length: 30 }, (_, i) => signed({ ...next, kid: `${round}-${i}` }, now())),
        );
        const ends = await Promise.allSettled(forged.map((token) => who(metadata, token)));
        expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
      }
      expect(provider.reads).toBe(1 + 3);
    });

    test('count while the provider is away, until they are too old, and again when it is back', async () => {
      const metadata = await platform();
      await who(metadata, await signed(rsa, now()));
      provider.answerBy((response) => response.destroy());
      const until = now() + timing.maxAgeMs;
      while (now() < until) {
        expect(await who(metadata, await signed(rsa, now()))).toBe('ann own');
        await clock.advance(timing.refreshMs);
      }
      const away = { code: 14, reason: 'IDENTITY_PROVIDER_UNAVAILABLE' };
      await clock.advance(1);
      await expect(who(metadata, await signed(rsa, now()))).rejects.toMatchObject(away);
      provider.answerBy(undefined);
      await clock.advance(timing.cooldownMs);
      expect(await who(metadata, await signed(rsa, now()))).toBe('ann own');
    });

    test('that are withdrawn do not count once the keys were read again', async () => {
      const metadata = await platform();
      const token = () => signed(rsa, now());
      expect(await who(metadata, await token())).toBe('ann own');
      await provider.publish(next);
      await clock.advance(timing.refreshMs + 1);
      const asked = async () => who(metadata, await token()).catch(({ reason }) => reason);
      await expect.poll(asked).toBe('TOKEN_INVALID');
    });

    test.each([
      { what: 'nothing', answer: undefined },
      { what: 'an error', answer: (status: Response) => status.writeHead(500).end('{}') },
      { what: 'no JSON', answer: (response: Response) => response.end('<html>') },
      { what: 'something else', answer: (response: Response) => response.end('{"keys":7}') },
      {
        what: 'another place',
        answer: (response: Response) => response.writeHead(302, { location: '/keys' }).end(),
      },
      {
        what: 'without an end',
        answer: (response: Response) => {
          const more = () => {
            if (!response.destroyed) response.write('x'.repeat(1 << 16), more);
          };
          more();
        },
      },
    ])(
      'are unknown when the provider answers $what, and others sign in as before',
      async ({ answer }) => {
        const metadata = await platform();
        provider.answerBy(answer ?? ((response) => response.destroy()));
        const away = { code: 14, reason: 'IDENTITY_PROVIDER_UNAVAILABLE' };
        await expect(who(metadata, await signed(rsa, now()))).rejects.toMatchObject(away);
        await metadata.client.authentication.setPassword({ user: 'ann', password: 'open sesame' });
        const login = { user: 'ann', password: 'open sesame' };
        const { token } = await metadata.client.authentication.login(login);
        expect(await who(metadata, token)).toBe('ann own');
      },
    );

    test('are not believed from a server that the configured authority does not vouch for', async () => {
      const metadata = await platform({ caFile: undefined });
      const away = { code: 14, reason: 'IDENTITY_PROVIDER_UNAVAILABLE' };
      await expect(who(metadata, await signed(rsa, now()))).rejects.toMatchObject(away);
    });
  });
});

type Response = Parameters<
  Exclude<Parameters<EmulatedIdentityProvider['answerBy']>[0], undefined>
>[0];

describe('the configuration of identity providers', () => {
  const one = { issuer, audience, jwksUri: 'https://identity.example/keys' };
  test.each([
    { what: 'keys over plain text', providers: [{ ...one, jwksUri: 'http://identity.example/k' }] },
    { what: 'a shared secret', providers: [{ ...one, algorithms: ['HS256'] }] },
    { what: 'no signature', providers: [{ ...one, algorithms: ['none'] }] },
    { what: 'no audience', providers: [{ ...one, audience: '' }] },
    { what: 'two of one issuer', providers: [one, one] },
    { what: 'one that says it is the platform', providers: [{ ...one, issuer: 'tessera' }] },
  ])('refuses $what', ({ providers }) => {
    const config = { store: { driver: 'memory' }, identityProviders: providers };
    expect(() => parseMetadataConfig(config)).toThrowError(
      expect.objectContaining({ reason: 'METADATA_CONFIG_INVALID' }),
    );
  });
});
