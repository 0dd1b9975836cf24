import { describe, expect, test } from 'vitest';
import { loadForecast } from './load-forecast.ts';

describe('the forecast of a decision', () => {
  const weights = { lastValue: 1 };
  const course = (steps: number) => ({
    quantile: 0.95,
    weight: 1,
    load: Float64Array.from({ length: steps }, (_, step) => step),
  });

  test('is how much comes on the mean until each time, thinned', () => {
    const { stepMs, quantiles } = loadForecast([course(120)], { stepMs: 60_000, weights });
    expect(stepMs).toBe(300_000);
    const rates = Array.from({ length: 24 }, (_, i) => 2 + 2.5 * i);
    expect(quantiles).toEqual([{ quantile: 0.95, rates }]);
  });

  test('is whole where it is short', () => {
    const { stepMs, quantiles } = loadForecast([course(3)], { stepMs: 60_000, weights });
    expect(stepMs).toBe(60_000);
    expect(quantiles).toEqual([{ quantile: 0.95, rates: [0, 0.5, 1] }]);
  });
});
