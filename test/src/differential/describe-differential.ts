import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPlatform, type TestPlatform } from '../test-platform.ts';
import { Tally } from './check.ts';
import { askWorlds } from './run-world.ts';
import { Oracle } from './world.ts';

/**
 * Two files run one half each, side by side: 20,000 queries together, 200,000 by `npm run test:long`. TESSERA_SEED gives
 * other ones, TESSERA_QUERIES fewer or more per world.
 */
const long = process.env['TESSERA_LONG'] === '1';
const firstSeed = Number(process.env['TESSERA_SEED'] ?? 20261123);
const shards = long ? 10 : 2;
const worldsPerShard = 10;
const queriesPerWorld = Number(process.env['TESSERA_QUERIES'] ?? (long ? 1000 : 500));
const hour = 3_600_000;

/** Random models, data and queries; `half` is 0 or 1. */
export function describeDifferential(half: 0 | 1): void {
  const seed = firstSeed + half * shards;
  const tally = new Tally();
  let platform: TestPlatform;
  let oracle: Oracle;

  beforeAll(async () => {
    platform = await startTestPlatform();
    oracle = await Oracle.start();
  });
  afterAll(async () => {
    await oracle?.[Symbol.asyncDispose]();
    await platform?.[Symbol.asyncDispose]();
  });

  describe(`random models, data and queries, seed ${seed}`, () => {
    describe.concurrent('answer as DuckDB does on the raw tables', () => {
      const numbers = Array.from({ length: shards }, (_, shard) => shard);
      test.each(numbers)(
        `shard %i of ${shards}`,
        async (shard) => {
          const amount = { seed: seed + shard, worlds: worldsPerShard, queriesPerWorld };
          await askWorlds(`s${shard}`, { platform, oracle, tally }, amount);
        },
        long ? 6 * hour : hour / 2,
      );
    });

    test('were many, and most of them answered from cuboids', () => {
      console.info(`Differential: ${tally}.`);
      expect(tally.queries).toBeGreaterThanOrEqual(shards * worldsPerShard * queriesPerWorld);
      expect(tally.share).toBeGreaterThan(0.4);
      expect(tally.kinds.cuboid).toBeGreaterThan(tally.queries / 8);
      expect(tally.kinds.mixed).toBeGreaterThan(tally.queries / 20);
      expect(tally.refused).toBeLessThan(tally.queries / 20);
      expect(tally.rows).toBeGreaterThan(tally.queries);
    });
  });
}
