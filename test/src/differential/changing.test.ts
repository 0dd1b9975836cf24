import { metadata, scheduler } from '@tessera/proto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildAll, finished, startTestPlatform, type TestPlatform } from '../test-platform.ts';
import { Tally, wrongAnswer } from './check.ts';
import { partsFor } from './query-parts.ts';
import { randomQuery } from './random-query.ts';
import { Oracle, randomWorld, World, type WorldSpec } from './world.ts';

/** Queries while segments are built again, merged and dropped, with next to no memory for cuboids. */
const long = process.env['TESSERA_LONG'] === '1';
const seed = Number(process.env['TESSERA_SEED'] ?? 20261124);
const worlds = long ? 8 : 2;
const lanes = 3;
const rounds = long ? 30 : 6;
const hour = 3_600_000;
/** So little that nearly every scan loads a layout and puts another one out. */
const cuboidMemoryBytes = 20_000;

let platform: TestPlatform;
let oracle: Oracle;

beforeAll(async () => {
  platform = await startTestPlatform({ cuboidMemoryBytes });
  oracle = await Oracle.start();
});
afterAll(async () => {
  await oracle?.[Symbol.asyncDispose]();
  await platform?.[Symbol.asyncDispose]();
});

const partitioned = randomWorld.filter(
  ({ model, rows }) => model.partition?.column === 'f.d' && rows['fact']!.length > 50,
);

describe(`answers while segments change, seed ${seed}`, () => {
  test(
    'are those of DuckDB on the raw tables, whatever is refreshed, merged, dropped or evicted',
    async () => {
      const tally = new Tally();
      const specs = fc.sample(partitioned, { seed, numRuns: worlds });
      for (const [i, spec] of specs.entries()) await askWhileChanging(`c${i}`, spec, tally);
      console.info(`While segments changed: ${tally}.`);
      expect(tally.share).toBeGreaterThan(0.3);
      expect(tally.kinds.cuboid).toBeGreaterThan(tally.queries / 20);
      expect(tally.kinds.mixed).toBeGreaterThan(tally.queries / 20);
    },
    long ? 4 * hour : hour / 4,
  );
});

/** The lanes ask until the changes are through. */
async function askWhileChanging(name: string, generated: WorldSpec, tally: Tally): Promise<void> {
  const months = { every: 'month', autoMerge: [] } as const;
  const spec = { ...generated, cube: { ...generated.cube, segments: months }, dropped: [] };
  const world = await World.create(name, spec, { platform, oracle });
  const changing = new AbortController();
  const wrong: string[] = [];
  const ask = async (lane: number) => {
    const batch = { numRuns: 40 };
    for (let from = 0; !changing.signal.aborted; from++) {
      const laneSeed = seed + 1_000 * from + lane;
      for (const sql of fc.sample(randomQuery(partsFor(spec.model)), {
        ...batch,
        seed: laneSeed,
      })) {
        if (changing.signal.aborted) return;
        const found = await wrongAnswer(world, oracle, sql, tally);
        if (found !== undefined)
          wrong.push(`TESSERA_SEED=${seed}, world ${name}: ${sql}\n${found}`);
      }
    }
  };
  const asking = Array.from({ length: lanes }, (_, lane) => ask(lane));
  try {
    for (let round = 0; round < rounds && wrong.length === 0; round++)
      await change(world.cube, round);
  } finally {
    changing.abort();
    await Promise.all(asking);
  }
  expect(wrong.slice(0, 3)).toEqual([]);
}

/** One change after the other; the data stays the same, so every answer does. */
async function change(cube: string, round: number): Promise<void> {
  const { builds, segments } = platform.client;
  const listed = await segments.listSegments({ parent: cube });
  const ready = listed.segments.filter(
    ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
  );
  const names = ready.map(({ name }) => name);
  switch (round % 4) {
    case 0: {
      const operation = await builds.refreshSegments({ cube, force: true });
      await finished(platform.client, operation, scheduler.BuildSegmentsResponse);
      return;
    }
    case 1: {
      const operation = await builds.dropSegments({ cube, segments: names.slice(0, 2) });
      await finished(platform.client, operation, scheduler.DropSegmentsResponse);
      return;
    }
    case 2:
      await buildAll(platform.client, cube);
      return;
    default: {
      const operation = await builds.mergeSegments({ cube, ...firstQuarter });
      await finished(platform.client, operation, scheduler.BuildSegmentsResponse);
    }
  }
}

const micros = (year: number, month: number) => BigInt(Date.UTC(year, month - 1, 1)) * 1_000n;
const firstQuarter = { startMicros: micros(2024, 1), endMicros: micros(2024, 4) };
