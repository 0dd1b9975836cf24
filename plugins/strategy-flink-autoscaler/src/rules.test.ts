import { describe, expect, test } from 'vitest';
import { align } from './alignment.ts';
import { linearParallelism, rateBounds, requiredRate } from './capacity-formula.ts';
import { flinkAutoscalerConfig } from './config.ts';
import { due, type PendingScaleDown, remember } from './delayed-scale-down.ts';

const config = flinkAutoscalerConfig.parse({});
const minute = 60_000;
const restartMs = 5 * minute;
const load = { targetRate: 1000, catchUpRate: 0 };

describe('the required rate at defaults', () => {
  test('is what the target utilisation and one restart ask for', () => {
    expect(requiredRate(load, 0.7, restartMs, config.catchUpDurationMs)).toBe(1595);
  });

  test('has bounds at full use and at the lower utilisation', () => {
    const bounds = { scaleUpBelow: 1000, scaleDownAbove: 2667 };
    expect(rateBounds(load, false, restartMs, config)).toEqual(bounds);
  });

  test('never asks to scale down while a backlog is worked off', () => {
    const behind = { targetRate: 1000, catchUpRate: 600_000 / 1800 };
    const bounds = { scaleUpBelow: 1333, scaleDownAbove: Infinity };
    expect(rateBounds(behind, true, restartMs, config)).toEqual(bounds);
  });

  test('is infinite at no utilisation', () => {
    expect(requiredRate(load, 0, 0, config.catchUpDurationMs)).toBe(Infinity);
  });
});

describe('the wanted parallelism at defaults', () => {
  test.each([
    { trueRate: 1250, parallelism: 4, wanted: 6, factor: 1.276 },
    { trueRate: 900, parallelism: 4, wanted: 8, factor: 1.772 },
    { trueRate: 4000, parallelism: 10, wanted: 4, factor: 0.4 },
  ])('from $trueRate/s at $parallelism is $wanted', ({ trueRate, parallelism, wanted, factor }) => {
    const sized = linearParallelism(load, { parallelism, trueRate }, restartMs, 1, config);
    expect(sized.parallelism).toBe(wanted);
    expect(sized.scaleFactor).toBeCloseTo(factor, 3);
  });
});

describe('balanced alignment', () => {
  test.each([
    { units: 15, current: 4, wanted: 7, aligned: 8 },
    { units: 720, current: 8, wanted: 13, aligned: 14 },
    { units: 128, current: 10, wanted: 4, aligned: 4 },
    { units: 73, current: 10, wanted: 50, aligned: 73 },
  ])('of $wanted over $units units is $aligned', ({ aligned, ...range }) => {
    expect(align({ ...range, limit: 200 }, 'BALANCED')).toBe(aligned);
  });

  test('keeps what is wanted when nothing better is allowed', () => {
    expect(align({ units: 73, current: 10, wanted: 50, limit: 60 }, 'BALANCED')).toBe(50);
  });

  test('of evenly spread parallelism takes divisors only', () => {
    expect(align({ units: 720, current: 8, wanted: 13, limit: 200 }, 'EVENLY_SPREAD')).toBe(15);
  });
});

describe('a scale down', () => {
  const hour = 60 * minute;
  const after = (recommendations: readonly [minute: number, parallelism: number][]) =>
    recommendations.reduce<PendingScaleDown | undefined>(
      (pending, [at, parallelism]) =>
        remember(pending, at * minute, hour, { parallelism, outside: true }),
      undefined,
    )!;

  test('waits for an hour from when it was first wished', () => {
    const pending = after([
      [0, 4],
      [59, 4],
    ]);
    expect(due(pending, 59 * minute, hour)).toBeUndefined();
  });

  test('is the greatest recommendation of the last hour', () => {
    const pending = after([
      [0, 7],
      [10, 5],
      [30, 6],
      [60, 4],
    ]);
    expect(due(pending, 60 * minute, hour)?.parallelism).toBe(6);
  });
});
