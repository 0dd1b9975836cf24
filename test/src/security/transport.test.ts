import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { connect, type Transport } from '@tessera/client';
import { silentLogger, startServer } from '@tessera/daemon';
import { runHost } from '@tessera/host';
import { composeMetadata } from '@tessera/metadata';
import { Authority, hasOpenSsl, type Issued } from '@tessera/testkit/tls';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

describe.skipIf(!hasOpenSsl)('transport (needs openssl)', () => {
  let folder = '';
  let authority: Authority;
  let foreign: Authority;
  let daemon: Issued;
  let user: Issued;
  const stack = new AsyncDisposableStack();
  let opened = new AsyncDisposableStack();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-tls-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    authority = new Authority(folder);
    foreign = new Authority(join(folder, 'foreign'), 'foreign');
    daemon = authority.issue('daemon');
    user = authority.issue('user');
  });
  afterAll(() => stack.disposeAsync());
  afterEach(async () => {
    await opened.disposeAsync();
    opened = new AsyncDisposableStack();
  });

  async function served(transport: Transport, address = '127.0.0.1:0'): Promise<string> {
    const metadata = opened.use(await composeMetadata({ store: { driver: 'memory' } }));
    const { services } = metadata;
    const drainTimeoutMs = 100;
    const server = await startServer({
      ...{ address, transport, services, drainTimeoutMs },
      log: silentLogger,
    });
    return opened.use(server).address;
  }

  function asked(address: string, transport: Transport) {
    const client = opened.use(connect(address, { transport }));
    return client.projects.listProjects({});
  }

  test('a client that trusts the authority is answered over TLS', async () => {
    const address = await served({ tls: daemon });
    await expect(asked(address, { tls: { ca: authority.ca } })).resolves.toMatchObject({
      projects: [],
    });
    await expect(asked(address, {})).rejects.toMatchObject({ reason: 'DAEMON_UNAVAILABLE' });
  });

  test('a server with an authority admits only clients with a certificate of it', async () => {
    const { ca } = authority;
    const address = await served({ tls: { ...daemon, ca } });
    await expect(asked(address, { tls: { ...user, ca } })).resolves.toMatchObject({ projects: [] });
    for (const tls of [{ ca }, { ca, ...foreign.issue('stranger') }]) {
      const refused = { code: 14, message: expect.stringContaining('--tls-cert') };
      await expect(asked(address, { tls })).rejects.toMatchObject(refused);
    }
  });

  test('a host registers and serves under the same certificates', async () => {
    const transport = { tls: { ...daemon, ca: authority.ca } };
    const metadataAddress = await served(transport);
    const addresses = { address: '127.0.0.1:0', metadataAddress, transport };
    const config = { name: 'a', directory: join(folder, 'host') };
    const host = opened.use(await runHost(config, addresses, silentLogger));
    await vi.waitFor(() => expect(host.registration.isRegistered).toBe(true), 10_000);
    const own = opened.use(connect(host.address, { transport }));
    await expect(own.host.getHost({})).resolves.toMatchObject({ host: { name: 'hosts/a' } });
    const stranger = opened.use(
      connect(host.address, { transport: { tls: { ca: authority.ca } } }),
    );
    await expect(stranger.host.getHost({})).rejects.toMatchObject({ code: 14 });
  });

  test('a server with an authority refuses a client whose certificate has expired', async () => {
    const { ca } = authority;
    const expired = authority.issue('expired-user', { days: -1 });
    const address = await served({ tls: { ...daemon, ca } });
    await expect(handshake(address, { ca, ...user })).resolves.toBe('open');
    await expect(handshake(address, { ca, ...expired })).resolves.toMatch(/alert|ECONNRESET/);
  });

  test.each([
    {
      peer: 'an expired certificate',
      make: () => authority.issue('old', { days: -1 }),
      reason: 'TLS_PEER_EXPIRED',
    },
    {
      peer: "a foreign authority's certificate",
      make: () => foreign.issue('other'),
      reason: 'TLS_PEER_UNTRUSTED',
    },
    {
      peer: "another host's certificate",
      make: () => authority.issue('elsewhere', { names: 'DNS:elsewhere.example' }),
      reason: 'TLS_PEER_NAME_MISMATCH',
    },
  ])('a client does not accept $peer', async ({ make, reason }) => {
    const { cert, key } = make();
    const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });
    opened.defer(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const answer = asked(`127.0.0.1:${port}`, { tls: { ca: authority.ca } });
    await expect(answer).rejects.toMatchObject({ reason });
  });

  test('a client that speaks TLS to a server without it is told so', async () => {
    const address = await served({});
    const answer = asked(address, { tls: { ca: authority.ca } });
    await expect(answer).rejects.toMatchObject({ reason: 'TLS_NOT_SPOKEN' });
  });

  test.each([
    {
      what: 'an expired certificate',
      reason: 'TLS_CERTIFICATE_EXPIRED',
      files: () => authority.issue('gone', { days: -1 }),
    },
    {
      what: 'a file that is no certificate',
      reason: 'TLS_CERTIFICATE_MALFORMED',
      files: () => ({ ...daemon, cert: garbage() }),
    },
    {
      what: 'a certificate that is cut off',
      reason: 'TLS_CERTIFICATE_MALFORMED',
      files: () => ({ ...daemon, cert: cut(daemon.cert) }),
    },
    {
      what: 'a file that is no key',
      reason: 'TLS_CERTIFICATE_MALFORMED',
      files: () => ({ ...daemon, key: garbage() }),
    },
    {
      what: "another certificate's key",
      reason: 'TLS_KEY_MISMATCH',
      files: () => ({ ...daemon, key: user.key }),
    },
    {
      what: 'a missing file',
      reason: 'TLS_FILE_UNREADABLE',
      files: () => ({ ...daemon, key: '/nowhere.key' }),
    },
    {
      what: 'a certificate without its key',
      reason: 'TLS_FILES_INCOMPLETE',
      files: () => ({ cert: daemon.cert }),
    },
    {
      what: 'only an authority',
      reason: 'TLS_FILES_INCOMPLETE',
      files: () => ({ ca: authority.ca }),
    },
    {
      what: 'an authority that is no certificate',
      reason: 'TLS_CERTIFICATE_MALFORMED',
      files: () => ({ ...daemon, ca: garbage() }),
    },
  ])('a server does not start with $what', async ({ files, reason }) => {
    await expect(served({ tls: files() })).rejects.toMatchObject({ reason });
  });

  test('plain text stays on this machine unless it is named', async () => {
    await expect(served({}, '0.0.0.0:0')).rejects.toMatchObject({ reason: 'PLAINTEXT_REFUSED' });
    expect(() => connect('192.0.2.1:7400')).toThrowError(
      expect.objectContaining({ reason: 'PLAINTEXT_REFUSED' }),
    );
    const port = (await served({ insecure: true }, '0.0.0.0:0')).split(':')[1];
    await expect(asked(`127.0.0.1:${port}`, {})).resolves.toMatchObject({ projects: [] });
  });

  test('TLS needs no loopback address', async () => {
    const port = (await served({ tls: daemon }, '0.0.0.0:0')).split(':')[1];
    const answer = asked(`127.0.0.1:${port}`, { tls: { ca: authority.ca } });
    await expect(answer).resolves.toMatchObject({ projects: [] });
  });

  test('new connections get the new certificate, and a half written one changes nothing', async () => {
    const { ca } = authority;
    const files = { cert: join(folder, 'live.pem'), key: join(folder, 'live.key') };
    const [first, second] = [authority.issue('first'), authority.issue('second')];
    put(first, files);
    const address = await served({ tls: { ...files, reloadIntervalMs: 5 } });
    const kept = opened.use(connect(address, { transport: { tls: { ca } } }));
    await kept.projects.listProjects({});
    expect(await nameOf(address, ca)).toBe('first');
    replace(second.cert, files.cert);
    for (let look = 0; look < 5; look++) expect(await nameOf(address, ca)).toBe('first');
    replace(second.key, files.key);
    await vi.waitFor(async () => expect(await nameOf(address, ca)).toBe('second'), 10_000);
    await expect(kept.projects.listProjects({})).resolves.toMatchObject({ projects: [] });
  });

  test('a client connects with the certificate that its files hold then', async () => {
    const { ca } = authority;
    const address = await served({ tls: { ...daemon, ca } });
    const files = { cert: join(folder, 'mine.pem'), key: join(folder, 'mine.key') };
    put(foreign.issue('not-yet'), files);
    const client = opened.use(
      connect(address, { transport: { tls: { ca, ...files, reloadIntervalMs: 5 } } }),
    );
    await expect(client.projects.listProjects({})).rejects.toMatchObject({ code: 14 });
    put(user, files);
    await vi.waitFor(() => client.projects.listProjects({}), 20_000);
  });

  function garbage(): string {
    const file = join(folder, 'garbage.pem');
    writeFileSync(file, 'not a certificate');
    return file;
  }

  function cut(cert: string): string {
    const file = join(folder, 'cut.pem');
    writeFileSync(file, readFileSync(cert, 'utf8').replace(/\n[^-\n]+\n-----END/, '\n-----END'));
    return file;
  }
});

function put(from: Issued, to: Issued): void {
  replace(from.cert, to.cert);
  replace(from.key, to.key);
}

/** As careful tools do it: at no moment is there half a file. */
function replace(from: string, to: string): void {
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}

interface Shown {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

function socketTo(address: string, { ca, cert, key }: Shown): TLSSocket {
  const port = Number(address.split(':')[1]);
  return connectTls({
    host: '127.0.0.1',
    port,
    ALPNProtocols: ['h2'],
    ca: readFileSync(ca),
    ...(cert === undefined ? {} : { cert: readFileSync(cert) }),
    ...(key === undefined ? {} : { key: readFileSync(key) }),
  });
}

/** The common name of the certificate that a new connection is shown. */
function nameOf(address: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = socketTo(address, { ca });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
  });
}

/** `open` when the server speaks HTTP/2 to such a client, else why not. */
function handshake(address: string, shown: Shown): Promise<string> {
  return new Promise((resolve) => {
    const socket = socketTo(address, shown);
    const end = (outcome: string) => {
      resolve(outcome);
      socket.destroy();
    };
    socket.once('error', (error) => end(error.message));
    socket.once('close', () => end('ECONNRESET'));
    socket.once('data', () => end('open'));
  });
}
