import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { scheduler } from '@tessera/proto';
import { scheduler as messages } from '@tessera/proto';
import type { Postgres, PostgresResult } from '@tessera/testkit/postgres';
import { parseSlt, type SltFile, type SltQuery, typeLetters } from '@tessera/testkit/slt';
import { applyFile, buildAll, finished, type TestPlatform } from '../test-platform.ts';

/** The shop of `test/slt/fixture`: its tables, its cubes, and the questions asked of it. */
const folder = join(import.meta.dirname, '..', '..', 'slt');
const fixture = join(folder, 'fixture');

export function sltFiles(): { readonly path: string; readonly file: SltFile }[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.slt'));
  return names.sort().map((name) => {
    const path = join(folder, name);
    return { path, file: parseSlt(readFileSync(path, 'utf8'), name) };
  });
}

/** Builds sales whole, and refunds without those of May and without those that have no date. */
export async function buildShop({ client }: TestPlatform): Promise<void> {
  await applyFile(client, join(fixture, 'shop.yaml'));
  await buildAll(client, 'projects/default/cubes/sales');
  const cube = 'projects/default/cubes/refunds';
  const built: scheduler.BuildSegmentsResponse = await buildAll(client, cube);
  const unwanted = built.segments.filter((name) => /2024-05|null/.test(basename(name)));
  const segments = unwanted.map((name) => (name.includes('/') ? name : `${cube}/segments/${name}`));
  const drop = await client.builds.dropSegments({ cube, segments });
  await finished(client, drop, messages.DropSegmentsResponse);
}

/** The same tables in PostgreSQL. */
export function loadShop(postgres: Postgres): void {
  const copies = mkdtempSync(join(tmpdir(), 'tessera-shop-'));
  try {
    chmodSync(copies, 0o755);
    const tables = readdirSync(fixture).filter((name) => name.endsWith('.csv'));
    for (const name of tables) {
      copyFileSync(join(fixture, name), join(copies, name));
      chmodSync(join(copies, name), 0o644);
    }
    const create = readFileSync(join(fixture, 'schema.sql'), 'utf8').trim().split(/;\s*/);
    const setup = postgres.run([
      'create schema shop',
      'alter role tessera set search_path = shop',
      'set search_path = shop',
      ...create.filter((sql) => sql !== ''),
      ...tables.map(
        (name) => `copy ${basename(name, '.csv')} from '${join(copies, name)}' csv header`,
      ),
    ]);
    const failed = setup.flatMap(({ error }) => error ?? []);
    if (failed.length > 0) throw new Error(`The shop cannot be loaded: ${failed.join('; ')}`);
  } finally {
    rmSync(copies, { recursive: true });
  }
}

type Statement = Pick<SltQuery, 'sql' | 'parameters'>;

/** PostgreSQL's answers, in order. */
export function askPostgres(
  postgres: Postgres,
  statements: readonly Statement[],
): PostgresResult[] {
  const texts = statements.map(({ sql, parameters }) =>
    parameters.length === 0 ? [sql] : prepared(sql, parameters),
  );
  const results = postgres.run(["set intervalstyle = 'postgres'", ...texts.flat()]);
  let at = 1;
  return texts.map(({ length }) => {
    const own = results.slice(at, at + length);
    at += length;
    return own.find(({ error }) => error !== undefined) ?? own[length > 1 ? 1 : 0]!;
  });
}

function prepared(sql: string, parameters: readonly string[]): string[] {
  const values = parameters.map((value) => `'${value.replaceAll("'", "''")}'`);
  return [`prepare asked as ${sql}`, `execute asked(${values.join(', ')})`, 'deallocate asked'];
}

/** The letters of PostgreSQL's column types. */
export function lettersOf({ columns }: PostgresResult): string {
  return columns.map(({ type }) => letterOf(type)).join('');
}

/** `numeric(10,2)` and `interval second` are N and V like `numeric` and `interval`. */
export function letterOf(type: string): string {
  return typeLetters[type.replace(/\(.*\)$/, '').replace(/^interval .*/, 'interval')] ?? '?';
}
