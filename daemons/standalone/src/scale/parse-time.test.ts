import { expect, test } from 'vitest';
import { parseTime } from './parse-time.ts';

test.each([
  { text: '2026-11-29T09:12:03.250Z', last: '2026-11-29T09:12:03.250Z' },
  { text: '2026-11-29T09:12:03Z', last: '2026-11-29T09:12:03.999Z' },
  { text: '2026-11-29 09:12', last: '2026-11-29T09:12:59.999Z' },
  { text: '2026-11-29T10:12:03+01:00', last: '2026-11-29T09:12:03.999Z' },
])('$text lasts until $last', ({ text, last }) => {
  expect(new Date(parseTime(text, '--at')).toISOString()).toBe(last);
});

test.each(['', 'now', '2026-11-29', '2026-13-29T00:00Z', '2026-11-29T25:00Z', '09:12'])(
  '%j is no time',
  (text) => {
    expect(() => parseTime(text, '--at')).toThrow(/--at cannot be used/);
  },
);
