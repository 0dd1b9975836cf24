import { type CuboidId, cuboidOf, dimensionsOf } from '../cuboid.ts';
import { tooManyCuboids } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Model } from '../model.ts';
import type { AggregationGroupSpec } from '../model-spec.ts';

/**
 * The cuboids that an aggregation group keeps (Kylin's pruning rules): subsets of `include` that hold every mandatory
 * dimension, hold all or none of each joint set, hold a finer member of a hierarchy only together with the coarser
 * ones, and add at most `maxDimensions` dimensions. A joint set and the mandatory ones together count as one
 * dimension each. The base cuboid (all of `include`) is always among them, the empty one never.
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
  const base = cuboidOf(group.include.map(index));
  const rules = rulesOf(group, base, index);
  const mandatory = closure(cuboidOf(group.mandatory.map(index)) & base, rules);
  const most = group.maxDimensions ?? Number.POSITIVE_INFINITY;
  const units = unitsOf(base & ~mandatory, rules);
  const found = new Set<CuboidId>([base]);
  // Every branch ends in a cuboid: a unit is offered only when what it needs is there, and may always be left out.
  const visit = (next: number, cuboid: bigint, count: number): void => {
    if (found.size > limits.cuboids) throw tooManyCuboids(limits.cuboids, position);
    const unit = units[next];
    if (unit === undefined) {
      if (cuboid !== 0n) found.add(cuboid as CuboidId);
      return;
    }
    visit(next + 1, cuboid, count);
    const complete = (unit.needs & ~(cuboid | unit.members)) === 0n;
    if (complete && count < most) visit(next + 1, cuboid | unit.members, count + 1);
  };
  visit(0, mandatory, mandatory === 0n ? 0 : 1);
  return found;
}

/** By dimension bit: the dimensions without which it is never kept. */
type Rules = ReadonlyMap<bigint, bigint>;

function rulesOf(
  group: AggregationGroupSpec,
  base: bigint,
  index: (name: string) => number,
): Rules {
  const needs = new Map<bigint, bigint>();
  const need = (dimension: bigint, others: bigint): void => {
    needs.set(dimension, (needs.get(dimension) ?? 0n) | (others & base));
  };
  const bit = (name: string) => 1n << BigInt(index(name));
  for (const set of group.joint) {
    const all = cuboidOf(set.map(index));
    for (const name of set) need(bit(name), all);
  }
  for (const chain of group.hierarchies) {
    for (const [i, name] of chain.entries()) {
      need(bit(name), cuboidOf(chain.slice(0, i).map(index)));
    }
  }
  return needs;
}

/** The smallest set that holds these dimensions and keeps the rules. */
function closure(dimensions: bigint, rules: Rules): bigint {
  let closed = dimensions;
  for (let before = -1n; before !== closed; ) {
    before = closed;
    for (const [dimension, needs] of rules) if ((closed & dimension) !== 0n) closed |= needs;
  }
  return closed;
}

/** Dimensions that are only taken or left together, with all that they need; what is needed comes first. */
interface Unit {
  readonly members: bigint;
  readonly needs: bigint;
}

function unitsOf(free: bigint, rules: Rules): Unit[] {
  const bits = dimensionsOf(free as CuboidId).map((dimension) => 1n << BigInt(dimension));
  const needs = new Map(bits.map((bit) => [bit, closure(bit, rules) & free]));
  const units = new Map<bigint, Unit>();
  for (const [bit, needed] of needs) {
    const members = bits.filter(
      (other) => (needed & other) !== 0n && (needs.get(other)! & bit) !== 0n,
    );
    const together = members.reduce((all, member) => all | member, 0n);
    units.set(together, { members: together, needs: needed });
  }
  return [...units.values()].sort(
    (a, b) => dimensionsOf(a.needs as CuboidId).length - dimensionsOf(b.needs as CuboidId).length,
  );
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
