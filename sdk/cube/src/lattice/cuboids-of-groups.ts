import { type CuboidId, cuboidOf, dimensionsOf } from '../cuboid.ts';
import { tooManyCuboids } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Model } from '../model.ts';
import type { AggregationGroupSpec } from '../model-spec.ts';

/**
 * The cuboids that an aggregation group keeps (Kylin's pruning rules): subsets of `include` that hold every mandatory
 * dimension, hold all or none of each joint set, hold a finer member of a hierarchy only together with the coarser
 * ones, and add at most `maxDimensions` dimensions. A joint set and the mandatory ones together count as one
 * dimension each. The base cuboid (all of `include`) is always among them.
 *
 * Derived dimensions are not stored: they stand for the key dimension that gives them.
 * @throws INVALID_ARGUMENT TOO_MANY_CUBOIDS
 */
export function cuboidsOfGroup(
  model: Model,
  group: AggregationGroupSpec,
  position = 0,
): ReadonlySet<CuboidId> {
  const index = dimensionIndex(model);
  const bits = (names: readonly string[]) => cuboidOf(names.map((name) => index(name)));
  const base = bits(group.include);
  const mandatory = bits(group.mandatory) & base;
  const blocks = freeBlocks(base & ~mandatory, group.joint.map(bits));
  const chains = group.hierarchies.map((chain) => chain.map((name) => 1n << BigInt(index(name))));
  const most = group.maxDimensions ?? Number.POSITIVE_INFINITY;
  const found = new Set<CuboidId>([base]);
  const visit = (next: number, cuboid: bigint, count: number): void => {
    if (found.size > limits.cuboids) throw tooManyCuboids(limits.cuboids, position);
    if (next === blocks.length) {
      if (cuboid !== 0n && chains.every((chain) => keepsChain(cuboid, chain)))
        found.add(cuboid as CuboidId);
      return;
    }
    visit(next + 1, cuboid, count);
    if (count < most) visit(next + 1, cuboid | blocks[next]!, count + 1);
  };
  visit(0, mandatory, mandatory === 0n ? 0 : 1);
  return found;
}

/** What may be taken or left as one: each joint set, and each dimension that is in none. */
function freeBlocks(free: bigint, joint: readonly bigint[]): bigint[] {
  const blocks: bigint[] = [];
  let rest = free;
  for (const set of joint) {
    const block = set & rest;
    if (block === 0n) continue;
    blocks.push(block);
    rest &= ~block;
  }
  for (const dimension of dimensionsOf(rest as CuboidId)) blocks.push(1n << BigInt(dimension));
  return blocks;
}

/** No finer member without every coarser one. */
function keepsChain(cuboid: bigint, chain: readonly bigint[]): boolean {
  let gap = false;
  for (const member of chain) {
    const kept = (cuboid & member) !== 0n;
    if (kept && gap) return false;
    gap ||= !kept;
  }
  return true;
}

/** Position of a dimension by name; of a derived one, that of the key that is stored for it. */
export function dimensionIndex(model: Model): (name: string) => number {
  const positions = new Map(model.dimensions.map(({ name }, i) => [name, i]));
  return (name) => {
    const position = positions.get(name);
    if (position === undefined) throw new Error(`model ${model.name} has no dimension ${name}`);
    return model.dimensions[position]!.derivedFrom?.dimension ?? position;
  };
}
