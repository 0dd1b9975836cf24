import { cubeSpecToProto, explain, modelSpecToProto } from '@tessera/client';
import { applyFix } from '@tessera/cube';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildAll, startTestPlatform, type TestPlatform } from '../test-platform.ts';
import { Tally, wrongAnswer } from './check.ts';
import { partsFor } from './query-parts.ts';
import { randomBlock } from './random-query.ts';
import { Oracle, randomWorld, World, type WorldSpec } from './world.ts';

/** What EXPLAIN CUBOID proposes is applied and built, and then cuboids answer, rightly. */
const long = process.env['TESSERA_LONG'] === '1';
const seed = Number(process.env['TESSERA_SEED'] ?? 20261125);
const worlds = long ? 20 : 3;
const fixesPerWorld = long ? 20 : 4;
const hour = 3_600_000;

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

describe(`fixes of generated queries, seed ${seed}`, () => {
  test(
    'make the query match once they are applied and built',
    async () => {
      const tally = new Tally();
      const specs = fc.sample(randomWorld, { seed, numRuns: worlds });
      let applied = 0;
      for (const [i, spec] of specs.entries()) applied += await fixQueries(`f${i}`, spec, tally);
      console.info(`${applied} fixes applied: ${tally}.`);
      expect(applied).toBeGreaterThan(worlds);
      expect(tally.kinds.cuboid).toBe(applied);
    },
    long ? hour : hour / 6,
  );
});

async function fixQueries(name: string, generated: WorldSpec, tally: Tally): Promise<number> {
  const spec = { ...generated, dropped: [] };
  const world = await World.create(name, spec, { platform, oracle });
  const { queries, models } = platform.client;
  const project = `projects/${name}`;
  const [model, cube] = [`${project}/models/world`, `${project}/cubes/world`];
  let current: Pick<WorldSpec, 'model' | 'cube'> = spec;
  let applied = 0;
  for (const sql of fc.sample(randomBlock(partsFor(spec.model)), { seed, numRuns: 400 })) {
    if (applied === fixesPerWorld) break;
    const before = await explain(queries, sql, { project }).catch(() => undefined);
    const [block] = before?.blocks ?? [];
    const fix = block?.fix;
    if (before?.blocks.length !== 1 || block?.outcome !== 'source' || fix === undefined) continue;
    current = applyFix(current.model, current.cube, fix);
    await models.updateModel({ model: { name: model, spec: modelSpecToProto(current.model) } });
    await updateCube(cube, current);
    await buildAll(platform.client, cube);
    const seen = `${sql}\n${block.reason?.message}\n${fix.description}`;
    const outcome = async () => (await explain(queries, sql, { project })).blocks[0]!.outcome;
    await expect.poll(outcome, { timeout: 20_000, message: seen }).toBe('cuboid');
    expect(await wrongAnswer(world, oracle, sql, tally), seen).toBeUndefined();
    applied += 1;
  }
  return applied;
}

async function updateCube(name: string, { cube }: Pick<WorldSpec, 'cube'>): Promise<void> {
  await platform.client.cubes.updateCube({
    updateMask: ['spec'],
    cube: { name, spec: cubeSpecToProto(cube) },
  });
}
