import type { ScanPlan } from '@tessera/cube';
import type { CatalogSnapshot } from './snapshot.ts';

/** The snapshot without the layout of a scan in the segments that it read: other layouts or the source answer then. */
export function withoutLayout(snapshot: CatalogSnapshot, scan: ScanPlan): CatalogSnapshot {
  const unreadable = new Set(scan.segments.map(({ id }) => id));
  return {
    ...snapshot,
    models: snapshot.models.map((state) => ({
      ...state,
      cubes: state.cubes.map((cube) =>
        cube.name === scan.cube
          ? {
              ...cube,
              segments: cube.segments.map((segment) =>
                unreadable.has(segment.id)
                  ? { ...segment, layouts: segment.layouts.filter(({ id }) => id !== scan.layout) }
                  : segment,
              ),
            }
          : cube,
      ),
    })),
  };
}
