import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type QuotaDemand, shareQuota } from './share-quota.ts';

const demand = (job: string, changes: Partial<QuotaDemand>): QuotaDemand => ({
  job,
  priority: 0,
  held: 0,
  least: 1,
  wanted: 10,
  ...changes,
});

describe('a shared quota', () => {
  test.each<{ why: string; slots: number; demands: QuotaDemand[]; shares: number[] }>([
    {
      why: 'gives all that they want when there is enough',
      slots: 20,
      demands: [demand('a', {}), demand('b', {})],
      shares: [10, 10],
    },
    {
      why: 'shares what is short among equals',
      slots: 11,
      demands: [demand('a', {}), demand('b', {})],
      shares: [6, 5],
    },
    {
      why: 'does not take from an equal what it holds',
      slots: 12,
      demands: [demand('a', { held: 9 }), demand('b', {})],
      shares: [9, 3],
    },
    {
      why: 'takes from a lower priority what a higher one wants',
      slots: 12,
      demands: [demand('a', { held: 10 }), demand('b', { priority: 1 })],
      shares: [2, 10],
    },
    {
      why: 'leaves everybody what he cannot do without',
      slots: 12,
      demands: [demand('a', { held: 10, least: 4 }), demand('b', { priority: 1 })],
      shares: [4, 8],
    },
    {
      why: 'does not begin what does not fit, but what does',
      slots: 5,
      demands: [demand('a', { priority: 1, least: 6 }), demand('b', {})],
      shares: [0, 5],
    },
  ])('$why', ({ slots, demands, shares }) => {
    const given = shareQuota(slots, demands);
    expect(demands.map(({ job }) => given.get(job))).toEqual(shares);
  });

  const demands = fc.uniqueArray(
    fc
      .record({
        job: fc.string({ minLength: 1, maxLength: 3 }),
        priority: fc.integer({ min: 0, max: 2 }),
        held: fc.nat({ max: 12 }),
        least: fc.integer({ min: 1, max: 4 }),
        more: fc.nat({ max: 12 }),
      })
      .map(({ least, more, ...rest }) => ({ ...rest, least, wanted: least + more })),
    { maxLength: 8, selector: ({ job }) => job },
  );

  test('is never exceeded, never left while somebody who runs wants more, and the same in any order', () => {
    fc.assert(
      fc.property(fc.nat({ max: 40 }), demands, fc.nat(), (slots, asked, turn) => {
        const given = shareQuota(slots, asked);
        const sum = given.values().reduce((a, b) => a + b, 0);
        expect(sum).toBeLessThanOrEqual(slots);
        for (const { job, least, wanted } of asked) {
          const share = given.get(job)!;
          expect(share === 0 || (share >= least && share <= wanted)).toBe(true);
          if (share > 0 && share < wanted) expect(sum).toBe(slots);
        }
        const at = asked.length === 0 ? 0 : turn % asked.length;
        const turned = [...asked.slice(at), ...asked.slice(0, at)];
        expect(shareQuota(slots, turned)).toEqual(
          new Map(turned.map(({ job }) => [job, given.get(job)!])),
        );
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
