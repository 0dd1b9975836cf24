import { messageOf } from '@tessera/base';
import { printResources } from '@tessera/cube';
import fc from 'fast-check';
import type { TestPlatform } from '../test-platform.ts';
import { type Tally, wrongAnswer } from './check.ts';
import { partsFor } from './query-parts.ts';
import { randomQuery } from './random-query.ts';
import { type Oracle, randomWorld, World, type WorldSpec } from './world.ts';

export interface Stage {
  readonly platform: TestPlatform;
  readonly oracle: Oracle;
  readonly tally: Tally;
}

export interface Amount {
  readonly seed: number;
  readonly worlds: number;
  readonly queriesPerWorld: number;
}

/** While a world is made smaller, so many smaller ones are built. */
const maxSmallerWorlds = 40;

/**
 * Random worlds, each asked random queries. The first wrong answer ends it: its query is made as small as it stays wrong, then
 * the world around it.
 * @throws with the seed, the query, the model and the rows
 */
export async function askWorlds(name: string, stage: Stage, amount: Amount): Promise<void> {
  let count = 0;
  let smaller = 0;
  let failing: Failing | undefined;
  const property = fc.asyncProperty(randomWorld, async (spec) => {
    if (failing !== undefined && smaller++ >= maxSmallerWorlds) return;
    const world = await World.create(`${name}_${count++}`, spec, stage);
    const found =
      failing === undefined
        ? await askQueries(world, spec, stage, amount)
        : await askAgain(world, spec, stage, failing);
    if (found === undefined) return;
    failing = found;
    throw new Error(found.wrong);
  });
  const { seed, worlds } = amount;
  const result = await fc.check(property, { seed, numRuns: worlds });
  if (failing !== undefined) throw new Error(reportOf(failing, seed));
  if (result.failed) throw new Error(`Seed ${seed}: ${messageOf(result.errorInstance)}`);
}

interface Failing {
  readonly sql: string;
  readonly wrong: string;
  readonly spec: WorldSpec;
}

async function askQueries(
  world: World,
  spec: WorldSpec,
  { oracle, tally }: Stage,
  { seed, queriesPerWorld }: Amount,
): Promise<Failing | undefined> {
  let failing: Failing | undefined;
  const property = fc.asyncProperty(randomQuery(partsFor(spec.model)), async (sql) => {
    const wrong = await wrongAnswer(world, oracle, sql, tally);
    if (wrong === undefined) return;
    failing = { sql, wrong, spec };
    throw new Error(wrong);
  });
  const result = await fc.check(property, { seed, numRuns: queriesPerWorld });
  if (result.failed && failing === undefined) throw result.errorInstance;
  return failing;
}

async function askAgain(
  world: World,
  spec: WorldSpec,
  { oracle, tally }: Stage,
  { sql }: Failing,
): Promise<Failing | undefined> {
  const wrong = await wrongAnswer(world, oracle, sql, tally, { alsoSource: true });
  return wrong === undefined ? undefined : { sql, wrong, spec };
}

function reportOf({ sql, wrong, spec }: Failing, seed: number): string {
  const { model, cube, rows } = spec;
  const resources = printResources([
    { kind: 'Model', name: 'world', spec: model },
    { kind: 'Cube', name: 'world', spec: cube },
  ]);
  const data = Object.entries(rows).map(([table, lines]) =>
    [`-- ${table}`, ...lines.map((row) => row.join(', '))].join('\n'),
  );
  const dropped = `-- ${spec.format}; dropped segments: ${spec.dropped.join(', ') || 'none'}`;
  return [`TESSERA_SEED=${seed}`, sql, wrong, resources, dropped, ...data].join('\n');
}
