import type { LookupSnapshot, ScanPlan } from '@tessera/cube';
import type { UnreadableFile } from '../execute/unreadable.ts';
import type { CatalogSnapshot } from './snapshot.ts';

/** The catalog without a file that cannot be read: other layouts or the source answer then. */
export function withoutFile(snapshot: CatalogSnapshot, file: UnreadableFile): CatalogSnapshot {
  return file.kind === 'layout'
    ? withoutLayout(snapshot, file.scan)
    : withoutLookupSnapshot(snapshot, file.snapshot);
}

/** Without the layout of a scan in the segments that it read. */
function withoutLayout(snapshot: CatalogSnapshot, scan: ScanPlan): CatalogSnapshot {
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

function withoutLookupSnapshot(snapshot: CatalogSnapshot, { id }: LookupSnapshot): CatalogSnapshot {
  return {
    ...snapshot,
    models: snapshot.models.map((state) => ({
      ...state,
      snapshots: new Map([...state.snapshots].filter(([own]) => own !== id)),
    })),
  };
}
