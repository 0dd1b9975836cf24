import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { expectReason } from '@tessera/testkit/contracts';
import { type EtcdServers, etcdProgram, startEtcd } from '@tessera/testkit/etcd';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { composeMetadata } from '../../composition.ts';

const missing = [
  ...(etcdProgram() === undefined ? ['etcd'] : []),
  ...(spawnSync('openssl', ['version']).status === 0 ? [] : ['openssl']),
];
const directory = mkdtempSync(join(tmpdir(), 'tessera-etcd-tls-'));
afterAll(() => rmSync(directory, { recursive: true }));
const file = (name: string) => join(directory, name);

/** An authority of its own, and a certificate by it for this machine. */
function certify(name: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const [ca, own] = [file(`${name}-ca`), file(name)];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    `${ca}.key`,
    '-out',
    `${ca}.pem`,
    '-subj',
    `/CN=${name}`,
  );
  const request = ['-keyout', `${own}.key`, '-out', `${own}.csr`, '-subj', '/CN=localhost'];
  openssl('req', ...key, ...request, '-addext', 'subjectAltName=IP:127.0.0.1');
  const by = ['-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    `${own}.csr`,
    ...by,
    '-copy_extensions',
    'copy',
    '-out',
    `${own}.pem`,
  );
}

describe.skipIf(missing.length > 0)('etcd behind TLS that asks for certificates', () => {
  let servers: EtcdServers;
  let tls: Server;
  let endpoint: string;
  beforeAll(async () => {
    certify('ours');
    certify('theirs');
    servers = await startEtcd({ members: 1 });
    const { port, hostname } = new URL(servers.endpoints[0]!);
    const read = (name: string) => readFileSync(file(name));
    const options = {
      key: read('ours.key'),
      cert: read('ours.pem'),
      ca: read('ours-ca.pem'),
      requestCert: true,
      ALPNProtocols: ['h2'],
    };
    tls = createServer(options, (client) => {
      const server = connect(Number(port), hostname);
      for (const socket of [client, server]) socket.on('error', () => undefined);
      client.pipe(server).pipe(client);
    });
    tls.listen(0, '127.0.0.1');
    await once(tls, 'listening');
    endpoint = `https://127.0.0.1:${(tls.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    tls?.close();
    await servers?.[Symbol.asyncDispose]();
  });

  const compose = (names: Record<'caFile' | 'certificateFile' | 'keyFile', string>) => {
    const files = Object.entries(names).map(([setting, name]) => [setting, file(name)]);
    const store = {
      driver: 'etcd',
      endpoints: [endpoint],
      tls: Object.fromEntries(files),
    } as const;
    return composeMetadata({ store });
  };
  const ours = { caFile: 'ours-ca.pem', certificateFile: 'ours.pem', keyFile: 'ours.key' };

  test('serves who has the certificates', async () => {
    await using daemon = await compose(ours);
    await daemon.store.transaction({
      success: [{ op: 'put', key: '/a', value: new Uint8Array(1) }],
    });
    expect((await daemon.store.get('/a')).entry?.version).toBe(1n);
  });

  test('is not talked to when its certificate is of a foreign authority, nor does it serve ours then', async () => {
    const foreign = compose({ ...ours, caFile: 'theirs-ca.pem' });
    const refused = await foreign.catch((error: unknown) => error);
    expect(refused).toMatchObject({
      reason: 'ETCD_UNAVAILABLE',
      metadata: { detail: expect.stringContaining('certificate') },
    });
    await expectReason(
      compose({ ...ours, certificateFile: 'theirs.pem', keyFile: 'theirs.key' }),
      'ETCD_UNAVAILABLE',
    );
  });

  test('a file that is not there is named', async () => {
    const refused = await compose({ ...ours, keyFile: 'nothing.key' }).catch((error) => error);
    expect(refused).toMatchObject({
      reason: 'ETCD_FILE_UNREADABLE',
      metadata: { setting: 'store.tls.keyFile' },
    });
  });
});
