import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseEvictions, HitMeter, type Resident } from './eviction.ts';

const resident = (key: string, bytes: number, benefit: number, pinned = false): Resident => ({
  key,
  bytes,
  benefit,
  pinned,
});

describe('chooseEvictions', () => {
  test.each([
    {
      why: 'there is room',
      residents: [resident('a', 50, 1)],
      newcomer: resident('n', 50, 1),
      victims: [],
    },
    {
      why: 'the least useful byte goes first',
      residents: [resident('a', 50, 500), resident('b', 50, 1)],
      newcomer: resident('n', 50, 100),
      victims: ['b'],
    },
    {
      why: 'nothing is displaced by something worth no more',
      residents: [resident('a', 100, 100)],
      newcomer: resident('n', 50, 50),
      victims: undefined,
    },
    {
      why: 'what is pinned stays',
      residents: [resident('a', 100, 1, true)],
      newcomer: resident('n', 50, 1e9),
      victims: undefined,
    },
    {
      why: 'a pinned newcomer displaces what is more useful',
      residents: [resident('a', 100, 1e9)],
      newcomer: resident('n', 50, 1, true),
      victims: ['a'],
    },
    {
      why: 'it is larger than the budget',
      residents: [],
      newcomer: resident('n', 101, 1e9),
      victims: undefined,
    },
    {
      why: 'its own older form is replaced',
      residents: [resident('n', 60, 1)],
      newcomer: resident('n', 90, 1),
      victims: [],
    },
  ])('$why', ({ residents, newcomer, victims }) => {
    expect(chooseEvictions(residents, newcomer, 100)).toEqual(victims);
  });

  test('never exceeds the budget, never evicts what is pinned, and evicts nothing in vain', () => {
    const one = fc.record({
      bytes: fc.integer({ min: 1, max: 60 }),
      benefit: fc.integer({ min: 0, max: 100 }),
      pinned: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(one, { maxLength: 8 }), one, (others, own) => {
        const residents = others.map((each, i) => ({ ...each, key: `r${i}` }));
        const victims = chooseEvictions(residents, { ...own, key: 'n' }, 100);
        if (victims === undefined) return;
        const left = residents.filter(({ key }) => !victims.includes(key));
        const used = left.reduce((sum, { bytes }) => sum + bytes, own.bytes);
        expect(used).toBeLessThanOrEqual(100);
        expect(residents.filter(({ pinned }) => pinned).every((each) => left.includes(each))).toBe(
          true,
        );
        const last = residents.find(({ key }) => key === victims.at(-1));
        if (last !== undefined) expect(used + last.bytes).toBeGreaterThan(100);
      }),
    );
  });
});

test('recent hits lose half their weight in ten minutes', () => {
  const meter = new HitMeter();
  meter.hit(0n);
  meter.hit(0n);
  expect(meter.recent(600_000_000n)).toBeCloseTo(1);
  expect(meter.hitCount).toBe(2);
});
