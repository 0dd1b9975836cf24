import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain } from '@tessera/client';
import { describe, expect, test, vi } from 'vitest';
import { applyFile } from '../test-platform.ts';
import { type Outcome, tessera } from './command-line.ts';
import { answers, appendSales, ask, expected, monthLines, questions } from './sales.ts';
import { reasonOf, ScratchPlatform } from './scratch-platform.ts';

// Whole platforms start and build here, which takes long on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

function run(platform: ScratchPlatform, ...args: string[]): Promise<Outcome> {
  return tessera(args, { cwd: platform.folder, address: platform.address });
}

/** A platform into which one file was imported, and how it is written. */
async function imported(text: string) {
  const platform = await ScratchPlatform.start();
  const file = join(platform.folder, 'w.csv');
  writeFileSync(file, text);
  const first = await run(platform, 'import', 'w.csv', '--source', 'ww');
  expect(first).toMatchObject({ code: 0, err: '' });
  return { platform, file };
}

describe('a table that no model uses', () => {
  const original = 'd,x\n2024-01-01,1\n2024-01-02,2\n';
  const sql = 'select sum(x), max(x), count(*) from w';

  test.each([
    { what: 'a fraction', change: '2024-01-03,2.7\n', row: '5.7|2.7|3' },
    {
      what: 'a number of 64 bits',
      change: '2024-01-03,3000000000\n',
      row: '3000000003|3000000000|3',
    },
    { what: 'another number', change: '2024-01-03,4\n', row: '7|4|3' },
  ])('is read with the types that it has after $what was appended', async ({ change, row }) => {
    const { platform, file } = await imported(original);
    await using _ = platform;
    expect((await ask(platform.client, sql)).rows).toEqual(['3|2|2']);
    appendFileSync(file, change);
    expect((await ask(platform.client, sql)).rows).toEqual([row]);
  });

  test('is read with the columns that it has, named or not, and asked of as the type they have', async () => {
    const { platform, file } = await imported(original);
    await using _ = platform;
    expect((await ask(platform.client, 'select * from w')).rows).toHaveLength(2);
    writeFileSync(file, 'd,x,z\n2024-01-01,a,7\n');
    expect((await ask(platform.client, "select z from w where x like 'a%'")).rows).toEqual(['7']);
    writeFileSync(file, 'd,x,z,y\n2024-01-01,a,7,8\n');
    expect((await ask(platform.client, 'select * from w')).rows).toEqual([
      expect.stringMatching(/\|a\|7\|8$/),
    ]);
    writeFileSync(file, 'd,y\n2024-01-01,8\n');
    expect(await reasonOf(ask(platform.client, 'select z from w'))).toBe('UNKNOWN_COLUMN');
  });

  test('is shown as it is when it is imported again', async () => {
    const { platform, file } = await imported(original);
    await using _ = platform;
    writeFileSync(file, 'd,x,z\n2024-01-01,2.7,seven\n');
    const { code, out, err } = await run(platform, 'import', 'w.csv', '--source', 'ww');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('z text');
    expect(out).toMatch(/2\.7\s+seven/);
  });
});

describe('a model', () => {
  const yaml = (columns: readonly string[]) => `apiVersion: tessera/v1
kind: Source
name: uu
use: "@tessera/connector-files"
config: { tables: { u: { path: u.csv } } }
---
apiVersion: tessera/v1
kind: Model
name: u
fact: { source: uu, table: u, alias: u }
partition: { column: u.d, grain: month }
dimensions:
${columns.map((column) => `  - { name: ${column}, column: u.${column} }`).join('\n')}
measures:
  - { name: rows, aggregate: count }
---
apiVersion: tessera/v1
kind: Cube
name: u
model: u
cuboids: [[${columns}]]
segments: { every: month }
`;

  test('that uses columns which its file got before anything was built answers as soon as it is built', async () => {
    await using platform = await ScratchPlatform.start();
    const inFolder = (name: string) => join(platform.folder, name);
    writeFileSync(inFolder('u.csv'), 'd,x\n2024-01-01,1\n2024-01-02,2\n');
    writeFileSync(inFolder('u.yaml'), yaml(['x']));
    await applyFile(platform.client, inFolder('u.yaml'));
    expect((await ask(platform.client, 'select count(*) from u')).rows).toEqual(['2']);
    writeFileSync(inFolder('u.csv'), 'd,x,p,z\n2024-01-01,1,a,7\n2024-02-02,2,b,8\n');
    writeFileSync(inFolder('u.yaml'), yaml(['x', 'p', 'z']));
    await applyFile(platform.client, inFolder('u.yaml'));
    await platform.build({ cube: 'projects/default/cubes/u' });
    const sql = 'select z, count(*) from u group by 1 order by 1';
    expect((await ask(platform.client, sql)).rows).toEqual(['7|1', '8|1']);
    await expect.poll(async () => (await ask(platform.client, sql)).plan).toBe('cuboid');
    expect((await explain(platform.client.queries, sql)).text).not.toContain('FACT_NOT_IN_MODEL');
  });

  test('whose file changed and was built, with no query between, answers from cuboids alone', async () => {
    await using platform = await ScratchPlatform.withSales();
    await platform.build();
    await answers(platform.client);
    appendSales(platform.folder, monthLines(4));
    await platform.build();
    const right = await expected(platform.folder);
    const found = async () => answers(platform.client, 'always');
    await expect
      .poll(async () => (await found()).map(({ rows }) => rows), { timeout: 20_000 })
      .toEqual(right);
    expect((await found()).map(({ plan }) => plan)).toEqual(questions.map(() => 'cuboid'));
  });
});
