import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { connect } from '@tessera/client';
import { AuditLog, type RunningServer, silentLogger, startServer } from '@tessera/daemon';
import { composeMetadata, ensureFirstUser } from '@tessera/metadata';
import { ManualClock } from '@tessera/testkit';
import { Authority, hasOpenSsl } from '@tessera/testkit/tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const maxMessageBytes = 1 << 16;
const connections = 100;

/** Clients that mean no good, or do not know better: each is told or dropped, and others are served on. */
describe.skipIf(!hasOpenSsl)('a server under hostile clients (needs openssl)', () => {
  const stack = new AsyncDisposableStack();
  let folder = '';
  let authority: Authority;
  let plain: RunningServer;
  let mutual: RunningServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-hostile-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    authority = new Authority(join(folder, 'authority'));
    const clock = new ManualClock();
    const metadata = stack.use(await composeMetadata({ store: { driver: 'memory' } }, { clock }));
    await ensureFirstUser(metadata, 'the first one');
    const audit = stack.use(new AuditLog(join(folder, 'audit'), clock));
    const identityOf = (token: string) => metadata.authenticator.identityOf(token);
    const common = {
      ...{ address: '127.0.0.1:0', services: metadata.services, log: silentLogger },
      ...{ access: { identityOf, audit, clock }, maxMessageBytes, drainTimeoutMs: 100 },
    };
    plain = stack.use(await startServer(common));
    const tls = { ca: authority.ca, ...authority.issue('server') };
    mutual = stack.use(await startServer({ ...common, transport: { tls } }));
  });
  afterAll(() => stack.disposeAsync());

  function audited(): string {
    const audit = join(folder, 'audit');
    return readdirSync(audit)
      .map((file) => readFileSync(join(audit, file), 'utf8'))
      .join('');
  }

  /** Somebody signs in, and is answered. */
  async function isServed(): Promise<void> {
    for (const [{ address }, transport] of [
      [plain, {}],
      [mutual, { tls: { ca: authority.ca, ...authority.issue('client') } }],
    ] as const) {
      using anonymous = connect(address, { transport });
      const login = { user: 'admin', password: 'the first one' };
      const { token } = await anonymous.authentication.login(login);
      using admin = connect(address, { transport, token });
      await expect(admin.users.listUsers({})).resolves.toMatchObject({ users: [{}] });
    }
  }

  test('answers a message that is too large with what is wrong with it', async () => {
    using client = connect(plain.address);
    const password = 'x'.repeat(2 * maxMessageBytes);
    await expect(client.authentication.login({ user: 'admin', password })).rejects.toMatchObject({
      code: 8,
    });
    await isServed();
  });

  test('writes down little of long names that strangers send', async () => {
    using client = connect(plain.address);
    const before = audited().length;
    const long = 'x'.repeat(maxMessageBytes - 1_000);
    for (let i = 0; i < 10; i++) {
      await expect(
        client.authentication.login({ user: long, password: 'wrong one' }),
      ).rejects.toMatchObject({ reason: 'LOGIN_FAILED' });
      await expect(client.models.listModels({ parent: `projects/${long}` })).rejects.toMatchObject({
        reason: 'TOKEN_MISSING',
      });
    }
    const written = audited().slice(before);
    expect(written.trim().split('\n')).toHaveLength(20);
    expect(written.length).toBeLessThan(10_000);
    expect(written).toContain('"user":"",');
    await isServed();
  });

  test('answers a token that is too large, or is no text of a token', async () => {
    for (const token of [
      'x'.repeat(100_000),
      'a.b.c',
      `tsr_${'x'.repeat(4_000)}`,
      'eyJhbGciOiJub25lIn0.e30.',
    ]) {
      using client = connect(plain.address, { token });
      await expect(client.users.listUsers({})).rejects.toMatchObject({
        code: expect.toSatisfy((code) => [8, 13, 14, 16].includes(code)),
      });
    }
    await isServed();
  });

  test.each([
    { what: 'say nothing', bytes: '' },
    { what: 'begin HTTP/2 and never go on', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
    {
      what: 'begin a frame and never end it',
      bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\xff\xff\x01\x04\0\0\0\x01',
    },
    {
      what: 'speak HTTP/1',
      bytes: 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n',
    },
    { what: 'begin TLS and never go on', bytes: '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03' },
    { what: 'send noise', bytes: '\0\x01\x02\xff'.repeat(5_000) },
  ])('serves on while a hundred connections $what', async ({ bytes }) => {
    const sockets: Socket[] = [];
    try {
      for (const { address } of [plain, mutual]) {
        const opened = Array.from({ length: connections }, () => opening(address, bytes));
        sockets.push(...(await Promise.all(opened)));
      }
      await isServed();
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  test('outlives connections that end as their calls come', async () => {
    const { getPeerCertificate } = TLSSocket.prototype;
    const serverPort = Number(mutual.address.split(':')[1]);
    const asked = vi.spyOn(TLSSocket.prototype, 'getPeerCertificate').mockImplementation(function (
      this: TLSSocket,
      detailed = false,
    ) {
      if (this.localPort === serverPort) this.destroy();
      return getPeerCertificate.call(this, detailed);
    });
    const tls = { ca: authority.ca, ...authority.issue('leaving') };
    try {
      using client = connect(mutual.address, { transport: { tls }, maxAttempts: 1 });
      const gone = client.segments.listSegments({ parent: 'projects/-/cubes/-' });
      await expect(gone).rejects.toMatchObject({ code: 14 });
      expect(asked.mock.results.map(({ value }) => value)).toContain(null);
    } finally {
      asked.mockRestore();
    }
    await isServed();
  });

  test('lets in nobody whose certificate is damaged, or who shows none', async () => {
    const { ca } = authority;
    const own = authority.issue('damaged');
    writeFileSync(own.cert, '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n');
    expect(() => connect(mutual.address, { transport: { tls: { ca, ...own } } })).toThrowError(
      expect.objectContaining({ reason: 'TLS_CERTIFICATE_MALFORMED' }),
    );
    const foreign = new Authority(join(folder, 'foreign'), 'foreign');
    const names = 'DNS:localhost,IP:127.0.0.1,URI:urn:tessera:service:scheduler';
    for (const tls of [
      { ca },
      { ca, ...foreign.issue('scheduler', { names }) },
      { ca, ...authority.issue('old-scheduler', { names, days: -1 }) },
    ]) {
      await expect(async () => {
        using client = connect(mutual.address, { transport: { tls } });
        await client.segments.listSegments({ parent: 'projects/-/cubes/-' });
      }).rejects.toMatchObject({ reason: /^(TLS_|DAEMON_UNAVAILABLE)/ });
    }
    await isServed();
  });
});

/** A connection that has said so much and stays as it is, or was dropped. */
function opening(address: string, bytes: string): Promise<Socket> {
  const [host, port] = address.split(':') as [string, string];
  return new Promise((resolve, reject) => {
    const socket = connectSocket(Number(port), host);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject).on('error', () => {}); // Being dropped is as it should be.
      socket.write(Buffer.from(bytes, 'latin1'), () => resolve(socket));
    });
    socket.once('close', () => resolve(socket));
  });
}
