import { join } from 'node:path';
import { loadParser } from '@tessera/sql';
import { runInBlocks } from '@tessera/testkit/simulation';
import { beforeAll, describe, expect, test } from 'vitest';
import { runSchedule } from './schedule.ts';

const long = process.env['TESSERA_LONG'] === '1';
const first = Number(process.env['TESSERA_SEED'] ?? 1);
const count = Number(process.env['TESSERA_SEEDS'] ?? (long ? 10_000 : 120));
const entry = join(import.meta.dirname, 'run-block.ts');

/** Every second schedule, so that two files do all of them side by side, one for each core. */
export function describeSchedules(half: 0 | 1): void {
  const all = Array.from({ length: count }, (_, i) => first + i);
  const seeds = all.filter((_, i) => i % 2 === half);

  describe('a cluster in which everything may fail', () => {
    beforeAll(() => loadParser());

    test(`publishes nothing wrong, twice or unfenced, loses nothing and ends what it began, in ${seeds.length} schedules`, {
      timeout: 6 * 3_600_000,
    }, async () => {
      const terms = await runInBlocks(seeds, { run: runSchedule, entry });
      // They are worth something: in most of them leadership changed hands.
      if (seeds.length > 10) expect(terms).toBeGreaterThan(2 * seeds.length);
    });
  });
}
