import { type Random, seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { noForecasts, observe, persistence } from './ensemble.ts';
import { horizons } from './horizons.ts';
import { lastValue } from './models.ts';

const day = 288;
const noise = (random: Random, size: number) => 1 + size * (random.next() + random.next() - 1);
const traces: Readonly<Record<string, (step: number, random: Random) => number>> = {
  'a sine of a day': (step, random) =>
    100 * (1 + 0.6 * Math.sin((2 * Math.PI * step) / day)) * noise(random, 0.05),
  'a ramp of 140 minutes': (step, random) =>
    (10 + 190 * Math.abs(((step / 28) % 2) - 1)) * noise(random, 0.05),
  'two peaks a day': (step, random) =>
    (100 + 40 * Math.sin((2 * Math.PI * step) / day) + 25 * Math.sin((4 * Math.PI * step) / day)) *
    noise(random, 0.05),
};
const aimless: Readonly<Record<string, (step: number, random: Random) => number>> = {
  'noise about a level': (_, random) => 100 * noise(random, 0.3),
  'steps at random': (() => {
    let level = 100;
    return (step: number, random: Random) => {
      if (step % 36 === 0) level = 50 * random.integer(1, 4);
      return level * noise(random, 0.05);
    };
  })(),
};

/** Mean pinball loss of the middle at all horizons, of the mixture and of the last value; and how often sums stayed below q95. */
function judge(shape: (step: number, random: Random) => number, seed: number) {
  const random = seededRandom(seed);
  const values = Array.from({ length: 3 * day }, (_, step) => shape(step, random));
  let state = noForecasts;
  const loss = { mixture: 0, last: 0 };
  const below = { yes: 0, all: 0 };
  for (let now = 1; now + 12 < values.length; now++) {
    const known = values.slice(0, now);
    const next = observe(state, known);
    state = next.state;
    if (now < day) continue;
    const last = lastValue(known, { steps: 12, season: undefined })!;
    const q95 = next.forecast.bands.find(({ quantile }) => quantile === 0.95)!.factors;
    for (const horizon of horizons) {
      const came = values[now + horizon - 1]!;
      loss.mixture += 0.5 * Math.abs(came - next.forecast.path[horizon - 1]!);
      loss.last += 0.5 * Math.abs(came - last[horizon - 1]!);
    }
    const sums = [0, 0];
    for (let step = 0; step < 6; step++) {
      sums[0]! += values[now + step]!;
      sums[1]! += next.forecast.path[step]! * q95[step]!;
    }
    below.all++;
    if (sums[0]! <= sums[1]!) below.yes++;
  }
  return { ratio: loss.mixture / loss.last, coverage: below.yes / below.all };
}

describe('the forecast', () => {
  test.each(Object.entries(traces))('of %s is a fifth better than the last value', (_, shape) => {
    const { ratio, coverage } = judge(shape, 101);
    expect(ratio).toBeLessThan(0.8);
    expect(coverage).toBeGreaterThan(0.88);
  });

  test.each(Object.entries(aimless))('of %s is no worse than the last value', (_, shape) => {
    const { ratio, coverage } = judge(shape, 102);
    expect(ratio).toBeLessThan(1.05);
    expect(coverage).toBeGreaterThan(0.85);
  });

  test.each([
    { load: 'steps at random', from: 0.6, to: 1 },
    { load: 'noise about a level', from: 0, to: 0.3 },
  ])('knows what of an error lasts: between $from and $to on $load', ({ load, from, to }) => {
    const random = seededRandom(103);
    const values = Array.from({ length: day }, (_, step) => aimless[load]!(step, random));
    let state = noForecasts;
    values.forEach((_, i) => {
      state = observe(state, values.slice(0, i + 1)).state;
    });
    expect(persistence(state.errors)).toBeGreaterThanOrEqual(from);
    expect(persistence(state.errors)).toBeLessThanOrEqual(to);
  });

  test('believes most of an error as long as it has seen none', () => {
    expect(persistence(noForecasts.errors)).toBeCloseTo(0.7);
  });

  test('says nothing that could not be kept as JSON', () => {
    const { state } = observe(noForecasts, [1, 2, 3]);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
  });
});
