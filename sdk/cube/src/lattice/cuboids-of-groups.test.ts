import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cuboidOf, dimensionsOf } from '../cuboid.ts';
import type { Model } from '../model.ts';
import type { AggregationGroupSpec } from '../model-spec.ts';
import { cuboidsOfGroup } from './cuboids-of-groups.ts';

const names = Array.from({ length: 9 }, (_, i) => `d${i}`);

/** Nine dimensions, the last of them derived from the first. */
const model = {
  name: 'm',
  dimensions: names.map((name, i) => ({
    name,
    ...(i === 8 ? { derivedFrom: { dimension: 0, lookup: 'l' } } : {}),
  })),
} as unknown as Model;

const stored = (name: string) => (name === 'd8' ? 0 : names.indexOf(name));
const bitsOf = (list: readonly string[]) => cuboidOf(list.map(stored));

/** All subsets, each asked for every rule by itself. */
function byBruteForce(group: AggregationGroupSpec): Set<bigint> {
  const base = bitsOf(group.include);
  const mandatory = bitsOf(group.mandatory) & base;
  const found = new Set<bigint>([base]);
  for (let subset = 1n; subset < 256n; subset++) {
    if ((subset & ~base) === 0n && keeps(subset, group, base, mandatory)) found.add(subset);
  }
  return found;
}

function keeps(subset: bigint, group: AggregationGroupSpec, base: bigint, mandatory: bigint) {
  const joint = group.joint.map((set) => bitsOf(set) & base);
  const chains = group.hierarchies.map((chain) => chain.map((name) => bitsOf([name]) & base));
  return (
    (subset & mandatory) === mandatory &&
    joint.every((set) => (subset & set) === 0n || (subset & set) === set) &&
    chains.every((chain) =>
      chain.every(
        (fine, i) => (subset & fine) === 0n || chain.slice(0, i).every((c) => (subset & c) === c),
      ),
    )
  );
}

const someNames = fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 });
const groups: fc.Arbitrary<AggregationGroupSpec> = fc
  .record({
    include: fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }),
    mandatory: someNames,
    joint: fc.array(someNames, { maxLength: 3 }),
    hierarchies: fc.array(someNames, { maxLength: 3 }),
  })
  .map(({ include, ...rules }) => {
    const inside = (list: readonly string[]) => list.filter((name) => include.includes(name));
    return {
      include,
      mandatory: inside(rules.mandatory),
      joint: rules.joint.map(inside),
      hierarchies: rules.hierarchies.map(inside),
    };
  });

describe('cuboidsOfGroup', () => {
  test('keeps exactly the subsets that break no rule, also where rules overlap', () => {
    fc.assert(
      fc.property(groups, (group) => {
        expect([...cuboidsOfGroup(model, group)].sort()).toEqual([...byBruteForce(group)].sort());
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  test('maxDimensions leaves out what adds more, but never the base cuboid', () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 4 }), (group, maxDimensions) => {
        const rules = { ...group, mandatory: [], joint: [], hierarchies: [], maxDimensions };
        const cuboids = cuboidsOfGroup(model, rules);
        const base = bitsOf(group.include);
        for (const cuboid of cuboids) {
          if (cuboid !== base)
            expect(dimensionsOf(cuboid).length).toBeLessThanOrEqual(maxDimensions);
        }
        const all = cuboidsOfGroup(model, { ...rules, maxDimensions: 9 });
        const small = [...all].filter((c) => c === base || dimensionsOf(c).length <= maxDimensions);
        expect(new Set(small)).toEqual(cuboids);
      }),
      { numRuns: 200, seed: 12 },
    );
  });

  test('the mandatory dimensions and each joint set count as one dimension', () => {
    const group = {
      include: ['d0', 'd1', 'd2', 'd3', 'd4'],
      mandatory: ['d0', 'd1'],
      joint: [['d2', 'd3']],
      hierarchies: [],
      maxDimensions: 2,
    };
    const kept = [...cuboidsOfGroup(model, group)].map((c) => dimensionsOf(c).join(''));
    expect(kept.sort()).toEqual(['01', '0123', '01234', '014']);
  });

  test('a derived dimension stands for the key that is stored', () => {
    const group = { include: ['d8', 'd1'], mandatory: ['d8'], joint: [], hierarchies: [] };
    expect(cuboidsOfGroup(model, group)).toEqual(new Set([bitsOf(['d0', 'd1']), bitsOf(['d0'])]));
  });

  test('more cuboids than a cube may have are refused before they are listed', () => {
    const many = {
      name: 'm',
      dimensions: Array.from({ length: 60 }, (_, i) => ({ name: `x${i}` })),
    };
    const include = many.dimensions.map(({ name }) => name);
    const group = { include, mandatory: [], joint: [], hierarchies: [] };
    expect(() => cuboidsOfGroup(many as unknown as Model, group)).toThrow(
      expect.objectContaining({ reason: 'TOO_MANY_CUBOIDS' }),
    );
  });

  test('many dimensions under strict rules are fine', () => {
    const many = {
      name: 'm',
      dimensions: Array.from({ length: 60 }, (_, i) => ({ name: `x${i}` })),
    };
    const include = many.dimensions.map(({ name }) => name);
    const chain = { include, mandatory: [], joint: [], hierarchies: [include] };
    expect(cuboidsOfGroup(many as unknown as Model, chain).size).toBe(60);
    const joint = { include, mandatory: [], joint: [include], hierarchies: [] };
    expect(cuboidsOfGroup(many as unknown as Model, joint).size).toBe(1);
  });
});
