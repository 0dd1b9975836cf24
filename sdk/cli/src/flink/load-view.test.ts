import { expect, test } from 'vitest';
import type { Load } from './load.ts';
import { loadLines, loadTables } from './load-view.ts';

const load: Load = {
  clusters: [
    {
      ...{ name: 'orders', status: 'WAITING', waitsFor: 'orders-tm-2 to be up' },
      ...{ wantedTaskManagers: 2, taskManagers: 1, slots: 2, freeSlots: 0 },
    },
  ],
  jobs: [
    {
      ...{
        name: 'sums',
        cluster: 'orders',
        status: 'RUNNING',
        waitsFor: '3 slots, of which 2 are there',
      },
      ...{ inPerSecond: 1_959.6, lag: 27_453, busy: 0.58, parallelism: 2, wantedParallelism: 3 },
      ...{ slots: 2, scaledSlots: 3 },
      decision: { atMs: Date.UTC(2026, 10, 29, 12), words: 'Records would wait too long.' },
    },
  ],
};

test('what clusters and jobs have to do stands in tables, and what they wait for and why they are so large in sentences below', () => {
  expect(loadTables(load).split('\n')).toEqual([
    'CLUSTER  STATUS   TASKMANAGERS  SLOTS  FREE',
    '-------  -------  ------------  -----  ----',
    'orders   WAITING  1 of 2            2     0',
    '',
    'JOB   CLUSTER  STATUS    IN/S  OUT/S     LAG  BUSY  PARALLELISM  SLOTS',
    '----  -------  -------  -----  -----  ------  ----  -----------  -----',
    'sums  orders   RUNNING  1,960  -      27,453   58%  2 of 3           2',
    '',
    'cluster orders waits for orders-tm-2 to be up',
    'job sums waits for 3 slots, of which 2 are there',
    'job sums has 3 slots by scaling; 2026-11-29 12:00:00: Records would wait too long.',
    '',
  ]);
});

test('on a narrow screen sentences are broken and not cut', () => {
  const lines = loadTables(load, 60).split('\n');
  expect(lines.slice(-3)).toEqual([
    'job sums has 3 slots by scaling; 2026-11-29 12:00:00:',
    'Records would wait too long.',
    '',
  ]);
});

test('rates that are old say how old they are', () => {
  const aged = (ratesAgeMs: number) => ({ ...load, jobs: [{ ...load.jobs[0]!, ratesAgeMs }] });
  const told =
    'job sums: its tasks have reported nothing for 7 s; IN/S, OUT/S and BUSY are as they were then';
  expect(loadTables(aged(7_000)).split('\n')).toContain(told);
  expect(loadLines(aged(7_000))).toContain(told);
  expect(loadTables(aged(1_000))).toBe(loadTables(load));
});
