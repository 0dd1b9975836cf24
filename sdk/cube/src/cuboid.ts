/**
 * Cuboids. A cuboid is one GROUP BY over the dimensions of a model, kept as a bit set: bit i is on when
 * dimension i is kept. BigInt, because `number` shifts stop at 32 bits and models do not.
 */
export type CuboidId = bigint & { readonly brand: 'CuboidId' };

export function cuboidOf(dimensions: Iterable<number>): CuboidId {
  let id = 0n;
  for (const dimension of dimensions) id |= 1n << BigInt(dimension);
  return id as CuboidId;
}

/** The dimensions of a cuboid, ascending. */
export function dimensionsOf(cuboid: CuboidId): number[] {
  const dimensions: number[] = [];
  for (let rest: bigint = cuboid, i = 0; rest !== 0n; rest >>= 1n, i++) {
    if ((rest & 1n) === 1n) dimensions.push(i);
  }
  return dimensions;
}

/** A cuboid answers a query when it keeps every dimension the query groups or filters by. */
export function answers(cuboid: CuboidId, query: CuboidId): boolean {
  return (cuboid & query) === query;
}
