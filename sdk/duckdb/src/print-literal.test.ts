import { rowsOf } from '@tessera/columnar';
import { lit } from '@tessera/sql';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DuckDb } from './duck-db.ts';
import { printExpr, sessionSettings } from './print.ts';

let database: DuckDb;
beforeAll(async () => {
  database = await DuckDb.open({ threads: 1, onConnect: sessionSettings() });
});
afterAll(() => database[Symbol.asyncDispose]());

/** 4000-01-01 BC to 9999-12-31. */
const day = fc.integer({ min: -2_180_064, max: 2_932_896 });
const micros = fc
  .tuple(day, fc.bigInt({ min: 0n, max: 86_399_999_999n }))
  .map(([days, time]) => BigInt(days) * 86_400_000_000n + time);

test('dates and times of all eras read back as the values that they are', async () => {
  await fc.assert(
    fc.asyncProperty(day, micros, async (date, instant) => {
      const literals = [lit.date(date), lit.timestamp(instant), lit.timestamptz(instant)];
      const sql = `SELECT ${literals.map((literal) => printExpr(literal)).join(', ')}`;
      expect(rowsOf(await database.run(sql))).toEqual([[date, instant, instant]]);
    }),
    {
      numRuns: 300,
      seed: 7,
      examples: [
        [-719_528, -62_167_219_200_000_000n],
        [-720_000, -1n],
      ],
    },
  );
});
