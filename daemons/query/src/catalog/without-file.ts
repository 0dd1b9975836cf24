import type { LookupSnapshot, ModelState, ScanPlan } from '@tessera/cube';
import type { UnreadableFile } from '../execute/unreadable.ts';
import type { CatalogSnapshot } from './snapshot.ts';

/** The catalog without a file that cannot be read: other layouts or the source answer then. */
export function withoutFile(snapshot: CatalogSnapshot, file: UnreadableFile): CatalogSnapshot {
  const reduced = new WeakMap<ModelState, ModelState>();
  return {
    ...snapshot,
    stateOf: async (model, signal) => {
      const state = await snapshot.stateOf(model, signal);
      const known = reduced.get(state) ?? without(state, file);
      reduced.set(state, known);
      return known;
    },
  };
}

function without(state: ModelState, file: UnreadableFile): ModelState {
  return file.kind === 'layout'
    ? withoutLayout(state, file.scan)
    : withoutLookupSnapshot(state, file.snapshot);
}

/** Without the layout of a scan in the segments that it read. */
function withoutLayout(state: ModelState, scan: ScanPlan): ModelState {
  if (!state.cubes.some(({ name }) => name === scan.cube)) return state;
  const unreadable = new Set(scan.segments.map(({ id }) => id));
  const cubes = state.cubes.map((cube) => {
    if (cube.name !== scan.cube) return cube;
    const segments = cube.segments.map((segment) =>
      unreadable.has(segment.id)
        ? { ...segment, layouts: segment.layouts.filter(({ id }) => id !== scan.layout) }
        : segment,
    );
    return { ...cube, segments };
  });
  return { ...state, cubes };
}

function withoutLookupSnapshot(state: ModelState, { id }: LookupSnapshot): ModelState {
  if (!state.snapshots.has(id)) return state;
  return { ...state, snapshots: new Map([...state.snapshots].filter(([own]) => own !== id)) };
}
