import { expect, test } from 'vitest';
import { UnaskedEnds } from './unasked-ends.ts';

test('ends are given once, by state directory, a minute after nobody asks for them again', () => {
  let nowMs = 0;
  const ends = new UnaskedEnds({ monotonicMs: () => nowMs });
  ends.add('file:///a', ['1', '2']);
  ends.add('file:///b', ['3']);
  nowMs = 30_000;
  ends.add('file:///a', ['4']);
  nowMs = 59_999;
  expect(ends.take()).toEqual(new Map());
  nowMs = 60_000;
  const due = [
    ['file:///a', new Set(['1', '2'])],
    ['file:///b', new Set(['3'])],
  ] as const;
  expect(ends.take()).toEqual(new Map(due));
  expect(ends.take()).toEqual(new Map());
  nowMs = 90_000;
  expect(ends.take()).toEqual(new Map([['file:///a', new Set(['4'])]]));
});

test('so many are remembered, the newest ones', () => {
  let nowMs = 0;
  const ends = new UnaskedEnds({ monotonicMs: () => nowMs });
  const ids = Array.from({ length: 10_002 }, (_, i) => `${i}`);
  ends.add('file:///a', ids);
  nowMs = 60_000;
  expect(ends.take().get('file:///a')).toEqual(new Set(ids.slice(2)));
});
