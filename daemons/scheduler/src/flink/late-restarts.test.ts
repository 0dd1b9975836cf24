import { describe, expect, test } from 'vitest';
import { LateRestarts } from './late-restarts.ts';

const minute = 60_000;

function watched() {
  let nowMs = 1_000;
  const restarts = new LateRestarts(() => nowMs);
  return (afterMs: number, counted: number | undefined, checkpoints: number) => {
    nowMs += afterMs;
    return restarts.late('a', { restarts: counted, checkpoints });
  };
}

describe('restarts of late', () => {
  test('are all of an attempt that never had a checkpoint', () => {
    const look = watched();
    expect(look(0, 7, 0)).toBe(7);
    expect(look(1_000, 9, 0)).toBe(9);
  });

  test('are those seen since it was looked at, of one that had', () => {
    const look = watched();
    expect(look(0, 7, 3)).toBe(0);
    expect(look(1_000, 9, 3)).toBe(2);
  });

  test('are none after another checkpoint', () => {
    const look = watched();
    look(0, 0, 1);
    expect(look(1_000, 4, 1)).toBe(4);
    expect(look(1_000, 5, 2)).toBe(0);
    expect(look(1_000, 6, 2)).toBe(1);
  });

  test('are those of five minutes', () => {
    const look = watched();
    look(0, 0, 1);
    for (let i = 1; i <= 20; i++) look(minute, i, 1);
    expect(look(0, 20, 1)).toBe(5);
    expect(look(10 * minute, 20, 1)).toBe(0);
  });

  test('are as they were while Flink does not say', () => {
    const look = watched();
    expect(look(0, undefined, 0)).toBe(0);
    expect(look(1_000, 4, 0)).toBe(4);
    expect(look(1_000, undefined, 0)).toBe(4);
  });
});
