import { seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { type CapacityObservation, fitCapacity } from './capacity-curve.ts';

const truth = { perSubtask: 8_000, contention: 0.02, bias: 0.18 };
const capacity = (p: number) => (truth.perSubtask * p) / (1 + truth.contention * (p - 1));

/** What a vertex says of itself at a share of its capacity, with an error of some percent. */
function seen(parallelism: number, used: number, error = 0): CapacityObservation {
  const rate = capacity(parallelism) * used * (1 + error);
  const busy = used * (1 - truth.bias * (1 - used));
  return { parallelism, effective: parallelism, rate, busy, weight: 5 };
}

describe('a capacity curve', () => {
  test('finds contention and bias from several sizes and loads', () => {
    const random = seededRandom(11);
    const rows = [4, 8, 12, 20].flatMap((p) =>
      [0.4, 0.7, 0.95].map((used) => seen(p, used, 0.02 * (random.next() - 0.5))),
    );
    const curve = fitCapacity(rows)!;
    for (const p of [6, 16, 28]) {
      expect(curve.at(p, p).expected / capacity(p)).toBeCloseTo(1, 1);
      expect(Math.abs(curve.at(p, p).expected / capacity(p) - 1)).toBeLessThan(0.06);
    }
  });

  test('does not believe tasks that say at little load that they could do much more', () => {
    const naive = seen(10, 0.4).rate / seen(10, 0.4).busy;
    expect(naive).toBeGreaterThan(1.1 * capacity(10));
    expect(fitCapacity([seen(10, 0.4)])!.at(10, 10).expected).toBeLessThan(1.07 * capacity(10));
  });

  test('is the more cautious, the further a size is from those that were seen', () => {
    const curve = fitCapacity([seen(4, 0.9)])!;
    const caution = (p: number) => {
      const { expected, cautious } = curve.at(p, p);
      return cautious / expected;
    };
    expect(caution(4)).toBeGreaterThan(0.95);
    expect(caution(40)).toBeLessThan(0.9);
  });

  test('knows nothing without observations', () => {
    expect(fitCapacity([])).toBeUndefined();
    expect(fitCapacity([{ ...seen(4, 0.5), busy: 0 }])).toBeUndefined();
  });
});
