import type { BuildPlan, Segment } from '@tessera/cube';
import type { BuildStore } from '../replicas/build-store.ts';
import { pulledFile } from '../replicas/items.ts';
import { hasContent } from './missing-layouts.ts';

/** The layouts that a plan reads instead of its source, by segment and layout. */
export interface StoredParents {
  /** Absolute paths; none of a layout without rows. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly rowCounts: Readonly<Record<string, Readonly<Record<string, bigint>>>>;
}

/** Finds the files of the stored layouts that the steps of a plan are computed from, on the building node. */
export async function storedParents(
  store: BuildStore,
  plan: Pick<BuildPlan, 'segments' | 'layouts'>,
  segments: readonly Segment[],
  signal: AbortSignal,
): Promise<StoredParents> {
  const wanted = new Set(plan.layouts.flatMap(({ stored }) => stored?.layout ?? []));
  const planned = new Set(plan.segments.map(({ id }) => id));
  const found = segments
    .filter(({ id }) => wanted.size > 0 && planned.has(id))
    .flatMap(({ id, layouts }) =>
      layouts.filter((layout) => wanted.has(layout.id)).map((layout) => ({ segment: id, layout })),
    );
  const withRows = found.filter(({ layout }) => hasContent(layout.file));
  const files = withRows.map(({ layout }) => pulledFile(layout));
  const paths = await store.locate(files, signal);
  return {
    paths: nested(withRows.map(({ segment, layout }, i) => [segment, layout.id, paths[i]!])),
    rowCounts: nested(found.map(({ segment, layout }) => [segment, layout.id, layout.rowCount])),
  };
}

function nested<T>(
  entries: readonly (readonly [segment: string, layout: string, value: T])[],
): Record<string, Record<string, T>> {
  const result: Record<string, Record<string, T>> = {};
  for (const [segment, layout, value] of entries) {
    result[segment] = { ...result[segment], [layout]: value };
  }
  return result;
}
