import { loadParser } from '@tessera/sql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { difference, type Subject, startSubject } from './compare.ts';
import { corpus } from './corpus.ts';
import { dataRows, postgresSetup } from './data.ts';
import { type Postgres, type PostgresResult, postgresPrograms, startPostgres } from './postgres.ts';

const installed = postgresPrograms() !== undefined;
if (!installed)
  console.warn('Skipped: PostgreSQL is not installed (scripts/install-test-deps.sh).');

describe.skipIf(!installed)('statements mean what they mean in PostgreSQL', () => {
  let postgres: Postgres;
  let subject: Subject;
  let answers: PostgresResult[];

  beforeAll(async () => {
    await loadParser();
    postgres = startPostgres();
    subject = await startSubject();
    const setup = postgres.run([...postgresSetup, ...dataRows]);
    expect(setup.flatMap((r) => r.error ?? [])).toEqual([]);
    answers = postgres.run(corpus);
  });
  afterAll(() => {
    postgres?.stop();
    subject?.close();
  });

  test.each(corpus.map((sql, i) => ({ sql, i })))('$sql', async ({ sql, i }) => {
    const ours = await subject.run(sql);
    expect(difference(sql, ours, answers[i]!), ours.printed ?? sql).toBeUndefined();
  });
});
