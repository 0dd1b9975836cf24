import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Connection,
  clientsOfDaemons,
  connect,
  query,
  type TesseraClient,
} from '@tessera/client';
import { access } from '@tessera/proto';
import { Authority, hasOpenSsl, type Issued } from '@tessera/testkit/tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DaemonName, DaemonProcesses } from '../daemon-processes.ts';
import { tessera } from '../lifecycle/command-line.ts';
import { cube, writeModel, writeSales } from '../lifecycle/sales.ts';
import { applyFile, buildAll } from '../test-platform.ts';

/** Daemons as processes of their own, which know each other by their certificates and users by their tokens. */
describe.skipIf(!hasOpenSsl)('daemons apart, whose access is controlled (needs openssl)', () => {
  const stack = new AsyncDisposableStack();
  const addresses = {} as Record<'metadata' | 'storage' | 'query' | 'scheduler', string>;
  let folder = '';
  let authority: Authority;
  let person: Issued;
  let admin: TesseraClient;
  let ann: TesseraClient;

  const at = (name: string) => join(folder, name);
  /** A certificate that names a kind of daemon. */
  const named = (kind: string) =>
    authority.issue(kind, { names: `DNS:localhost,IP:127.0.0.1,URI:urn:tessera:service:${kind}` });
  const to = (address: string, { cert, key }: Issued, token?: string): Connection =>
    stack.use(
      connect(address, {
        transport: { tls: { ca: authority.ca, cert, key } },
        ...(token === undefined ? {} : { token }),
      }),
    );
  /** Everything as the holder of a token sees it. */
  const as = (token?: string): TesseraClient => {
    const { metadata, storage, query: queries, scheduler } = addresses;
    const [m, s, q, b] = [metadata, storage, queries, scheduler].map((address) =>
      to(address, person, token),
    );
    return clientsOfDaemons({ metadata: m!, storage: s!, query: q!, scheduler: b! });
  };
  const signedIn = async (user: string, password: string) =>
    as((await as().authentication.login({ user, password })).token);

  /** The command as the administrator runs it. */
  const asAdmin = async (...words: string[]) => {
    const login = { user: 'admin', password: 'the first one' };
    const { token } = await as().authentication.login(login);
    const { cert, key } = person;
    const tls = ['--tls-ca', authority.ca, '--tls-cert', cert, '--tls-key', key];
    const address = Object.entries(addresses)
      .map(([kind, place]) => `${kind}=${place}`)
      .join(';');
    return tessera([...words, ...tls, '--token', token], { cwd: folder, address });
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tessera-apart-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    mkdirSync(at('data'));
    writeSales(at('data'));
    writeFileSync(at('admin.txt'), 'the first one\n');
    authority = new Authority(at('certificates'));
    person = authority.issue('person');
    const daemons = stack.use(new DaemonProcesses());
    const start = async (name: DaemonName, options: Record<string, string>) => {
      const { cert, key } = named(name);
      const tls = { 'tls-ca': authority.ca, 'tls-cert': cert, 'tls-key': key };
      return daemons.start(name, { ...tls, access: 'controlled', audit: at('audit'), ...options });
    };
    const metadata = await start('metadata', {
      file: at('metadata.db'),
      'admin-password-file': at('admin.txt'),
    });
    const storage = await start('storage', { metadata, directory: at('storage') });
    const queries = await start('query', { metadata, storage, work: at('query') });
    const places = { metadata, storage, query: queries, work: at('scheduler') };
    const scheduler = await start('scheduler', places);
    Object.assign(addresses, { metadata, storage, query: queries, scheduler });
    admin = await signedIn('admin', 'the first one');
  });
  afterAll(() => stack.disposeAsync());

  test('a model is applied, built and answered from cuboids, to a restricted user her part', async () => {
    await applyFile(admin, writeModel(at('data')));
    await buildAll(admin, cube);
    const functions = [access.AccessFunction.ACCESS_FUNCTION_QUERY];
    const on = { project: 'default', source: 'shop', table: 'sales' };
    await admin.roles.createRole({
      roleId: 'web',
      role: { permissions: [{ functions, ...on }] },
    });
    await admin.policies.createPolicy({
      parent: 'projects/default',
      policyId: 'web',
      policy: { role: 'web', source: 'shop', table: 'sales', rows: "channel = 'web'" },
    });
    await admin.users.createUser({ userId: 'ann', user: { roles: ['web'] } });
    await admin.authentication.setPassword({ user: 'ann', password: 'for ann only' });
    ann = await signedIn('ann', 'for ann only');
    const sql = 'select channel, count(*) from sales group by channel order by channel nulls last';
    const options = { useCuboids: 'always' as const };
    const asked = () => query(admin.queries, sql, options).then(({ rows }) => rows);
    await expect.poll(asked, { timeout: 20_000 }).toHaveLength(3);
    const { rows, summary } = await query(ann.queries, sql, options);
    expect(rows).toEqual((await asked()).filter(([channel]) => channel === 'web'));
    expect(rows).toHaveLength(1);
    expect(summary.planKind).toBe('cuboid');
  });

  test('a policy that names what is not there denies its table until it is mended, and whoever administers is told', async () => {
    const parent = 'projects/default';
    const policy = {
      ...{ role: 'web', source: 'shop', table: 'sales' },
      columns: [{ column: 'chanel', visibility: access.ColumnVisibility.COLUMN_VISIBILITY_HIDDEN }],
    };
    // The metadata daemon has no connectors, so it cannot know the columns.
    await admin.policies.createPolicy({ parent, policyId: 'slip', policy });
    const asked = () => query(ann.queries, 'select count(*) from sales').catch((error) => error);
    const patience = { timeout: 30_000 };
    await expect.poll(asked, patience).toMatchObject({ code: 9, reason: 'POLICY_INVALID' });
    const fault = { policy: `${parent}/policies/slip`, field: 'columns[0].column' };
    const { faults } = await admin.queries.listPolicyFaults({});
    expect(faults).toEqual([{ ...fault, description: expect.stringContaining('mean channel') }]);
    await expect(query(admin.queries, 'select count(*) from sales')).resolves.toBeDefined();

    const checked = await asAdmin('access', 'check');
    expect(checked).toMatchObject({ code: 1, err: '' });
    expect(checked.out).toMatch(/POLICY_DANGLING +slip +columns\[0\]\.column .*mean channel/);
    expect((await asAdmin('status')).out).toMatch(/POLICY_DANGLING slip: .*mean channel/);

    await admin.policies.deletePolicy({ name: `${parent}/policies/slip` });
    await expect.poll(asked, patience).toMatchObject({ rows: [[expect.any(BigInt)]] });
    const mended = await asAdmin('access', 'check');
    expect(mended).toMatchObject({ code: 0, out: 'every policy fits its table\n' });
  });

  test('no user reads cuboids or says what an answer is made of, whatever he may do', async () => {
    const onlyDaemons = { code: 7, reason: 'SERVICES_ONLY' };
    const scan = admin.storage.scanCuboid({})[Symbol.asyncIterator]();
    await expect(scan.next()).rejects.toMatchObject(onlyDaemons);
    await expect(admin.storage.deleteUnreferenced({})).rejects.toMatchObject(onlyDaemons);
    await expect(
      admin.segments.createSegment({ parent: cube, segmentId: '20300101' }),
    ).rejects.toMatchObject(onlyDaemons);
    await expect(admin.authentication.resolveToken({ token: 'x' })).rejects.toMatchObject(
      onlyDaemons,
    );
    await expect(ann.builds.buildSegments({ cube })).rejects.toMatchObject({
      reason: 'PERMISSION_DENIED',
    });
  });

  test("nobody is a daemon by a certificate of the authority alone, nor by a name in it that is not the daemon's", async () => {
    const names = [
      'DNS:urn:tessera:service:query',
      'URI:urn:tessera:service:',
      'URI:urn:tessera:service:query2',
      'URI:URN:TESSERA:SERVICE:QUERY',
      'otherName:1.2.3.4;UTF8:URI:urn:tessera:service:query',
    ];
    const issued = names.map((name, i) =>
      authority.issue(`pretender-${i}`, { names: `DNS:localhost,${name}` }),
    );
    for (const one of [person, ...issued]) {
      const { segments } = to(addresses.metadata, one);
      const parent = 'projects/-/cubes/-';
      await expect(segments.listSegments({ parent })).rejects.toMatchObject({
        code: 16,
        reason: 'TOKEN_MISSING',
      });
    }
  });

  test('a daemon may do what its kind does and nothing else, and nothing once it shows a token', async () => {
    const own = authority.issue('own-query', {
      names: 'DNS:localhost,URI:urn:tessera:service:query',
    });
    const daemon = to(addresses.metadata, own);
    const parent = 'projects/-/cubes/-';
    const { segments } = await daemon.segments.listSegments({ parent });
    expect(segments.length).toBeGreaterThan(0);
    for (const call of [
      daemon.segments.deleteSegment({ name: segments[0]!.name }),
      daemon.segments.publishSegments({ parent: cube }),
      daemon.users.listUsers({}),
      daemon.backups.createBackup({})[Symbol.asyncIterator]().next(),
      daemon.authentication.setPassword({ user: 'admin', password: 'mine from now on' }),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 7, reason: 'SERVICES_ONLY' });
    }
    const withToken = to(addresses.metadata, own, 'nonsense');
    await expect(withToken.segments.listSegments({ parent })).rejects.toMatchObject({
      reason: 'TOKEN_INVALID',
    });
  });

  test("each daemon writes down its users' calls, and refused ones of daemons", () => {
    const audit = (daemon: string) => {
      const day = new Date().toISOString().slice(0, 10);
      return readFileSync(at(`audit/${daemon}/audit-${day}.jsonl`), 'utf8');
    };
    expect(audit('query')).toContain('"user":"ann"');
    expect(audit('storage')).toContain('SERVICES_ONLY');
    expect(audit('storage')).not.toMatch(/"certificate of [^\n]*ALLOWED/);
    expect(audit('metadata')).toContain('"user":"certificate of query"');
  });
});
