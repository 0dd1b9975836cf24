import fc from 'fast-check';
import { randomWorld, type WorldSpec } from '../differential/world.ts';

/** A partitioned model over enough rows, in segments of a month. */
export function worldSpec(seed: number): WorldSpec {
  const partitioned = randomWorld.filter(
    ({ model, rows }) => model.partition?.column === 'f.d' && rows['fact']!.length > 50,
  );
  const [spec] = fc.sample(partitioned, { seed, numRuns: 1 }) as [WorldSpec];
  return {
    ...spec,
    cube: { ...spec.cube, segments: { every: 'month', autoMerge: [] } },
    dropped: [],
  };
}
