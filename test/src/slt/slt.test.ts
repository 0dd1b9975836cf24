import { type CuboidUse, query } from '@tessera/client';
import { typeName } from '@tessera/sql';
import { type Postgres, postgresPrograms, startPostgres } from '@tessera/testkit/postgres';
import { rowsAsText, rowsDiffer, type SltError, type SltQuery } from '@tessera/testkit/slt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPlatform, type TestPlatform } from '../test-platform.ts';
import { askPostgres, buildShop, letterOf, lettersOf, loadShop, sltFiles } from './shop.ts';

const files = sltFiles().map(({ file: { name, items } }) => ({
  name,
  queries: items.filter((item) => item.kind === 'query'),
  errors: items.filter((item) => item.kind === 'error'),
}));

const ways: readonly CuboidUse[] = ['auto', 'never'];
const oneLine = (sql: string) => sql.replaceAll(/\s+/g, ' ');
const titled = <T extends SltQuery | SltError>(items: readonly T[]) =>
  items.map((item) => ({ ...item, title: `line ${item.line}: ${oneLine(item.sql)}` }));

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTestPlatform();
  await buildShop(platform);
});
afterAll(() => platform?.[Symbol.asyncDispose]());

const ask = ({ sql, parameters }: SltQuery | SltError, useCuboids: CuboidUse) =>
  query(platform.client.queries, sql, {
    useCuboids,
    parameters: parameters.map((value) => ({ value })),
  });

describe.each(files)('$name', ({ queries, errors }) => {
  describe.each(ways)('with cuboids %s', (useCuboids) => {
    if (queries.length > 0) {
      test.each(titled(queries))('$title', async (item) => {
        const { schema, rows, summary } = await ask(item, useCuboids);
        const types = schema.map(({ type }) => type);
        expect(types.map((type) => letterOf(typeName(type))).join('')).toBe(item.types);
        expect(rowsDiffer(types, rowsAsText(types, rows), item.rows, item.order)).toBeUndefined();
        if (useCuboids === 'auto' && item.plan !== undefined) {
          expect(summary.planKind).toBe(item.plan);
        }
        if (useCuboids === 'never') expect(summary.planKind).toMatch(/source|constant/);
      });
    }
    if (errors.length > 0) {
      test.each(titled(errors))('$title fails with $reason', async (item) => {
        await expect(ask(item, useCuboids)).rejects.toMatchObject({ reason: item.reason });
      });
    }
  });
});

/** Reasons of what PostgreSQL can do and Tessera does not. */
const ours: ReadonlySet<string> = new Set([
  'UNSUPPORTED_SQL',
  'NOT_A_QUERY',
  'MULTIPLE_STATEMENTS',
]);

const installed = postgresPrograms() !== undefined;
if (!installed) {
  console.warn('Skipped: PostgreSQL is not installed (scripts/install-test-deps.sh).');
}

describe.skipIf(!installed)('PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(() => {
    postgres = startPostgres();
    loadShop(postgres);
  });
  afterAll(() => postgres?.stop());

  test.each(files)('gives the rows, types and names of $name', async ({ queries }) => {
    const answers = askPostgres(postgres, queries);
    for (const [i, item] of queries.entries()) {
      const answer = answers[i]!;
      expect(answer.error, item.sql).toBeUndefined();
      expect(lettersOf(answer), item.sql).toBe(item.types);
      const { schema } = await ask(item, 'auto');
      expect(
        schema.map(({ name }) => name),
        item.sql,
      ).toEqual(answer.columns.map(({ name }) => name));
      const types = schema.map(({ type }) => type);
      expect(rowsDiffer(types, answer.rows, item.rows, item.order), item.sql).toBeUndefined();
    }
  });

  test.each(files)('refuses what $name says is an error', ({ errors }) => {
    const refused = errors.filter(({ reason }) => !ours.has(reason));
    const answers = askPostgres(postgres, refused);
    const accepted = refused.filter((_, i) => answers[i]!.error === undefined);
    expect(accepted.map(({ sql }) => sql)).toEqual([]);
  });
});
