import { expect, test } from 'vitest';
import { isSameVersion } from './segment.ts';

const [one, two] = [
  { known: true, token: '1' },
  { known: true, token: '2' },
];
const unknown = { known: false, token: '1' };

test.each([
  [one, { ...one }, true],
  [unknown, { ...unknown }, true],
  [undefined, undefined, true],
  [one, two, false],
  [one, unknown, false],
  [one, undefined, false],
  [undefined, unknown, false],
])('versions %o and %o of a table say the same: %o', (a, b, isSame) => {
  expect(isSameVersion(a, b)).toBe(isSame);
});
