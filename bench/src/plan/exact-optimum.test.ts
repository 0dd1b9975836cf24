import { instanceOf, objectiveOf, selectCuboids, weighCandidates } from '@tessera/cube';
import { describe, expect, test } from 'vitest';
import { exactOptimum, optimumByExhaustion } from './exact-optimum.ts';
import { randomProblem } from './instances.ts';

const cases = [1, 2, 3, 4].flatMap((seed) =>
  [0.001, 0.05, 0.5].map((budget) => ({ seed, budget })),
);

function instanceFor(seed: number, budget: number) {
  const problem = randomProblem({ seed, dimensions: 6, queries: 8, budget, candidates: 14 });
  return instanceOf(problem, weighCandidates(problem));
}

describe('exactOptimum', () => {
  test.each(cases)(
    'seed $seed, budget $budget: the same as trying every choice',
    async ({ seed, budget }) => {
      const instance = instanceFor(seed, budget);
      const optimum = optimumByExhaustion(instance);
      expect(await exactOptimum(instance)).toBeCloseTo(optimum, -Math.log10(optimum * 1e-5));
    },
  );

  test('a budget of nothing leaves all to the source', async () => {
    const instance = { ...instanceFor(1, 0.5), budgetBytes: 0 };
    expect(await exactOptimum(instance)).toBe(objectiveOf(instance, []));
    expect(optimumByExhaustion(instance)).toBe(objectiveOf(instance, []));
  });
});

describe('selectCuboids', () => {
  test.each(cases)(
    'seed $seed, budget $budget: at most 5 % from the optimum',
    ({ seed, budget }) => {
      const instance = instanceFor(seed, budget);
      const optimum = optimumByExhaustion(instance);
      const found = objectiveOf(instance, selectCuboids(instance));
      expect(found).toBeGreaterThanOrEqual(optimum * (1 - 1e-9));
      expect(found).toBeLessThanOrEqual(optimum * 1.05);
    },
  );
});
