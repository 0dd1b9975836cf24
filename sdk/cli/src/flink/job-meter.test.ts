import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type JobSample, measured, ratesOf } from './job-meter.ts';

const sample = (changes: Partial<JobSample> = {}): JobSample => ({
  atMs: 1_000,
  run: 'j 1',
  parallelism: 2,
  slots: 2,
  read: 100,
  arrived: 90,
  busyMs: new Map([['v', { ms: 500, parallelism: 2 }]]),
  ...changes,
});
const later = (changes: Partial<JobSample> = {}): JobSample =>
  sample({
    atMs: 3_000,
    read: 300,
    arrived: 190,
    busyMs: new Map([['v', { ms: 2_500, parallelism: 2 }]]),
    ...changes,
  });

test('rates are differences of counters over the time between them', () => {
  expect(ratesOf(sample(), later())).toEqual({ inPerSecond: 100, outPerSecond: 50, busy: 0.5 });
});

test.each<[string, JobSample | undefined, JobSample]>([
  ['at the first look', undefined, later()],
  ['across a restart', sample({ run: 'j 0' }), later()],
  ['when no time has passed', later(), later()],
])('nothing is known %s', (_, before, now) => {
  expect(ratesOf(before, now)).toEqual({});
});

test('what was not reported, or has begun anew, is missing and not zero', () => {
  const { read: _, ...unread } = later();
  expect(ratesOf(sample(), unread)).toEqual({ outPerSecond: 50, busy: 0.5 });
  expect(ratesOf(sample(), later({ arrived: 10 }))).toEqual({ inPerSecond: 100, busy: 0.5 });
  const rescaled = new Map([['v', { ms: 2_500, parallelism: 4 }]]);
  expect(ratesOf(sample(), later({ busyMs: rescaled })).busy).toBeUndefined();
});

test('of tasks that have reported nothing since, rates are as they were and say their age; they are never zero', () => {
  const looks = [
    sample({ livedMs: 10_000 }),
    later({ livedMs: 14_000 }),
    later({ livedMs: 14_000, atMs: 4_000 }),
    later({ livedMs: 14_000, atMs: 9_000 }),
    later({ livedMs: 26_000, atMs: 9_500, read: 950, arrived: 190 }),
  ];
  let now: ReturnType<typeof measured> | undefined;
  const rates = looks.map((look) => {
    now = measured(now, look);
    return now.rates;
  });
  const known = { inPerSecond: 100, outPerSecond: 50, busy: 0.5 };
  expect(rates).toEqual([
    {},
    known,
    { ...known, ratesAgeMs: 1_000 },
    { ...known, ratesAgeMs: 6_000 },
    { inPerSecond: 100, outPerSecond: 0, busy: 0 },
  ]);
});

test('of tasks that have told but once nothing is known; those that idle read nothing, which is known', () => {
  const first = measured(undefined, sample({ livedMs: 10_000 }));
  const again = measured(first, sample({ livedMs: 10_000, atMs: 3_000 }));
  expect(again.rates).toEqual({ ratesAgeMs: 2_000 });
  const idle = measured(first, sample({ livedMs: 14_000, atMs: 3_000 }));
  expect(idle.rates).toEqual({ inPerSecond: 0, outPerSecond: 0, busy: 0 });
});

test('no rate is negative, and nothing is busier than all of the time', () => {
  const count = fc.nat({ max: 1_000_000 });
  const any = fc
    .record({ atMs: count, read: count, arrived: count, ms: count })
    .map(({ ms, ...rest }) =>
      sample({ ...rest, busyMs: new Map([['v', { ms, parallelism: 2 }]]) }),
    );
  fc.assert(
    fc.property(any, any, (before, now) => {
      const { inPerSecond = 0, outPerSecond = 0, busy = 0 } = ratesOf(before, now);
      expect(Math.min(inPerSecond, outPerSecond, busy)).toBeGreaterThanOrEqual(0);
      expect(busy).toBeLessThanOrEqual(1);
    }),
    { seed: 20_261_129 },
  );
});
