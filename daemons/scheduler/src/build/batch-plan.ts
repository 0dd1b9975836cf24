import { type BuildPlan, planBuild, type Segment, type WantedLayout } from '@tessera/cube';
import type { SegmentWork } from './decide.ts';
import type { SnapshotInUse } from './lookup-snapshots.ts';
import type { ObservedCube } from './observe.ts';

/** The plan of a batch's segments that have rows; `undefined` when none has. */
export function planOf(
  { name, model, segments }: ObservedCube,
  layouts: readonly WantedLayout[],
  work: readonly SegmentWork[],
  snapshots: readonly SnapshotInUse[],
): BuildPlan | undefined {
  const filled = work.filter(({ empty }) => !empty);
  const [first] = filled;
  if (first === undefined) return undefined;
  return planBuild({
    cube: name,
    model,
    segments: filled.map(({ id, range }) => ({ id, range })),
    layouts: layouts.filter(({ id }) => first.layouts.includes(id)),
    stored: layouts.filter(({ id }) => first.keeps.includes(id)),
    snapshots: Object.fromEntries(snapshots.map(({ alias, id }) => [alias, id])),
    estimatedRows: rowsOfLayouts(segments),
  });
}

/** False when what a batch makes comes from stored layouts alone. */
export function readsSource(
  cube: ObservedCube,
  layouts: readonly WantedLayout[],
  work: readonly SegmentWork[],
): boolean {
  if (work.some(({ keeps }) => keeps.length === 0)) return true;
  const plan = planOf(cube, layouts, work, []);
  return plan !== undefined && plan.inputs.length > 0;
}

function rowsOfLayouts(segments: readonly Segment[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  for (const layout of segments.flatMap(({ layouts }) => layouts)) {
    rows.set(layout.id, (rows.get(layout.id) ?? 0) + Number(layout.rowCount));
  }
  return rows;
}
