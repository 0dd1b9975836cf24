import { expect, test } from 'vitest';
import { Chart } from './chart.ts';
import { type Moment, momentOf } from './moment.ts';

const running: Moment = {
  ...{ second: 65, load: 1_800, read: 987.6, lag: 4_321, busy: 0.996, parallelism: 1 },
  ...{ slots: { all: 4, free: 3 }, waitsFor: '' },
};

const linesOf = (...moments: Moment[]) => {
  const chart = new Chart();
  return moments.map((moment) => chart.linesOf(moment));
};

test('a moment is one line: load, what is read of it and waits, parallelism, and slots that are used and free', () => {
  expect(linesOf(running)).toEqual([
    [
      ' TIME  LOAD/s                           READ/s     LAG  BUSY  PARALLELISM  SLOTS',
      ' 1:05  1,800 ██████████                   988   4,321  100%            1  ■□□□',
    ],
  ]);
});

test('a size that is wanted is told once with its reason, and stands beside the parallelism until the job has it', () => {
  const why =
    'Records would wait too long: 3.5 slot-hours against 17.25 as it is, and that is more.';
  const wanted = { ...running, wanted: 4, why };
  const [, resized, same, had] = linesOf(running, wanted, wanted, { ...wanted, parallelism: 4 });
  expect(resized).toEqual([
    '       » 4 slots by scaling: Records would wait too long: 3.5 slot-hours',
    '         against 17.25 as it is, and that is more.',
    ' 1:05  1,800 ██████████                   988   4,321  100%       1 of 4  ■□□□',
  ]);
  expect(same).toEqual([resized!.at(-1)]);
  expect(had).toEqual([resized!.at(-1)!.replace('1 of 4', '     4')]);
});

test('what is not known is a dash and never zero, as while a job restarts; what it waits for is told', () => {
  const [, lines] = linesOf(running, { second: -4, load: 0, waitsFor: 'slots' });
  expect(lines).toEqual([
    '       » waits for slots',
    '-0:04      0                                -       -     -            -  -',
  ]);
});

test('headings come again, so that one is on the screen', () => {
  const lines = linesOf(...Array.from({ length: 41 }, () => running)).flat();
  expect(lines.filter((line) => line.includes('LOAD/s')).length).toBe(3);
});

test('what flink top prints of the job is beside the load that it is given', () => {
  const top = {
    clusters: [{ name: 'waves', slots: 6, freeSlots: 2 }],
    jobs: [
      { name: 'another', waitsFor: 'slots' },
      {
        ...{ name: 'waves', waitsFor: '', inPerSecond: 3_000, parallelism: 4 },
        ...{ scaledSlots: 4, decision: { atMs: 1, words: 'so it is' } },
      },
    ],
  };
  expect(momentOf(JSON.stringify(top), 'waves', 92)).toEqual({
    ...{ second: 92, load: 3_600, read: 3_000, parallelism: 4, wanted: 4, why: 'so it is' },
    ...{ slots: { all: 6, free: 2 }, waitsFor: '' },
  });
});
