import { loadParser } from '@tessera/sql';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { difference, type Subject, startSubject } from './compare.ts';
import { dataRows, postgresSetup } from './data.ts';
import { type Postgres, postgresPrograms, startPostgres } from './postgres.ts';
import { randomAggregation, randomSelect } from './random-expression.ts';

const seed = Number(process.env['TESSERA_SEED'] ?? 20240229);
const count = Number(process.env['TESSERA_CASES'] ?? 600);

describe.skipIf(postgresPrograms() === undefined)(`random statements, seed ${seed}`, () => {
  let postgres: Postgres;
  let subject: Subject;

  beforeAll(async () => {
    await loadParser();
    postgres = startPostgres();
    subject = await startSubject();
    postgres.run([...postgresSetup, ...dataRows]);
  });
  afterAll(() => {
    postgres?.stop();
    subject?.close();
  });

  test.each([
    { what: 'expressions', arbitrary: randomSelect },
    { what: 'aggregations', arbitrary: randomAggregation },
  ])(
    '$what give what PostgreSQL gives',
    async ({ arbitrary }) => {
      const statements = fc.sample(arbitrary, { seed, numRuns: count });
      const answers = postgres.run(statements);
      const wrong: string[] = [];
      let refused = 0;
      for (const [i, sql] of statements.entries()) {
        const ours = await subject.run(sql);
        const answered = answers[i]!.error === undefined;
        // 38 digits are less than PostgreSQL's numerics have: an error then, never a wrong value.
        if (answered && /Out of Range|Overflow|to DECIMAL|UNSUPPORTED_SQL/i.test(ours.error ?? ''))
          refused += 1;
        // PostgreSQL computes constants while planning, and fails even where no row needs them.
        else if (!answered && ours.error === undefined && ours.rows.length === 0) continue;
        else {
          const found = difference(sql, ours, answers[i]!);
          if (found !== undefined) wrong.push(`${sql}\n  ${found}`);
        }
      }
      expect(wrong).toEqual([]);
      expect(refused).toBeLessThan(count / 20);
      // A generator of nothing but errors would prove nothing.
      expect(answers.filter((a) => a.error === undefined).length).toBeGreaterThan(count / 2);
    },
    300_000,
  );
});
