import { expect, test } from 'vitest';
import { offeredUntil, parseProfile, rateAt } from './load-profile.ts';

const step = parseProfile('0:400,90:4000,190:400');

test.each([
  { seconds: 0, offered: 0, rate: 400 },
  { seconds: 30, offered: 12_000, rate: 400 },
  { seconds: 90, offered: 36_000, rate: 4_000 },
  { seconds: 100.5, offered: 78_000, rate: 4_000 },
  { seconds: 190, offered: 436_000, rate: 400 },
  { seconds: 270, offered: 468_000, rate: 400 },
])('a load in steps has offered $offered after $seconds s', ({ seconds, offered, rate }) => {
  expect(offeredUntil(step, seconds)).toBe(offered);
  expect(rateAt(step, seconds)).toBe(rate);
});

test('what is no step is refused', () => {
  expect(() => parseProfile('0:400,90')).toThrow('"90"');
});
