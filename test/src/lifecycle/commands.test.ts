import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Outcome, tessera } from './command-line.ts';
import { appendSales, salesYaml, writeModel, writeSales } from './sales.ts';
import { ScratchPlatform } from './scratch-platform.ts';
import { tesseraHere } from './tessera-here.ts';

/** Every command once, as a user types it, against one platform over gRPC; the tests build on each other. */
const timeout = 240_000;
let platform: ScratchPlatform;

beforeAll(async () => {
  platform = await ScratchPlatform.start();
  writeSales(platform.folder);
  writeModel(platform.folder);
});

afterAll(() => platform?.[Symbol.asyncDispose]());

const run = (...args: string[]): Promise<Outcome> => tesseraHere(platform.address, args);

const inFolder = (file: string) => join(platform.folder, file);

/** What a command prints for programs. */
async function json(...args: string[]) {
  const { code, out, err } = await run('--json', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

test('apply, get, diff and export: what is exported applies without a difference', {
  timeout,
}, async () => {
  expect((await run('diff', '-f', inFolder('sales.yaml'))).code).toBe(1);
  const applied = await run('apply', '-f', inFolder('sales.yaml'));
  expect(applied).toMatchObject({ code: 0, err: '' });
  expect((await run('diff', '-f', inFolder('sales.yaml'))).code).toBe(0);
  expect((await json('get', 'cube')).map(({ name }: { name: string }) => name)).toEqual(['sales']);
  const exported = await run('export');
  writeFileSync(inFolder('exported.yaml'), exported.out);
  expect(await run('diff', '-f', inFolder('exported.yaml'))).toMatchObject({ code: 0 });
  expect(await run('apply', '-f', inFolder('exported.yaml'))).toMatchObject({ code: 0, err: '' });
  expect((await run('export')).out).toBe(exported.out);
  expect((await run('get', 'cube', 'nothing')).code).toBe(3);
});

test('a broken file is refused with its line and column', { timeout }, async () => {
  writeFileSync(inFolder('broken.yaml'), salesYaml().replace('s.channel', 's.chanel'));
  const { code, err } = await run('apply', '-f', inFolder('broken.yaml'));
  expect(code).toBe(2);
  expect(err).toMatch(/broken\.yaml:\d+:\d+: .*chanel/);
  expect(err).toContain('MODEL_INVALID');
});

test('build, refresh, segments, storage', { timeout }, async () => {
  const built = await run('build', 'sales');
  expect(built).toMatchObject({ code: 0 });
  expect(built.out).toContain('published 4 segments');
  expect((await run('build', 'sales')).out).toContain('nothing to build');
  expect((await run('refresh', 'sales')).code).toBe(0);
  expect(await json('segments', 'sales')).toHaveLength(4);
  expect((await run('segments', 'merge', 'sales', '2024-01', '2024-02')).code).toBe(0);
  expect((await run('segments', 'drop', 'sales', '2024-03')).code).toBe(0);
  expect((await run('segments', 'maintain', 'sales')).code).toBe(0);
  expect((await json('storage', 'stat')).layouts.length).toBeGreaterThan(0);
  expect((await run('storage', 'pin', 'sales')).code).toBe(0);
  expect((await run('storage', 'unpin', 'sales')).code).toBe(0);
  expect((await run('storage', 'verify')).out).toContain('verified');
  expect((await run('build', 'nothing')).code).toBe(3);
});

test('segments and status show what is stale, until it is built again', { timeout }, async () => {
  const states = async () =>
    (await run('segments', 'sales')).out.split('\n').map((line) => line.split(/\s+/)[1]);
  const stale = async () => (await run('status')).out.match(/^sales +\d+ +(\d+) /m)?.[1];
  expect((await run('build', 'sales')).code).toBe(0);
  expect(await states()).not.toContain('STALE');
  expect(await stale()).toBe('0');
  appendSales(platform.folder, ['2024-01-31,web,1,5']);
  expect(await states()).toContain('STALE');
  expect(await states()).not.toContain('READY');
  const ready = (await json('segments', 'sales')).filter(
    ({ state }: { state: string }) => state === 'READY',
  );
  expect(await stale()).toBe(String(ready.length));
  for (const segment of ready) {
    expect(segment).toMatchObject({ freshness: 'stale', changedTables: ['shop.sales'] });
  }
  expect((await run('build', 'sales')).code).toBe(0);
  expect(await states()).toContain('READY');
  expect(await states()).not.toContain('STALE');
  expect(await stale()).toBe('0');
});

test('query and explain', { timeout }, async () => {
  const { out, code } = await run('query', 'select count(*) from sales');
  expect({ code, found: out.includes('123') }).toEqual({ code: 0, found: true });
  expect((await run('explain', 'select count(*) from sales')).code).toBe(0);
  const wrong = await run('query', 'select chanel from sales');
  expect(wrong.code).not.toBe(0);
  expect(wrong.err).toContain('channel');
});

test('plan says what it would keep, and keeps it when it is told to', { timeout }, async () => {
  const planned = await run('plan', 'sales', '--budget', '1MB');
  expect(planned.code).toBe(0);
  expect(planned.out).toContain('day');
  expect((await run('plan', 'sales', '--budget', '1MB', '--apply')).code).toBe(0);
  expect((await run('build', 'sales')).code).toBe(0);
  expect((await run('query', 'select count(*) from sales', '--cuboids', 'always')).out).toContain(
    '123',
  );
});

test('import makes tables of files', { timeout }, async () => {
  writeFileSync(inFolder('orders.csv'), 'id,total\n1,2.50\n2,3.25\n');
  const { code, out } = await run('import', inFolder('orders.csv'), '--source', 'more');
  expect(code).toBe(0);
  expect(out).toContain('more.orders');
  expect((await run('query', 'select sum(total) from orders')).out).toContain('5.75');
});

test('model versions, diff and rollback', { timeout }, async () => {
  const file = inFolder('sales.yaml');
  writeFileSync(
    file,
    salesYaml({ measures: '  - { name: top, aggregate: max, column: s.amount }' }),
  );
  expect((await run('apply', '-f', inFolder('sales.yaml'))).code).toBe(0);
  expect(await json('model', 'versions', 'sales')).toHaveLength(2);
  expect((await run('model', 'diff', 'sales', '1', '2')).out).toContain('top');
  expect((await run('model', 'rollback', 'sales', '1')).code).toBe(0);
  expect((await run('export', 'model', 'sales')).out).not.toContain('top');
});

test('operations and status', { timeout }, async () => {
  const operations = await run('operations');
  expect(operations.code).toBe(0);
  expect(operations.out).toContain('build');
  const listed: { state: string; response?: unknown; progress?: unknown }[] =
    await json('operations');
  expect(listed.map(({ state }) => state)).not.toContain('running');
  expect(listed).toContainEqual(
    expect.objectContaining({
      kind: 'build',
      cube: 'projects/default/cubes/sales',
      state: 'done',
      progress: expect.objectContaining({ stepsDone: expect.any(Number) }),
      response: expect.objectContaining({ segments: expect.any(Array) }),
    }),
  );
  expect((await run('status')).code).toBe(0);
});

test('numbers and files that make no sense are refused with a reason and exit code 2', {
  timeout,
}, async () => {
  const select = 'select 1';
  const refused: [string[], string, string][] = [
    [['query', select, '--timeout', 'abc'], 'BAD_NUMBER', '--timeout'],
    [['query', select, '--timeout', '0'], 'BAD_NUMBER', '--timeout'],
    [['query', select, '--max-rows', 'x'], 'BAD_NUMBER', '--max-rows'],
    [['model', 'rollback', 'sales', 'one'], 'BAD_NUMBER', '<version>'],
    [['model', 'diff', 'sales', '1', '-'], 'BAD_NUMBER', '<to>'],
    [['query', '@nofile.sql'], 'FILE_UNREADABLE', 'nofile.sql'],
    [['explain', '@nofile.sql'], 'FILE_UNREADABLE', 'nofile.sql'],
    [['plan', 'sales', '--queries', 'nofile.sql'], 'FILE_UNREADABLE', 'nofile.sql'],
  ];
  for (const [args, reason, named] of refused) {
    const { code, out, err } = await run(...args);
    expect({ args, code, out }).toEqual({ args, code: 2, out: '' });
    expect(err).toContain(`(${reason})`);
    expect(err).toContain(named);
  }
});

test('as a process: a command line that makes no sense gives exit code 2 and the choices', {
  timeout,
}, async () => {
  const { folder: cwd } = platform;
  const refused: [string[], string][] = [
    [['query', 'select 1', '--cuboids', 'nevr'], 'auto, never, always'],
    [['query'], "'sql'"],
    [['bild'], 'build'],
    [['up', '--port', 'x'], '--port is "x": give a whole number, 0 to 65535. (BAD_NUMBER)'],
    [['up', '--memory', '1.5'], '--memory is "1.5"'],
    [['up', '--log-level', 'loud'], 'debug, info, warn, error, silent'],
  ];
  for (const [args, said] of refused) {
    const { code, err } = await tessera(args, { cwd });
    expect({ args, code }).toEqual({ args, code: 2 });
    expect(err).toContain(said);
  }
  expect((await tessera(['query', '--help'], { cwd })).code).toBe(0);
});

test('NULL is not the empty text', { timeout }, async () => {
  const sql = "select null::text as nothing, '' as empty, 1 as one";
  expect((await run('query', sql)).out.split('\n')[2]).toMatch(/^ *NULL +1$/);
  expect((await json('query', sql)).rows).toEqual([[null, '', '1']]);
});

test('delete refuses what is in use, and says when there is nothing', { timeout }, async () => {
  expect((await run('delete', 'model', 'sales')).code).toBe(5);
  expect((await run('delete', 'source', 'more')).code).toBe(0);
  expect((await run('delete', 'source', 'more')).code).toBe(3);
});

test('as a process: status answers, and a platform that is not there gives exit code 4', {
  timeout,
}, async () => {
  const { folder: cwd, address } = platform;
  const answered = await tessera(['status', '--json'], { cwd, address });
  expect(answered).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(answered.out)).toBeTypeOf('object');
  expect((await tessera(['status'], { cwd })).code).toBe(4);
});
