import { join } from 'node:path';
import { runInBlocks } from '@tessera/testkit/simulation';
import { expect, test } from 'vitest';
import { runSchedule } from './schedule.ts';

const first = Number(process.env['TESSERA_SEED'] ?? 1);
const isLong = process.env['TESSERA_LONG'] === '1';
const count = Number(process.env['TESSERA_SEEDS'] ?? (isLong ? 10_000 : 60));
const entry = join(import.meta.dirname, 'run-block.ts');

test(`no job is started twice, set back or lost, and all comes to rest as it is wanted, or as the last good version of a cluster says, in ${count} schedules of the whole`, {
  timeout: 6 * 3_600_000,
}, async () => {
  const seeds = Array.from({ length: count }, (_, i) => first + i);
  const terms = await runInBlocks(seeds, { run: runSchedule, entry });
  // They are worth something: in most of them leadership changed hands.
  if (count > 10) expect(terms).toBeGreaterThan(2 * count);
});

test('a schedule is the same again from its seed', async () => {
  expect(await runSchedule(first)).toEqual(await runSchedule(first));
});
