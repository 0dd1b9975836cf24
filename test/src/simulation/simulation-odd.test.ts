import { loadParser } from '@tessera/sql';
import { expect, test } from 'vitest';
import { describeSchedules } from './describe-schedules.ts';
import { runSchedule } from './schedule.ts';

describeSchedules(0);

test('a schedule runs the same way again from its seed', async () => {
  await loadParser();
  for (const seed of [1, 2, 6]) expect(await runSchedule(seed)).toEqual(await runSchedule(seed));
});

test('a merge of parts of several versions is stale, whichever clock says that it is the older', async () => {
  await loadParser();
  expect((await runSchedule(5847)).operations).toMatchObject({ 'merge SUCCEEDED': 1 });
});
