import { type Random, seededRandom } from '@tessera/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answers, type CuboidId, cuboidOf } from '../cuboid.ts';
import { parseBudget } from './budget.ts';
import { candidateCuboids } from './candidates.ts';
import { MaxHeap } from './max-heap.ts';
import { planCuboids } from './plan-cuboids.ts';
import type { PlanProblem } from './plan-problem.ts';
import { mergeQueries, type PlanQuery } from './plan-query.ts';
import { selectCuboids } from './select-cuboids.ts';
import { bytesOf, objectiveOf } from './selection-instance.ts';
import { SizeModel } from './size-model.ts';
import { sortOrder, visitedShare } from './sort-order.ts';
import { instanceOf, weighCandidates } from './weigh.ts';

const cardinalities = [2, 10, 50, 200, 1_000, 5, 30];

function query(dimensions: readonly number[], change: Partial<PlanQuery> = {}): PlanQuery {
  return { text: 'q', cuboid: cuboidOf(dimensions), filters: [], weight: 1, ...change };
}

const sizes = new SizeModel({
  sourceRows: 1_000_000,
  segmentCount: 4,
  cardinalities,
  measured: new Map(),
  measureBytes: 8,
  counted: new Map([['users', 6_400]]),
});

function problemOf(change: Partial<PlanProblem> = {}): PlanProblem {
  const queries = change.queries ?? [query([0, 1]), query([2]), query([0, 3], { weight: 5 })];
  return {
    queries,
    candidates: candidateCuboids(queries, { hierarchies: [], limit: 200 }),
    pinned: [],
    cardinalities,
    sizeOf: (cuboid) => sizes.sizeOf(cuboid),
    source: { rows: 1_000_000, bytes: 100_000_000 },
    budgetBytes: 1_000_000,
    ...change,
  };
}

function randomQueries({ integer, next }: Random, count: number): PlanQuery[] {
  return Array.from({ length: count }, () => {
    const used = Array.from({ length: integer(1, 4) }, () => integer(0, 6));
    const filters = used.filter(() => next() < 0.5).map((dimension) => ({ dimension, values: 1 }));
    return query(used, { filters, weight: integer(1, 9) });
  });
}

const problems = fc
  .record({ seed: fc.nat(), count: fc.integer({ min: 1, max: 12 }), budget: fc.nat(3_000_000) })
  .map(({ seed, count, budget }) => {
    const queries = mergeQueries(randomQueries(seededRandom(seed), count));
    return problemOf({ queries, budgetBytes: budget });
  });

describe('planCuboids', () => {
  test('keeps to the budget, makes nothing slower, and gives the same plan each time', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const plan = planCuboids(problem);
        expect(plan.plannedBytes).toBeLessThanOrEqual(problem.budgetBytes);
        expect(plan.workloadMicrosAfter).toBeLessThanOrEqual(plan.workloadMicrosBefore);
        expect(plan.objectiveMicros).toBeLessThanOrEqual(plan.workloadMicrosBefore);
        expect(planCuboids(problem)).toEqual(plan);
        const taken = plan.candidates.filter((candidate) => candidate.taken);
        const saved = taken.reduce((sum, { benefitMicros }) => sum + benefitMicros, 0);
        const expected = plan.workloadMicrosBefore - plan.workloadMicrosAfter;
        expect(saved).toBeCloseTo(expected, 3);
      }),
      { seed: 21, numRuns: 60 },
    );
  });

  test('every reason is true of what it is given for', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const { candidates } = planCuboids(problem);
        const kept = candidates.filter(({ taken }) => taken);
        for (const { reason, taken, benefitMicros, cuboid } of candidates) {
          expect(taken).toBe(reason === 'TAKEN');
          if (reason === 'DOMINATED') expect(benefitMicros).toBe(0);
          else expect(benefitMicros).toBeGreaterThan(0);
          if (reason === 'OVER_BUDGET') {
            const bytes = kept.reduce((sum, { size }) => sum + size.bytes, 0);
            expect(bytes + problem.sizeOf(cuboid).bytes).toBeGreaterThan(problem.budgetBytes);
          }
        }
      }),
      { seed: 22, numRuns: 60 },
    );
  });

  test('what is pinned is kept first, even over the budget', () => {
    const pinned = cuboidOf([3, 4]);
    const plan = planCuboids(problemOf({ pinned: [pinned], budgetBytes: 10 }));
    expect(plan.candidates[0]).toMatchObject({ cuboid: pinned, reason: 'PINNED', taken: true });
    expect(plan.candidates.filter(({ taken }) => taken)).toHaveLength(1);
  });

  test('queries of which every cuboid is too large are told', () => {
    const small = query([0]);
    const large = query([2, 3, 4], { text: 'large' });
    const plan = planCuboids(problemOf({ queries: [small, large], budgetBytes: 100_000 }));
    expect(plan.unanswered).toEqual([large]);
  });

  test('a query of a distinct count pays for the companion, which is larger', () => {
    const micros = (companion?: string) => {
      const queries = [query([1, 2], companion === undefined ? {} : { companion })];
      return planCuboids(problemOf({ queries, budgetBytes: 1e9 })).workloadMicrosAfter;
    };
    expect(micros('users')).toBeGreaterThan(micros());
  });
});

describe('selectCuboids', () => {
  test('is at most 5 % from the best of all choices', () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const candidates = problem.candidates.slice(0, 9);
        const instance = instanceOf(problem, weighCandidates({ ...problem, candidates }));
        let best = Number.POSITIVE_INFINITY;
        for (let subset = 0; subset < 2 ** instance.candidates.length; subset++) {
          const chosen = [...instance.candidates.keys()].filter((i) => (subset >> i) & 1);
          if (bytesOf(instance, chosen) <= instance.budgetBytes) {
            best = Math.min(best, objectiveOf(instance, chosen));
          }
        }
        const found = objectiveOf(instance, selectCuboids(instance));
        expect(found).toBeGreaterThanOrEqual(best * (1 - 1e-9));
        expect(found).toBeLessThanOrEqual(best * 1.05);
      }),
      { seed: 23, numRuns: 60 },
    );
  });
});

describe('candidateCuboids', () => {
  const subsets = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }), {
    minLength: 1,
    maxLength: 6,
  });

  test('with room for all are the unions of what the queries need', () => {
    fc.assert(
      fc.property(subsets, (sets) => {
        const queries = sets.map((set) => query(set));
        const unions = new Set<bigint>();
        for (let subset = 1; subset < 2 ** sets.length; subset++) {
          const members = queries.filter((_, i) => (subset >> i) & 1);
          unions.add(members.reduce((all, { cuboid }) => all | cuboid, 0n));
        }
        const found = candidateCuboids(queries, { hierarchies: [], limit: 1_000 });
        expect(new Set<bigint>(found)).toEqual(unions);
      }),
      { seed: 24 },
    );
  });

  test('are never more than the limit, and always hold one that answers everything', () => {
    fc.assert(
      fc.property(subsets, fc.integer({ min: 1, max: 10 }), (sets, limit) => {
        const queries = sets.map((set) => query(set));
        const found = candidateCuboids(queries, { hierarchies: [], limit });
        expect(found.length).toBeLessThanOrEqual(limit);
        expect(found.some((c) => queries.every(({ cuboid }) => answers(c, cuboid)))).toBe(true);
      }),
      { seed: 25 },
    );
  });

  test('coarser levels come along with finer ones', () => {
    const found = candidateCuboids([query([2])], { hierarchies: [[0, 1, 2, 3]], limit: 10 });
    expect(found).toContain(cuboidOf([0, 1, 2]));
  });
});

describe('SizeModel', () => {
  const subset = fc.uniqueArray(fc.integer({ min: 0, max: 6 })).map(cuboidOf);

  test('more dimensions never mean fewer rows, nor more rows than the source has', () => {
    fc.assert(
      fc.property(subset, subset, (a, b) => {
        const union = (a | b) as CuboidId;
        expect(sizes.rowsOf(union)).toBeGreaterThanOrEqual(sizes.rowsOf(a) * (1 - 1e-9));
        expect(sizes.rowsOf(union)).toBeLessThanOrEqual(1_000_000);
      }),
      { seed: 26 },
    );
  });

  test('what was measured is taken as it is, and bounds the rest', () => {
    const measured = new Map([
      [cuboidOf([3, 4]), 5_000],
      [cuboidOf([0, 1, 2]), 300],
    ]);
    const known = new SizeModel({
      sourceRows: 1_000_000,
      segmentCount: 1,
      cardinalities,
      measured,
      measureBytes: 8,
      counted: new Map(),
    });
    expect(known.rowsOf(cuboidOf([3, 4]))).toBe(5_000);
    expect(known.rowsOf(cuboidOf([1, 2]))).toBeLessThanOrEqual(300);
    expect(known.rowsOf(cuboidOf([3, 4, 5]))).toBeGreaterThanOrEqual(5_000);
  });
});

describe('sortOrder', () => {
  const shares = (...filtered: readonly [number, number][]) => new Map(filtered);

  test('puts first what is filtered by, then what has few values', () => {
    const queries = [{ weight: 1, shares: shares([3, 1 / 200]) }];
    expect(sortOrder(cuboidOf([0, 2, 3]), queries, cardinalities)).toEqual([3, 0, 2]);
  });

  test('goes on with what the same queries filter by, not with what others do', () => {
    const queries = [
      { weight: 10, shares: shares([3, 1 / 200], [2, 1 / 50]) },
      { weight: 9, shares: shares([4, 1 / 1_000]) },
    ];
    expect(sortOrder(cuboidOf([0, 2, 3, 4]), queries, cardinalities).slice(0, 2)).toEqual([3, 2]);
  });

  test('a query visits what its filters on the leading dimensions leave', () => {
    const filtered = shares([3, 0.1], [2, 0.5], [0, 0.2]);
    expect(visitedShare([3, 2, 1, 0], filtered)).toBeCloseTo(0.05);
    expect(visitedShare([1, 3], filtered)).toBe(1);
  });
});

describe('parseBudget', () => {
  test.each([
    { budget: '0.2x', bytes: 200 },
    { budget: '.5x', bytes: 500 },
    { budget: '2x', bytes: 2_000 },
    { budget: '512MB', bytes: 512_000_000 },
    { budget: '1.5 GiB', bytes: 1_610_612_736 },
    { budget: '10B', bytes: 10 },
  ])('$budget of 1000 bytes is $bytes', ({ budget, bytes }) => {
    expect(parseBudget(budget, 1_000)).toBe(bytes);
  });

  test.each(['', 'much', '12', '-1MB', '1e9B', 'x', '5 XB'])('%j is refused', (budget) => {
    expect(() => parseBudget(budget, 1_000)).toThrow(
      expect.objectContaining({ reason: 'BUDGET_INVALID' }),
    );
  });
});

test('MaxHeap gives the largest key first, and of equal keys the lowest position', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }), (keys) => {
      const heap = new MaxHeap(keys.length);
      keys.forEach((key, position) => {
        heap.push(key, position);
      });
      const popped: number[] = [];
      for (let next = heap.pop(); next !== undefined; next = heap.pop()) popped.push(next);
      const sorted = [...keys.keys()].sort((a, b) => keys[b]! - keys[a]! || a - b);
      expect(popped).toEqual(sorted);
    }),
    { seed: 27 },
  );
});
