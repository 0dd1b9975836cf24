import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { loadParser } from '@tessera/sql';
import { beforeAll, describe, expect, test } from 'vitest';
import { runSchedule } from './schedule.ts';

const long = process.env['TESSERA_LONG'] === '1';
const first = Number(process.env['TESSERA_SEED'] ?? 1);
const count = Number(process.env['TESSERA_SEEDS'] ?? (long ? 10_000 : 120));
/** As many as one process runs: its memory grows with each. */
const block = 100;

/** Every second schedule, so that two files do all of them side by side, one for each core. */
export function describeSchedules(half: 0 | 1): void {
  const all = Array.from({ length: count }, (_, i) => first + i);
  const seeds = all.filter((_, i) => i % 2 === half);

  describe('a cluster in which everything may fail', () => {
    beforeAll(() => loadParser());

    test(`publishes nothing wrong, twice or unfenced, loses nothing and ends what it began, in ${seeds.length} schedules`, {
      timeout: 6 * 3_600_000,
    }, async () => {
      const run = seeds.length > block ? runElsewhere : runHere;
      let terms = 0;
      for (let i = 0; i < seeds.length; i += block) terms += await run(seeds.slice(i, i + block));
      // They are worth something: in most of them leadership changed hands.
      if (seeds.length > 10) expect(terms).toBeGreaterThan(2 * seeds.length);
    });
  });
}

async function runHere(seeds: readonly number[]): Promise<number> {
  let terms = 0;
  for (const seed of seeds) terms += (await runSchedule(seed)).terms;
  return terms;
}

/** In a process of their own; what was broken is in its message. */
async function runElsewhere(seeds: readonly number[]): Promise<number> {
  const flags = ['--conditions=tessera-source', '--disable-warning=ExperimentalWarning'];
  const entry = join(import.meta.dirname, 'run-block.ts');
  const args = [...flags, entry, ...seeds.map(String)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}
