import type { CatalogSnapshot } from './snapshot.ts';
import { changedTables, knowsVersions } from './staleness.ts';

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
export function segmentFreshness(
  { models, versions }: CatalogSnapshot,
  wanted: string | undefined,
): readonly SegmentFreshness[] {
  const found = models.flatMap(({ model, cubes }) =>
    cubes
      .filter(({ name }) => wanted === undefined || name === wanted)
      .flatMap((cube) =>
        cube.segments.map((segment): SegmentFreshness => {
          const changed = changedTables(model, segment, versions);
          const known = knowsVersions(model, segment, versions);
          return {
            segment: `${cube.name}/segments/${segment.id}`,
            freshness: changed.length > 0 ? 'stale' : known ? 'current' : 'unknown',
            changedTables: changed,
          };
        }),
      ),
  );
  return found.sort((a, b) => (a.segment < b.segment ? -1 : 1));
}
