import fc from 'fast-check';
import { randomWorld, type WorldSpec } from '../differential/world.ts';

/** What the restricted user's rows are told by, and a range that everybody filters by. */
const wantedDimensions = ['txt', 'b', 'day'];

/**
 * A partitioned model over enough rows, in segments of a month, with a cuboid of all that it stores: most questions can
 * be answered by cuboids, whoever asks.
 */
export function worldSpec(seed: number): WorldSpec {
  const [spec] = fc.sample(randomWorld.filter(isRich), { seed, numRuns: 1 }) as [WorldSpec];
  const { dimensions } = spec.model;
  const stored = dimensions.filter(({ derivedFrom }) => derivedFrom === undefined);
  const base = stored.map(({ name }) => name);
  const others = spec.cube.cuboids.filter((each) => each.length < base.length);
  return {
    ...spec,
    cube: {
      ...spec.cube,
      cuboids: [base, ...others],
      segments: { every: 'month', autoMerge: [] },
    },
    dropped: [],
  };
}

function isRich({ model, rows }: WorldSpec): boolean {
  const names = new Set(model.dimensions.map(({ name }) => name));
  const { partition, joins, dimensions } = model;
  return (
    partition?.column === 'f.d' &&
    rows['fact']!.length > 50 &&
    wantedDimensions.every((name) => names.has(name)) &&
    joins.some(({ alias }) => dimensions.some(({ column }) => column.startsWith(`${alias}.`)))
  );
}
