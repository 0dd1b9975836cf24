import type { CubeState, Model } from '@tessera/cube';
import type { CatalogSnapshot } from './snapshot.ts';
import { changedTables, knowsVersions, type Versions } from './staleness.ts';

/** Whether a READY segment still holds what its tables hold, as far as connectors can tell. */
export interface SegmentFreshness {
  /** Resource name. */
  readonly segment: string;
  /** `unknown`: some version cannot be told, and none of the others has changed. */
  readonly freshness: 'current' | 'stale' | 'unknown';
  /** As `source.table`. */
  readonly changedTables: readonly string[];
}

/** The segments of one cube (a resource name) or of all, by name; whatever freshness their model asks for. */
export async function segmentFreshness(
  snapshot: CatalogSnapshot,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<readonly SegmentFreshness[]> {
  const found: SegmentFreshness[] = [];
  for (const model of snapshot.models) {
    const names = snapshot.cubes.get(model.name) ?? [];
    if (wanted !== undefined && !names.includes(wanted)) continue;
    const state = await snapshot.stateOf(model, signal);
    const cubes = state.cubes.filter(({ name }) => wanted === undefined || name === wanted);
    for (const cube of cubes) found.push(...freshnessOf(model, cube, snapshot.versions));
  }
  return found.sort((a, b) => (a.segment < b.segment ? -1 : 1));
}

function freshnessOf(model: Model, cube: CubeState, versions: Versions): SegmentFreshness[] {
  return cube.segments.map((segment) => {
    const changed = changedTables(model, segment, versions);
    const known = knowsVersions(model, segment, versions);
    return {
      segment: `${cube.name}/segments/${segment.id}`,
      freshness: changed.length > 0 ? 'stale' : known ? 'current' : 'unknown',
      changedTables: changed,
    };
  });
}
