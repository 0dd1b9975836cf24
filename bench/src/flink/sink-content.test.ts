import { describe, expect, test } from 'vitest';
import { longestGapMs, type SinkLine, verdictOf } from './sink-content.ts';

const splits = 3;
const keys = 2;

/** As the load job commits records, each key counted. */
function committed(indices: readonly number[]): SinkLine[] {
  const counts = new Map<string, number>();
  return indices.map((index, i) => {
    const key = String(index % keys);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    return { key, index, count, atMs: 1_000 + i };
  });
}

describe('the verdict on a sink', () => {
  test('is good when each split is whole as far as it was read', () => {
    const lines = committed([0, 3, 1, 6, 2]);
    expect(verdictOf(lines, splits)).toEqual({ lines: 5, lost: 0, doubled: 0, wrongStates: 0 });
  });

  test('counts what is missing before the last record of a split', () => {
    expect(verdictOf(committed([0, 1, 2, 6, 9]), splits)).toMatchObject({ lost: 1, doubled: 0 });
  });

  test('counts what is there twice', () => {
    expect(verdictOf(committed([0, 1, 2, 1]), splits)).toMatchObject({ lost: 0, doubled: 1 });
  });

  test('counts keys whose state has counted more or less than was committed', () => {
    const [first, ...others] = committed([0, 1, 2, 3]);
    const lines = [{ ...first!, count: 7 }, ...others];
    expect(verdictOf(lines, splits)).toMatchObject({ lost: 0, wrongStates: 1 });
  });
});

describe('the longest gap', () => {
  const at = (...times: number[]) => times.map((atMs) => ({ key: '', index: 0, count: 0, atMs }));

  test.each([
    { times: at(10, 20, 60, 70), gap: 40 },
    { times: at(60, 20, 70, 10), gap: 40 },
    { times: at(90), gap: 90 },
    { times: at(), gap: 100 },
    { times: at(-5, 40, 160), gap: 60 },
  ])('of $times within a window is $gap', ({ times, gap }) => {
    expect(longestGapMs(times, { fromMs: 0, toMs: 100 })).toBe(gap);
  });
});
