import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTesseraError, seededRandom } from '@tessera/base';
import {
  type Connection,
  type CuboidUse,
  connect,
  explain,
  type QuerySummary,
  query,
  type TesseraClient,
} from '@tessera/client';
import { access } from '@tessera/proto';
import { startPlatform } from '@tessera/standalone';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { smallConfig } from '../lifecycle/scratch-platform.ts';
import { applyFile, buildAll } from '../test-platform.ts';

/**
 * Users, groups, roles and policies by chance, and everything that they may do asked of a platform as they ask it. What
 * is right is read from the rules here, in the plainest way, and not by what the platform uses.
 */
const functions = ['query', 'model', 'build', 'operate', 'administer'] as const;
type Fn = (typeof functions)[number];
const projects = ['north', 'south'] as const;
const sales = [
  ['red', 'pen', 1],
  ['red', 'ink', 2],
  ['blue', 'pen', 4],
  ['blue', 'ink', 8],
  ['green', 'pen', 16],
] as const;
const conditions = { "region = 'red'": ['red'], "region <> 'red'": ['blue', 'green'] } as const;
const yaml = `apiVersion: tessera/v1
kind: Source
name: shop
use: "@tessera/connector-files"
config: { tables: { sales: { path: sales.csv }, secrets: { path: secrets.csv } } }
---
apiVersion: tessera/v1
kind: Model
name: sales
fact: { source: shop, table: sales, alias: s }
dimensions: [{ name: region, column: s.region }, { name: item, column: s.item }]
measures: [{ name: sales, aggregate: count }, { name: amount, aggregate: sum, column: s.amount }]
---
apiVersion: tessera/v1
kind: Cube
name: sales
model: sales
cuboids: [[region, item], [region], []]
`;

interface Permission {
  readonly functions: readonly Fn[];
  readonly project: string;
  readonly table: string;
}
interface Policy {
  readonly role: number;
  readonly project: string;
  readonly rows: keyof typeof conditions | undefined;
  readonly amount: 'visible' | 'masked' | 'hidden';
}
interface World {
  readonly roles: readonly (readonly Permission[])[];
  readonly policies: readonly Policy[];
  /** Roles of the user and of his groups. */
  readonly users: readonly {
    readonly own: readonly number[];
    readonly byGroup: readonly number[];
  }[];
}

function randomWorld(seed: number): World {
  const random = seededRandom(seed);
  const some = <T>(all: readonly T[], chance: number) => all.filter(() => random.next() < chance);
  const permission = (): Permission => ({
    functions: random.next() < 0.5 ? ['query'] : some(functions, 0.5),
    project: random.pick(['*', ...projects]),
    table: random.pick(['*', '*', 'sales', 'secrets']),
  });
  const permissions = () => Array.from({ length: random.integer(1, 2) }, permission);
  return {
    roles: [permissions(), permissions(), permissions()].map((all) =>
      all.filter((one) => one.functions.length > 0),
    ),
    policies: Array.from({ length: 4 }, () => ({
      role: random.integer(0, 2),
      project: random.pick(projects),
      rows: random.pick([undefined, ...(Object.keys(conditions) as (keyof typeof conditions)[])]),
      amount: random.pick(['visible', 'masked', 'hidden'] as const),
    })),
    users: Array.from({ length: 3 }, () => ({
      own: some([0, 1, 2], 0.4),
      byGroup: some([0, 1, 2], 0.3),
    })),
  };
}

/** What the rules say of one user. */
function allowed(world: World, user: World['users'][number]) {
  const roles = [...new Set([...user.own, ...user.byGroup])];
  const has = (role: number, fn: Fn, project: string, table: string) =>
    world.roles[role]!.some(
      (one) =>
        one.functions.includes(fn) &&
        (one.project === '*' || one.project === project) &&
        (one.table === '*' || one.table === table),
    );
  // No name is `(any other)`: only what is for any covers it.
  const whole = (fn: Fn, project = '(any other)') =>
    roles.some((role) => has(role, fn, project, '(any other)'));
  const sees = (project: string, table: string) =>
    roles.filter((role) => has(role, 'query', project, table));
  const policies = (role: number, project: string) =>
    world.policies.filter((one) => one.role === role && one.project === project);
  return {
    whole,
    enters: (project: string) =>
      roles.some((role) =>
        world.roles[role]!.some(
          (one) => one.functions.includes('query') && ['*', project].includes(one.project),
        ),
      ),
    seesTable: (project: string, table: string) => sees(project, table).length > 0,
    rows: (project: string) =>
      sales.filter(([region]) =>
        sees(project, 'sales').some((role) =>
          policies(role, project).every(
            ({ rows }) =>
              rows === undefined || (conditions[rows] as readonly string[]).includes(region),
          ),
        ),
      ),
    seesAllRows: (project: string) =>
      sees(project, 'sales').some((role) =>
        policies(role, project).every(({ rows }) => rows === undefined),
      ),
    amount: (project: string) => {
      const order = ['hidden', 'masked', 'visible'] as const;
      const ofRole = (role: number) =>
        Math.min(2, ...policies(role, project).map(({ amount }) => order.indexOf(amount)));
      return order[Math.max(...sees(project, 'sales').map(ofRole))] ?? 'hidden';
    },
  };
}

const enums: Readonly<Record<Fn, access.AccessFunction>> = {
  query: access.AccessFunction.ACCESS_FUNCTION_QUERY,
  model: access.AccessFunction.ACCESS_FUNCTION_MODEL,
  build: access.AccessFunction.ACCESS_FUNCTION_BUILD,
  operate: access.AccessFunction.ACCESS_FUNCTION_OPERATE,
  administer: access.AccessFunction.ACCESS_FUNCTION_ADMINISTER,
};
const visibilities = {
  visible: access.ColumnVisibility.COLUMN_VISIBILITY_VISIBLE,
  masked: access.ColumnVisibility.COLUMN_VISIBILITY_MASKED,
  hidden: access.ColumnVisibility.COLUMN_VISIBILITY_HIDDEN,
};

describe('everything that anybody may do', () => {
  const stack = new AsyncDisposableStack();
  let all: TesseraClient;
  let address = '';
  const met = new Set<string>();

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-matrix-'));
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    const lines = sales.map((row) => row.join());
    writeFileSync(join(folder, 'sales.csv'), `${['region,item,amount', ...lines].join('\n')}\n`);
    writeFileSync(join(folder, 'secrets.csv'), 'code\n4711\n');
    writeFileSync(join(folder, 'shop.yaml'), yaml);
    const settings = { access: 'controlled', adminPassword: 'the first one' } as const;
    const platform = stack.use(await startPlatform(smallConfig(folder, settings)));
    ({ client: all, address } = platform);
    for (const project of projects) {
      await applyFile(all, join(folder, 'shop.yaml'), project);
      await buildAll(all, `projects/${project}/cubes/sales`);
    }
  });
  afterAll(() => stack.disposeAsync());

  /** Makes the rules and gives each user's connection. */
  async function make(seed: number, { roles, policies, users }: World): Promise<Connection[]> {
    const id = (kind: string, i: number) => `w${seed}-${kind}${i}`;
    for (const [i, permissions] of roles.entries()) {
      const role = {
        permissions: permissions.map(({ project, table, functions: names }) => ({
          ...{ project, table, source: '*' },
          functions: names.map((name) => enums[name]),
        })),
      };
      await all.roles.createRole({ roleId: id('role', i), role });
    }
    for (const [i, { role, project, rows, amount }] of policies.entries()) {
      const columns = [{ column: 'amount', visibility: visibilities[amount] }];
      const on = { role: id('role', role), source: 'shop', table: 'sales', rows: rows ?? '' };
      const parent = `projects/${project}`;
      await all.policies.createPolicy({
        ...{ parent, policyId: id('policy', i), policy: { ...on, columns } },
      });
    }
    const connections: Connection[] = [];
    for (const [i, { own, byGroup }] of users.entries()) {
      const names = (some: readonly number[]) => some.map((role) => id('role', role));
      await all.groups.createGroup({ groupId: id('group', i), group: { roles: names(byGroup) } });
      const user = { roles: names(own), groups: [id('group', i)] };
      await all.users.createUser({ userId: id('user', i), user });
      const { token } = await all.authentication.createApiToken({ user: id('user', i) });
      connections.push(stack.use(connect(address, { token })));
    }
    return connections;
  }

  test.each(Array.from({ length: 10 }, (_, i) => i + 1))('world %i', async (seed) => {
    const world = randomWorld(seed);
    for (const [i, client] of (await make(seed, world)).entries()) {
      const may = allowed(world, world.users[i]!);
      await checkFunctions(client, may);
      for (const project of projects) await checkProject(client, may, project);
    }
  });

  test('was met in each of its kinds', () => {
    expect([...met].sort()).toEqual([
      ...['hidden', 'masked', 'narrowed by cuboid', 'narrowed by source', 'nobody'],
      ...['values told', 'values withheld', 'visible', 'work told', 'work withheld'],
    ]);
  });

  async function checkFunctions(client: Connection, may: ReturnType<typeof allowed>) {
    const calls: readonly (readonly [boolean, () => Promise<unknown>])[] = [
      [may.whole('operate'), () => client.storage.getStats({})],
      [may.whole('operate'), () => client.queries.listQueries({})],
      [may.whole('operate'), () => client.operationRecords.listOperationRecords({})],
      [may.whole('administer'), () => client.users.listUsers({})],
      [may.whole('administer'), () => client.policies.listPolicies({ parent: 'projects/-' })],
      [may.whole('administer'), () => first(client.roles.watchRoles({ startRevision: 1n }))],
      [
        may.whole('model') || may.whole('operate'),
        () => client.models.listModels({ parent: 'projects/-' }),
      ],
      [may.whole('build') || may.whole('operate'), () => client.operations.listOperations({})],
      [may.whole('build'), () => client.operations.cancelOperation({ name: 'operations/none' })],
      [false, () => first(client.storage.scanCuboid({}))],
      [false, () => client.segments.publishSegments({ parent: 'projects/north/cubes/sales' })],
    ];
    for (const [isAllowed, call] of calls)
      expect(await passes(call), call.toString()).toBe(isAllowed);
  }

  async function checkProject(client: Connection, may: ReturnType<typeof allowed>, id: string) {
    const [project, cubes] = [`projects/${id}`, `projects/${id}/cubes/-`];
    const source = `${project}/sources/none`;
    const resources: readonly (readonly [Fn | readonly Fn[], () => Promise<unknown>])[] = [
      ['model', () => client.sources.getSource({ name: `${project}/sources/shop` })],
      [
        ['model', 'operate'],
        () => first(client.models.watchModels({ parent: project, startRevision: 1n })),
      ],
      [['model', 'operate'], () => client.cubes.listCubes({ parent: project })],
      ['model', () => client.cubes.updateCube({ cube: { name: `${project}/cubes/none` } })],
      [['build', 'operate'], () => client.segments.listSegments({ parent: cubes })],
      [['build', 'operate'], () => client.queries.listSegmentFreshness({ parent: cubes })],
      ['build', () => client.builds.dropSegments({ cube: `${project}/cubes/none` })],
      ['administer', () => client.queries.listPolicyFaults({ project })],
    ];
    for (const [fns, call] of resources) {
      const isAllowed = [fns].flat().some((fn) => may.whole(fn, id));
      expect(await passes(call), call.toString()).toBe(isAllowed);
    }
    // A source names files of the machine, where a project is no boundary.
    const writes = [
      () => client.sources.createSource({ parent: project, sourceId: 'no source' }),
      () => client.sources.updateSource({ source: { name: source } }),
      () => client.sources.deleteSource({ name: source }),
    ];
    for (const call of writes) {
      expect(await passes(call), call.toString()).toBe(may.whole('administer'));
    }
    await checkValues(client, may, id);
    const enters = may.enters(id);
    expect(await passes(() => query(client.queries, 'select 1', { project }))).toBe(enters);
    if (!enters) return;
    const tables = ['sales', 'secrets'].filter((table) => may.seesTable(id, table));
    const listed = (await client.queries.listTables({ project })).tables;
    expect(listed.map(({ name }) => name).sort()).toEqual(tables);
    const secrets = query(client.queries, 'select code from secrets', { project });
    if (tables.includes('secrets'))
      await expect(secrets).resolves.toMatchObject({ rows: [[4711]] });
    else await expect(secrets).rejects.toMatchObject({ reason: 'UNKNOWN_TABLE' });
    if (tables.includes('sales')) await checkSales(client, may, id, tables);
    else met.add('nobody');
  }

  /** The smallest and largest values that segments are pruned by are seen by those only who build. */
  async function checkValues(client: Connection, may: ReturnType<typeof allowed>, id: string) {
    if (!may.whole('build', id) && !may.whole('operate', id)) return;
    const { segments } = await client.segments.listSegments({ parent: `projects/${id}/cubes/-` });
    const columns = segments.flatMap(({ layouts }) => layouts.flatMap((one) => one.columns));
    expect(columns.length).toBeGreaterThan(0);
    const isTold = columns.some(({ minimum, maximum }) => (minimum ?? maximum) !== undefined);
    expect(isTold).toBe(may.whole('build', id));
    met.add(isTold ? 'values told' : 'values withheld');
  }

  async function checkSales(
    client: Connection,
    may: ReturnType<typeof allowed>,
    id: string,
    tables: readonly string[],
  ) {
    const project = `projects/${id}`;
    const rows = may.rows(id);
    const amount = may.amount(id);
    met.add(amount);
    // How much was read for a question tells of rows that he does not see.
    const knowsWork =
      may.whole('operate', id) || (may.seesAllRows(id) && may.amount(id) === 'visible');
    const regions = [...Map.groupBy(rows, ([region]) => region)].sort();
    const counted = 'select region, count(*) from sales group by region order by region';
    const summed = 'select region, sum(amount) from sales group by region order by region';
    // Each twice: the second time it was planned and answered before.
    for (const useCuboids of ['auto', 'auto', 'never', 'never'] satisfies CuboidUse[]) {
      const options = { project, useCuboids };
      const counts = await query(client.queries, counted, options);
      expect(counts.rows).toEqual(regions.map(([region, own]) => [region, BigInt(own.length)]));
      if (rows.length < sales.length) met.add(`narrowed by ${counts.summary.planKind}`);
      expectWork(counts.summary, knowsWork);
      const sums = query(client.queries, summed, options);
      if (amount === 'hidden') {
        await expect(sums).rejects.toMatchObject({ reason: 'UNKNOWN_COLUMN' });
        continue;
      }
      const sum = (own: readonly (typeof sales)[number][]) =>
        amount === 'masked' ? null : String(own.reduce((total, [, , value]) => total + value, 0));
      const shown = (await sums).rows.map(([region, value]) => [region, value && String(value)]);
      expect(shown).toEqual(regions.map(([region, own]) => [region, sum(own)]));
    }
    const analyzed = await query(client.queries, `explain analyze ${counted}`, { project });
    expectWork(analyzed.summary, knowsWork);
    expect(/^Storage /m.test(analyzed.rows.flat().join('\n'))).toBe(knowsWork);
    const preview = await client.queries.previewTable({
      ...{ project, source: 'shop', table: 'sales', maxRows: 100 },
    });
    expect(preview.batches.reduce((total, one) => total + one.rowCount, 0n)).toBe(
      BigInt(rows.length),
    );
    const told = [
      (await explain(client.queries, counted, { project })).text,
      JSON.stringify(preview.table?.schema),
      ...(await Promise.all(
        [
          'select amoun from sales',
          'select * from secret',
          'select cast(region as int) from sales',
        ].map((sql) =>
          query(client.queries, sql, { project }).catch(({ message }) => String(message)),
        ),
      )),
    ].join('\n');
    if (amount === 'hidden') expect(told).not.toMatch(/\bamount\b/);
    if (!tables.includes('secrets')) expect(told).not.toMatch(/\bsecrets\b|\bcode\b|4711/);
    const unseen = sales
      .map(([region]) => region)
      .filter((one) => !regions.some(([r]) => r === one));
    for (const region of unseen) expect(told).not.toContain(`'${region}'`);
  }

  /** An answer from cuboids says what daemons did for it to those who may know, and to nobody else. */
  function expectWork({ planKind, daemonWork }: QuerySummary, isTold: boolean) {
    const isFromCuboids = planKind === 'cuboid';
    expect(daemonWork.length > 0, planKind).toBe(isTold && isFromCuboids);
    if (isFromCuboids) met.add(isTold ? 'work told' : 'work withheld');
  }
});

async function first(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const message of stream) return message;
  return undefined;
}

/** Whether a call was let through, however it ended then. */
async function passes(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (!isTesseraError(error)) throw error;
    return error.reason !== 'PERMISSION_DENIED' && error.reason !== 'SERVICES_ONLY';
  }
}
