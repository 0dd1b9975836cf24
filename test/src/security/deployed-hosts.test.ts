import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect } from '@tessera/client';
import { silentLogger } from '@tessera/daemon';
import { runHost } from '@tessera/host';
import { expectReason } from '@tessera/testkit/contracts';
import { Authority, hasOpenSsl, type Issued } from '@tessera/testkit/tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DaemonName, DaemonProcesses } from '../daemon-processes.ts';
import { tessera } from '../lifecycle/command-line.ts';

/** Hosts on addresses of their own, which let in only those whose certificates and tokens may do what they ask. */
describe.skipIf(!hasOpenSsl)('a deployment on controlled hosts (needs openssl)', () => {
  const timeout = 120_000;
  const poll = { timeout: 60_000 };
  const stack = new AsyncDisposableStack();
  const addresses = new Map<string, string>();
  let folder = '';
  let authority: Authority;
  let metadata = '';
  let token = '';
  let admin: Connection;

  const at = (name: string) => join(folder, name);
  const named = (kind: string, ip = '127.0.0.1') => {
    const names = `DNS:localhost,IP:${ip},URI:urn:tessera:service:${kind}`;
    return authority.issue(`${kind}-${ip}`, { names });
  };
  const tlsOf = ({ cert, key }: Issued) => ({ tls: { ca: authority.ca, cert, key } });
  const run = (...args: string[]) => {
    const { cert, key } = authority.issue('person');
    const tls = ['--tls-ca', authority.ca, '--tls-cert', cert, '--tls-key', key];
    return tessera([...args, ...tls, '--token', token], { cwd: folder, address: metadata });
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-deployed-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(at('audit'));
    writeFileSync(at('admin.txt'), 'the first one\n');
    authority = new Authority(at('certificates'));
    const daemons = stack.use(new DaemonProcesses());
    const start = (name: DaemonName, options: Record<string, string>) => {
      const { cert, key } = named(name);
      const tls = { 'tls-ca': authority.ca, 'tls-cert': cert, 'tls-key': key };
      return daemons.start(name, { ...tls, access: 'controlled', audit: at('audit'), ...options });
    };
    metadata = await start('metadata', {
      file: at('metadata.db'),
      'admin-password-file': at('admin.txt'),
    });
    const transport = tlsOf(authority.issue('person'));
    const anybody = stack.use(connect(metadata, { transport }));
    const login = { user: 'admin', password: 'the first one' };
    token = (await anybody.authentication.login(login)).token;
    admin = stack.use(connect(metadata, { transport, token }));
    await start('scheduler', { metadata, work: at('scheduler') });
    for (const [i, id] of ['a', 'b'].entries()) {
      const ip = `127.0.0.${i + 2}`;
      const host = await runHost(
        { name: id, directory: at(id) },
        {
          ...{ address: `${ip}:0`, metadataAddress: metadata, transport: tlsOf(named('host', ip)) },
          access: { access: 'controlled', audit: at(`audit-${id}`) },
        },
        silentLogger,
      );
      stack.use(host);
      addresses.set(id, host.address);
    }
  }, timeout);
  afterAll(() => stack.disposeAsync(), timeout);

  /** Of all hosts, as the scheduler sees them. */
  async function processes(): Promise<string[]> {
    const transport = tlsOf(named('scheduler'));
    const lists = [...addresses.values()].map(async (address) => {
      using connection = connect(address, { transport });
      return (await connection.host.listProcesses({})).processes.map(({ name }) => name);
    });
    return (await Promise.all(lists)).flat();
  }

  test('what it needs comes from host to host, and runs there; nobody else may put or start anything', {
    timeout,
  }, async () => {
    writeFileSync(at('tool.sh'), 'exec sleep 1000\n');
    expect((await run('artifact', 'put', 'tool.sh')).err).toContain('(TOKEN_MISSING)');
    const put = await run('--json', 'artifact', 'put', 'tool.sh', '--at', addresses.get('a')!);
    expect(put).toMatchObject({ code: 0, err: '' });
    const { digest } = JSON.parse(put.out);
    const artifacts = [{ artifact: `artifacts/${digest}`, path: 'tool.sh' }];
    const tool = { name: 'tool', argv: ['sh', 'tool.sh'], artifacts };
    const deployment = { name: 'deployments/apart', daemons: [tool] };
    await admin.deployments.updateDeployment({ deployment, allowMissing: true });
    const states = async () => {
      const { code, out } = await run('--json', 'deployment', 'status', 'apart');
      return [code, JSON.parse(out).processes.map(({ state }: { state: string }) => state)];
    };
    await expect.poll(states, poll).toEqual([0, ['RUNNING', 'RUNNING']]);
    const person = tlsOf(authority.issue('person'));
    const host = stack.use(connect(addresses.get('b')!, { transport: person })).host;
    await expectReason(host.startProcess({ processId: 'x', spec: tool }), 'TOKEN_MISSING');
    const read = host.readArtifact({ name: `artifacts/${digest}` })[Symbol.asyncIterator]();
    await expectReason(read.next() as Promise<unknown>, 'TOKEN_MISSING');
    await admin.deployments.deleteDeployment({ name: deployment.name });
    await expect.poll(processes, poll).toEqual([]);
  });
});
