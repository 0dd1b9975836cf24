import { expect, test } from 'vitest';
import { AskedFor } from './asked-for.ts';

test('what was not asked for since the last time is forgotten, and only that', () => {
  const known = new AskedFor<number>();
  for (const [i, key] of ['kept', 'unasked', 'deleted'].entries()) known.set(key, i);
  expect(known.get('kept')).toBe(0);
  known.delete('deleted');
  known.forgetUnasked();
  expect(['kept', 'unasked', 'deleted'].map((key) => known.get(key))).toEqual([
    0,
    undefined,
    undefined,
  ]);
  known.set('later', 3);
  known.forgetUnasked();
  expect([known.get('kept'), known.get('later')]).toEqual([0, undefined]);
  known.forgetUnasked();
  known.forgetUnasked();
  expect(known.get('kept')).toBeUndefined();
});
