import { loadParser } from '@tessera/sql';
import { beforeAll, describe, expect, test } from 'vitest';
import { runSchedule } from './schedule.ts';

const long = process.env['TESSERA_LONG'] === '1';
const first = Number(process.env['TESSERA_SEED'] ?? 1);
const count = Number(process.env['TESSERA_SEEDS'] ?? (long ? 1_000 : 12));
const storageNodes = 4;

describe('a cluster of storage nodes in which everything may fail', () => {
  beforeAll(() => loadParser());

  test(`loses no copy that is needed, records only what is there, and has all where it shall be in the end, in ${count} schedules`, {
    timeout: 6 * 3_600_000,
  }, async () => {
    let terms = 0;
    for (let i = 0; i < count; i++) terms += (await runSchedule(first + i, { storageNodes })).terms;
    if (count > 10) expect(terms).toBeGreaterThan(2 * count);
  });

  test('a schedule with storage nodes runs the same way again from its seed', async () => {
    for (const seed of [1, 2]) {
      expect(await runSchedule(seed, { storageNodes })).toEqual(
        await runSchedule(seed, { storageNodes }),
      );
    }
  });
});
