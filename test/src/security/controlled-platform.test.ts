import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { observePlatform } from '@tessera/cli';
import { type Connection, connect, explain, query } from '@tessera/client';
import { access } from '@tessera/proto';
import { platformDefaults, startPlatform } from '@tessera/standalone';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tessera } from '../lifecycle/command-line.ts';

const mega = 1024 * 1024;
const stack = new AsyncDisposableStack();
let folder = '';
let address = '';
let admin: Connection;
let ann: Connection;

const settings = () => ({
  ...platformDefaults,
  dataDirectory: join(folder, 'data'),
  address: '127.0.0.1:0',
  access: 'controlled' as const,
  cuboidMemoryBytes: 64 * mega,
  buildMemoryBytes: 128 * mega,
  queryMemoryBytes: 128 * mega,
  maintenanceIntervalMs: 0,
});

function as(token?: string): Connection {
  return stack.use(connect(address, token === undefined ? {} : { token }));
}

async function signedIn(user: string, password: string): Promise<Connection> {
  return as((await as().authentication.login({ user, password })).token);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-access-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(
    join(folder, 'staff.csv'),
    'name,team,pay\nAda,red,10\nBob,red,20\nCai,blue,30\nDot,blue,40\n',
  );
  writeFileSync(join(folder, 'plans.csv'), 'plan\nsecret\n');
  const platform = stack.use(
    await startPlatform({ ...settings(), adminPassword: 'the first one' }),
  );
  ({ address } = platform);
  admin = await signedIn('admin', 'the first one');
  await admin.projects.createProject({ projectId: 'default' });
  await admin.sources.createSource({
    parent: 'projects/default',
    sourceId: 'hr',
    source: {
      connector: '@tessera/connector-files',
      config: { tables: { staff: { path: 'staff.csv' }, plans: { path: 'plans.csv' } } },
      baseDirectory: folder,
    },
  });
  const functions = [access.AccessFunction.ACCESS_FUNCTION_QUERY];
  await admin.roles.createRole({
    roleId: 'reds',
    role: { permissions: [{ functions, project: 'default', source: 'hr', table: 'staff' }] },
  });
  await admin.policies.createPolicy({
    parent: 'projects/default',
    policyId: 'reds',
    policy: {
      ...{ role: 'reds', source: 'hr', table: 'staff', rows: "team = 'red'" },
      columns: [
        { column: 'pay', visibility: access.ColumnVisibility.COLUMN_VISIBILITY_HIDDEN },
        {
          column: 'name',
          visibility: access.ColumnVisibility.COLUMN_VISIBILITY_MASKED,
          mask: 'left(name, 1)',
        },
      ],
    },
  });
  await admin.users.createUser({ userId: 'ann', user: { roles: ['reds'] } });
  await admin.authentication.setPassword({ user: 'ann', password: 'for ann only' });
  ann = await signedIn('ann', 'for ann only');
});
afterAll(() => stack.disposeAsync());

describe('a platform whose access is controlled', () => {
  test('answers nobody without a token, with a wrong one, or one that was sent as something else', async () => {
    const anonymous = query(as().queries, 'select 1');
    await expect(anonymous).rejects.toMatchObject({ code: 16, reason: 'TOKEN_MISSING' });
    const wrong = query(as('nonsense').queries, 'select 1');
    await expect(wrong).rejects.toMatchObject({ code: 16, reason: 'TOKEN_INVALID' });
  });

  test('shows a user the part that her policies leave', async () => {
    const { rows } = await query(ann.queries, 'select * from staff order by 1');
    expect(rows).toEqual([
      ['A', 'red'],
      ['B', 'red'],
    ]);
    const { rows: all } = await query(admin.queries, 'select count(*) from staff');
    expect(all).toEqual([[4n]]);
  });

  test('lists and previews only that, too', async () => {
    const { tables, failures } = await ann.queries.listTables({});
    expect(failures).toEqual([]);
    expect(
      tables.map(({ name, schema, rowCount }) => [
        name,
        schema?.fields.map((f) => f.name),
        rowCount,
      ]),
    ).toEqual([['staff', ['name', 'team'], undefined]]);
    const preview = await ann.queries.previewTable({ source: 'hr', table: 'staff', maxRows: 9 });
    expect(preview.batches[0]!.rowCount).toBe(2n);
    const hidden = ann.queries.previewTable({ source: 'hr', table: 'plans' });
    const missing = ann.queries.previewTable({ source: 'hr', table: 'nothing' });
    const [first, second] = await Promise.all([hidden, missing].map((one) => one.catch((e) => e)));
    expect(first).toMatchObject({ reason: second.reason, code: second.code });
    expect(first.message).toBe(second.message.replace('nothing', 'plans'));
  });

  test('explains nothing that she may not see', async () => {
    const { text } = await explain(ann.queries, 'select team, count(*) from staff group by 1');
    expect(text).not.toMatch(/pay|plans/);
  });

  test('refuses her what her roles do not permit', async () => {
    const refused = { code: 7, reason: 'PERMISSION_DENIED' };
    await expect(ann.models.listModels({ parent: 'projects/default' })).rejects.toMatchObject(
      refused,
    );
    await expect(ann.users.listUsers({})).rejects.toMatchObject(refused);
    await expect(ann.queries.listQueries({})).rejects.toMatchObject(refused);
    await expect(ann.storage.getStats({})).rejects.toMatchObject(refused);
    const other = ann.authentication.setPassword({ user: 'admin', password: 'mine from now on' });
    await expect(other).rejects.toMatchObject(refused);
    const elsewhere = query(ann.queries, 'select 1', { project: 'projects/elsewhere' });
    await expect(elsewhere).rejects.toMatchObject(refused);
  });

  test('lets her see to her own password and tokens', async () => {
    const { id, token } = await ann.authentication.createApiToken({ user: 'ann' });
    expect(await as(token).authentication.whoAmI({})).toEqual({ user: 'ann', roles: ['reds'] });
    await ann.authentication.revokeApiToken({ user: 'ann', id });
    await expect(as(token).authentication.whoAmI({})).rejects.toMatchObject({
      reason: 'TOKEN_INVALID',
    });
  });

  test('narrows her with the next statement once a policy was written', async () => {
    const parent = 'projects/default';
    const policy = { role: 'reds', source: 'hr', table: 'staff', rows: "name <> 'Ada'" };
    const count = async () => (await query(ann.queries, 'select count(*) from staff')).rows;
    expect(await count()).toEqual([[2n]]);
    await admin.policies.createPolicy({ parent, policyId: 'more', policy });
    expect(await count()).toEqual([[1n]]);
    await admin.policies.deletePolicy({ name: `${parent}/policies/more` });
    expect(await count()).toEqual([[2n]]);
  });

  test('writes down who did what, and what was refused, without secrets', async () => {
    await query(ann.queries, 'select 42').catch(() => {});
    const [file] = readdirSync(join(folder, 'data', 'audit'));
    const text = readFileSync(join(folder, 'data', 'audit', file!), 'utf8');
    const records = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const method = '/tessera.query.v1.QueryService/ExecuteQuery';
    expect(records).toContainEqual(
      expect.objectContaining({ user: 'ann', method, sql: 'select 42', outcome: 'ALLOWED' }),
    );
    expect(records).toContainEqual(
      expect.objectContaining({ user: '', method, outcome: 'TOKEN_MISSING' }),
    );
    expect(text).not.toMatch(/the first one|for ann only|eyJ/);
  });
});

/** Somebody whose only role permits these functions on everything. */
async function whoMay(user: string, ...functions: readonly access.AccessFunction[]) {
  const permissions = [{ functions: [...functions], project: '*', source: '*', table: '*' }];
  await admin.roles.createRole({ roleId: user, role: { permissions } });
  await admin.users.createUser({ userId: user, user: { roles: [user] } });
  const { token } = await admin.authentication.createApiToken({ user });
  return { token, client: as(token) };
}

describe('a source', () => {
  const parent = 'projects/default';

  test('is written by administrators only: it would show whoever models each file of the machine', async () => {
    const { client } = await whoMay(
      ...(['modeller', access.AccessFunction.ACCESS_FUNCTION_MODEL] as const),
      access.AccessFunction.ACCESS_FUNCTION_QUERY,
    );
    const config = { tables: { audit: { path: join(folder, 'data', 'audit', '*.jsonl') } } };
    const source = { connector: '@tessera/connector-files', config };
    const refused = { code: 7, reason: 'PERMISSION_DENIED', metadata: { function: 'administer' } };
    const created = client.sources.createSource({ parent, sourceId: 'dept', source });
    await expect(created).rejects.toMatchObject(refused);
    const name = `${parent}/sources/hr`;
    const changed = client.sources.updateSource({ source: { name, ...source } });
    await expect(changed).rejects.toMatchObject(refused);
    await expect(client.sources.deleteSource({ name })).rejects.toMatchObject(refused);
    await expect(query(client.queries, 'select * from audit')).rejects.toMatchObject({
      reason: 'UNKNOWN_TABLE',
    });
  });

  test('shows its credentials to administrators only', async () => {
    const { client } = await whoMay('reader', access.AccessFunction.ACCESS_FUNCTION_MODEL);
    const config = {
      ...{ url: 'https://joe:hunter22@db.example/x', password: 'hunter23', tables: { a: 'hunt' } },
    };
    const shown = { ...config, url: 'https://[removed]@db.example/x', password: '[removed]' };
    await admin.projects.createProject({ projectId: 'vault' });
    const created = await admin.sources.createSource({
      ...{ parent: 'projects/vault', sourceId: 'db', source: { connector: 'none', config } },
    });
    const { name, revision: startRevision } = created;
    const seenBy = async (reader: Connection) => {
      const { sources } = await reader.sources.listSources({ parent: 'projects/vault' });
      const watched = reader.sources.watchSources({ parent: 'projects/vault', startRevision });
      const { value } = await watched[Symbol.asyncIterator]().next();
      const put = value.event?.$case === 'put' ? value.event.value : undefined;
      return [await reader.sources.getSource({ name }), ...sources, put].map((one) => one?.config);
    };
    expect(await seenBy(client)).toEqual([shown, shown, shown]);
    expect(await seenBy(admin)).toEqual([config, config, config]);
    await admin.sources.deleteSource({ name });
  });
});

describe('who only operates', { timeout: 240_000 }, () => {
  test('has status, operations, segments and doctor, which say what is not for him', async () => {
    const { token, client } = await whoMay(
      ...(['operator', access.AccessFunction.ACCESS_FUNCTION_OPERATE] as const),
    );
    const run = (...args: string[]) =>
      tessera([...args, '--token', token], { cwd: folder, address });
    const [status, doctor] = await Promise.all([run('status'), run('doctor', 'report.json')]);
    expect(status).toMatchObject({ code: 0, err: '' });
    expect(status.out).toMatch(
      /^CUBE +SEGMENTS.*0 queries running.*nothing that you may see is degraded/s,
    );
    expect(status.out).toMatch(/not shown:\n.*ListPolicyFaults.*administer.*\n.*ListTables.*query/);
    expect(await client.operations.listOperations({})).toMatchObject({ operations: [] });
    expect(doctor).toMatchObject({ code: 0, err: '' });
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
    expect(report).toMatchObject({ resources: { cubes: [], models: [] }, operations: [] });
    expect(report.refused.join()).toContain('ListTables');
  });

  test('and who may see nothing of it is told why', async () => {
    const { client } = await whoMay('asker', access.AccessFunction.ACCESS_FUNCTION_QUERY);
    const seen = observePlatform(client, 'projects/default', () => client);
    await expect(seen).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  });
});

describe('a policy', () => {
  const parent = 'projects/default';
  const { COLUMN_VISIBILITY_HIDDEN: visibility } = access.ColumnVisibility;
  const masked = access.ColumnVisibility.COLUMN_VISIBILITY_MASKED;
  const base = { role: 'reds', source: 'hr', table: 'staff' };

  test.each([
    { what: 'source', policy: { source: 'hx' }, field: 'source', says: 'did you mean hr' },
    { what: 'table', policy: { table: 'staf' }, field: 'table', says: 'did you mean staff' },
    {
      what: 'table without a like',
      policy: { table: 'x' },
      field: 'table',
      says: 'there are staff, plans',
    },
    {
      what: 'column',
      policy: { columns: [{ column: 'teem', visibility }] },
      field: 'columns[0].column',
      says: 'did you mean team',
    },
    {
      what: 'column in its rows',
      policy: { rows: "teem = 'red'" },
      field: 'rows',
      says: 'team',
    },
    {
      what: 'rows that are no condition',
      policy: { rows: 'pay' },
      field: 'rows',
      says: 'condition',
    },
    {
      what: 'column in a mask',
      policy: { columns: [{ column: 'name', visibility: masked, mask: 'left(nam, 1)' }] },
      field: 'columns[0].mask',
      says: 'name',
    },
    {
      what: 'statement in a mask',
      policy: { columns: [{ column: 'name', visibility: masked, mask: '(select 1)' }] },
      field: 'columns[0].mask',
      says: '',
    },
  ])(
    'is refused with what it might have meant: an unknown $what',
    async ({ policy, field, says }) => {
      const written = admin.policies.createPolicy({
        ...{ parent, policyId: 'wrong', policy: { ...base, ...policy } },
      });
      await expect(written).rejects.toMatchObject({
        ...{ code: 3, reason: 'POLICY_INVALID' },
        violations: [{ field, description: expect.stringContaining(says) }],
      });
      await expect(
        admin.policies.getPolicy({ name: `${parent}/policies/wrong` }),
      ).rejects.toMatchObject({ code: 5 });
    },
  );

  test('that a change of its table leaves dangling denies the table, and status tells the administrator', async () => {
    const file = join(folder, 'staff.csv');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('name,team,pay', 'name,side,pay'));
    const told = () => admin.queries.listPolicyFaults({});
    await expect.poll(told, { timeout: 20_000 }).toEqual({
      faults: [
        {
          ...{ policy: `${parent}/policies/reds`, field: 'rows' },
          description: expect.stringContaining('team'),
        },
      ],
      nextPageToken: '',
    });
    const denied = query(ann.queries, 'select name from staff');
    await expect(denied).rejects.toMatchObject({ code: 9, reason: 'POLICY_INVALID' });
    const failure = await denied.catch((error) => error);
    expect(`${failure.message}${JSON.stringify(failure.metadata)}`).not.toMatch(/side|team|pay/);
    await expect(ann.queries.listPolicyFaults({})).rejects.toMatchObject({ code: 7 });
    const login = { user: 'admin', password: 'the first one' };
    const { token } = await as().authentication.login(login);
    const status = await tessera(['status', '--token', token], { cwd: folder, address });
    expect(status.out).toMatch(/POLICY_DANGLING reds: rows: .*team/);
    writeFileSync(file, before);
    await expect.poll(told, { timeout: 20_000 }).toEqual({ faults: [], nextPageToken: '' });
    const { rows } = await query(ann.queries, 'select count(*) from staff');
    expect(rows).toEqual([[2n]]);
  });
});

test('a platform without users does not start controlled without the first password', async () => {
  const dataDirectory = join(folder, 'new');
  await expect(startPlatform({ ...settings(), dataDirectory })).rejects.toMatchObject({
    reason: 'ADMIN_PASSWORD_MISSING',
  });
  const short = startPlatform({ ...settings(), dataDirectory, adminPassword: 'short' });
  await expect(short).rejects.toMatchObject({ reason: 'BAD_REQUEST' });
  await using later = await startPlatform({
    ...settings(),
    dataDirectory,
    adminPassword: 'long enough',
  });
  expect(later.address).toContain('127.0.0.1');
});
