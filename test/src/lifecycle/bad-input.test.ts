import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { applyResources, readResources } from '@tessera/cli';
import { connect, query, type TesseraClient } from '@tessera/client';
import { describe, expect, test, vi } from 'vitest';
import { between } from './between.ts';
import {
  answers,
  appendSales,
  ask,
  cube,
  expected,
  filesBelow,
  monthLines,
  salesYaml,
} from './sales.ts';
import { reasonOf, ScratchPlatform } from './scratch-platform.ts';

// Whole platforms start and build here, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

/** One clear error each, nothing lost, the process alive, the next query right. */
async function expectAlive(platform: ScratchPlatform): Promise<void> {
  const found = await answers(platform.client);
  expect(found.map(({ rows }) => rows)).toEqual(await expected(platform.folder));
}

function failureOf(work: Promise<unknown>): Promise<{ reason: string; message: string }> {
  return work.then(
    () => {
      throw new Error('did not fail');
    },
    ({ reason, message }) => ({ reason, message }),
  );
}

describe('a build', () => {
  test('over a lookup that is not unique is refused with an example, and works once it is', async () => {
    await using platform = await ScratchPlatform.withSales();
    const items = join(platform.folder, 'items.csv');
    const good = readFileSync(items, 'utf8');
    writeFileSync(items, `${good}3,another,group 9\n`);
    const failure = await failureOf(platform.build());
    expect(failure.reason).toBe('LOOKUP_NOT_UNIQUE');
    expect(failure.message).toContain('3');
    expect(await platform.segments()).toEqual([]);
    writeFileSync(items, good);
    expect((await platform.build()).segments).toHaveLength(4);
    await expectAlive(platform);
  });

  test('whose file vanishes fails, and works once it is back', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const file = join(platform.folder, 'sales.csv');
    const good = readFileSync(file);
    rmSync(file);
    const reason = await reasonOf(platform.build({ force: true }));
    expect(reason).toMatch(/^[A-Z_]+$/);
    expect(reason).not.toBe('INTERNAL');
    writeFileSync(file, good);
    await platform.build();
    await expectAlive(platform);
  });

  test('whose file is cut off on the way publishes nothing', async () => {
    let cut = () => {};
    await using platform = await ScratchPlatform.withSales(
      { months: 3 },
      {},
      {
        schedulerClients: (client) =>
          between(client, ['storage.prepareIngest'], ({ when }) => {
            if (when === 'after') cut();
          }),
      },
    );
    const file = join(platform.folder, 'sales.csv');
    const whole = readFileSync(file);
    cut = () => truncateSync(file, 500);
    expect(await reasonOf(platform.build())).toMatch(/^SOURCE_/);
    expect(await platform.segments()).toEqual([]);
    expect(filesBelow(join(platform.storageFolder, 'staging'))).toEqual([]);
    cut = () => {};
    writeFileSync(file, whole);
    expect((await platform.build()).segments).toHaveLength(4);
    await expectAlive(platform);
  });

  test('that nobody waits for any more is cancelled: nothing is published, nothing is left', async () => {
    let reached = () => {};
    const building = new Promise<void>((resolve) => (reached = resolve));
    let goOn = () => {};
    const held = new Promise<void>((resolve) => (goOn = resolve));
    await using platform = await ScratchPlatform.withSales(
      {},
      {},
      {
        schedulerClients: (client) =>
          between(client, ['storage.commitIngest'], async ({ when }) => {
            if (when === 'before') {
              reached();
              await held;
            }
          }),
      },
    );
    const operation = await platform.client.builds.buildSegments({ cube });
    await building;
    await platform.client.operations.cancelOperation({ name: operation.name });
    goOn();
    expect(await reasonOf(platform.built(operation))).toBe('CANCELLED');
    expect(await platform.segments()).toEqual([]);
    expect(filesBelow(join(platform.storageFolder, 'staging'))).toEqual([]);
    expect((await platform.build()).segments).toHaveLength(4);
    await expectAlive(platform);
  });

  test.each(['throws', 'hangs'])(
    'over a connector that %s ends with the source named, and others go on',
    async (manner) => {
      await using platform = await ScratchPlatform.withSales();
      const modules = join(platform.folder, 'node_modules');
      mkdirSync(modules, { recursive: true });
      const fixture = join(import.meta.dirname, '..', '..', 'fixtures', 'connector-unruly');
      symlinkSync(fixture, join(modules, 'connector-unruly'));
      const file = join(platform.folder, 'unruly.yaml');
      writeFileSync(file, unrulyYaml(manner));
      const parsed = readResources([file]);
      await applyResources(platform.client, parsed, {
        project: 'default',
        baseDirectory: platform.folder,
      });
      const reading = query(platform.client.queries, 'select * from unruly.rows', {
        timeoutMs: 1_000,
      });
      expect(await reasonOf(reading)).toBe(
        manner === 'hangs' ? 'QUERY_TIMEOUT' : 'SOURCE_UNAVAILABLE',
      );
      const unruly = 'projects/default/cubes/unruly';
      const operation = await platform.client.builds.buildSegments({ cube: unruly });
      if (manner === 'hangs') {
        await platform.client.operations.cancelOperation({ name: operation.name });
        expect(await reasonOf(platform.built(operation))).toBe('CANCELLED');
      } else {
        const failure = await failureOf(platform.built(operation));
        expect(failure.reason).not.toBe('INTERNAL');
        expect(failure.message).toContain('unruly');
      }
      await platform.build();
      await expectAlive(platform);
    },
  );
});

describe('a damaged file of a segment', () => {
  test('is set aside, never served, named by `storage verify`, and healed by a build', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    await platform.restart(); // What is in memory would answer without the files.
    const layouts = filesBelow(join(platform.storageFolder, 'cuboids')).map((file) =>
      join(platform.storageFolder, 'cuboids', file),
    );
    for (const file of layouts) flipByte(file);
    const found = await answers(platform.client);
    expect(found.map(({ rows }) => rows)).toEqual(await expected(platform.folder));
    expect(found.map(({ plan }) => plan)).not.toContain('cuboid');
    const { quarantinedFiles } = await platform.client.storage.verifyFiles({ files: [] });
    const aside = filesBelow(join(platform.storageFolder, 'quarantine'));
    expect(aside).toHaveLength(layouts.length);
    expect(quarantinedFiles.length).toBeLessThanOrEqual(layouts.length);
    expect((await platform.build()).segments).toHaveLength(4);
    const healed = await answers(platform.client);
    expect(healed.map(({ rows }) => rows)).toEqual(await expected(platform.folder));
    expect(healed.map(({ plan }) => plan)).toEqual(found.map(() => 'cuboid'));
  });

  test('counts as missing in metadata after maintenance', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const [first] = filesBelow(join(platform.storageFolder, 'cuboids'));
    flipByte(join(platform.storageFolder, 'cuboids', first!));
    const { quarantinedFiles } = await platform.client.storage.verifyFiles({ files: [] });
    expect(quarantinedFiles).toEqual([`cuboids/${first}`]);
    await platform.maintain();
    const { segments } = await platform.client.segments.listSegments({ parent: cube });
    const marked = segments.flatMap(({ layouts }) => layouts.filter((one) => one.quarantined));
    expect(marked.map(({ file }) => file)).toEqual([`cuboids/${first}`]);
    await expectAlive(platform);
    expect((await platform.build()).segments).toHaveLength(1);
    await expectAlive(platform);
  });

  test('of a lookup snapshot is copied again by the next build', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    const [snapshot] = filesBelow(join(platform.storageFolder, 'snapshots'));
    flipByte(join(platform.storageFolder, 'snapshots', snapshot!));
    await platform.client.storage.verifyFiles({ files: [] });
    expect((await platform.build({ force: true })).segments).toHaveLength(4);
    await expectAlive(platform);
  });
});

describe('a query', () => {
  test.each([
    ['of ten megabytes', `select ${'1 + '.repeat(2_500_000)} 1`, 'SQL_TOO_LARGE'],
    [
      'of 50,000 nested terms',
      `select ${'('.repeat(50_000)}1${')'.repeat(50_000)}`,
      'SQL_TOO_COMPLEX',
    ],
    ['with a wrong word', 'selec 1', 'SQL_SYNTAX'],
    ['of an unknown column', 'select chanel from sales', 'UNKNOWN_COLUMN'],
  ])('%s is refused over gRPC, and the next one answered', async (_, sql, reason) => {
    await using platform = await ScratchPlatform.withSales();
    using remote = connect(platform.address);
    expect(await reasonOf(query(remote.queries, sql))).toBe(reason);
    expect((await ask(remote, 'select count(*) from sales')).rows).toEqual(['122']);
  });

  test('with more rows than it may have is refused, and the next one answered', async () => {
    await using platform = await ScratchPlatform.withSales();
    using remote = connect(platform.address);
    const all = 'select * from sales';
    expect(await reasonOf(query(remote.queries, all, { maxRows: 10n }))).toBe('RESULT_TOO_LARGE');
    expect(await reasonOf(query(remote.queries, all, { maxBytes: 100n }))).toBe('RESULT_TOO_LARGE');
    await expectAlive(platform);
  });

  test('sees what the source files hold now, whatever was built of them', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    await expectAlive(platform);
    appendSales(platform.folder, monthLines(3));
    const right = await expected(platform.folder);
    // Versions are compared at most once in a second.
    const now = async () => (await answers(platform.client)).map(({ rows }) => rows);
    await expect.poll(now, { timeout: 20_000 }).toEqual(right);
  });
});

describe('a resource', () => {
  test.each([
    ['an unknown column', /s\.channel }/, 's.chanel }', 'MODEL_INVALID', 'chanel'],
    ['an unknown table', /table: sales, alias/, 'table: sale, alias', 'MODEL_INVALID', 'sale'],
    [
      'a measure of the wrong type',
      /sum, column: s\.amount/,
      'sum, column: s.channel',
      'MODEL_INVALID',
      'sum',
    ],
    ['an unknown dimension', /\[day, channel\]/, '[day, chanel]', 'CUBE_INVALID', 'chanel'],
    ['a wrong grain', /every: month/, 'every: fortnight', 'RESOURCE_INVALID', 'fortnight'],
    ['broken YAML', /cuboids: /, 'cuboids: ]', 'RESOURCE_INVALID', ''],
  ])('with %s is refused at its line', async (_, what, instead, reason, named) => {
    await using platform = await ScratchPlatform.start();
    writeFileSync(
      join(platform.folder, 'sales.csv'),
      'day,channel,item,amount\n2024-01-01,web,1,2\n',
    );
    writeFileSync(join(platform.folder, 'items.csv'), 'id,name,family\n1,a,b\n');
    const file = join(platform.folder, 'sales.yaml');
    const yaml = salesYaml().replace(what, instead);
    writeFileSync(file, yaml);
    const failure = await failureOf(apply(platform.client, file, platform.folder));
    expect(failure.reason).toBe(reason);
    expect(failure.message).toContain(named);
    const line = yaml.split('\n').findIndex((text) => text.includes(instead)) + 1;
    expect(failure.message).toMatch(new RegExp(`sales\\.yaml:${line}:\\d+`));
  });

  test('whose source cannot be read is refused with what is wrong with the source', async () => {
    await using platform = await ScratchPlatform.start();
    const file = join(platform.folder, 'sales.yaml');
    writeFileSync(file, salesYaml());
    const failure = await failureOf(apply(platform.client, file, platform.folder));
    expect(failure.message).toContain('sales.csv');
    expect(failure.reason).not.toBe('INTERNAL');
  });
});

async function apply(client: TesseraClient, file: string, baseDirectory: string): Promise<void> {
  await applyResources(client, readResources([file]), { project: 'default', baseDirectory });
}

/** One bit of a byte in the middle. */
function flipByte(file: string): void {
  chmodSync(file, 0o644);
  const handle = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, 40);
  writeSync(handle, Buffer.from([byte[0]! ^ 4]), 0, 1, 40);
  closeSync(handle);
}

function unrulyYaml(manner: string): string {
  return `apiVersion: tessera/v1
kind: Source
name: unruly
use: connector-unruly
config: { manner: ${manner} }
---
apiVersion: tessera/v1
kind: Model
name: unruly
fact: { source: unruly, table: rows, alias: r }
dimensions:
  - { name: n, column: r.n }
measures:
  - { name: rows, aggregate: count }
---
apiVersion: tessera/v1
kind: Cube
name: unruly
model: unruly
cuboids: [[n]]
`;
}
