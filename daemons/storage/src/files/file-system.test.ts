import { describe, expect, test } from 'vitest';
import { inParallel, parallelFiles } from './file-system.ts';

describe('inParallel', () => {
  const items = Array.from({ length: 5 * parallelFiles }, (_, i) => i);

  test('works on each item once, never on more than a few at a time', async () => {
    const done: number[] = [];
    let [running, most] = [0, 0];
    await inParallel(items, async (item) => {
      most = Math.max(most, ++running);
      for (let i = 0; i <= item % 3; i++) await Promise.resolve();
      running--;
      done.push(item);
    });
    expect(done.toSorted((a, b) => a - b)).toEqual(items);
    expect(most).toBe(parallelFiles);
  });

  test('begins nothing after a failure, and fails only when what was begun has ended', async () => {
    const [begun, ended]: [number[], number[]] = [[], []];
    const working = inParallel(items, async (item) => {
      begun.push(item);
      if (item === 2) throw new Error('no');
      for (let i = 0; i < 10; i++) await Promise.resolve();
      ended.push(item);
    });
    await expect(working).rejects.toThrow('no');
    expect(begun).toEqual(items.slice(0, parallelFiles));
    expect(ended.toSorted((a, b) => a - b)).toEqual(begun.filter((item) => item !== 2));
  });
});
