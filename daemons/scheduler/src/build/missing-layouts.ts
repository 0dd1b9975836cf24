import { listAll } from '@tessera/client';
import { metadata } from '@tessera/proto';
import type { BuildStore } from '../replicas/build-store.ts';

const { SEGMENT_STATE_READY } = metadata.SegmentState;

/** A layout without rows names no file. */
export function hasContent(file: string): boolean {
  return file !== '';
}

/**
 * Files of READY segments that no storage daemon has, or that are set aside everywhere because they were damaged. What is
 * in deep storage is not missing.
 */
export function missingFiles(
  store: BuildStore,
  segments: readonly metadata.Segment[],
): Promise<ReadonlySet<string>> {
  const holders = segments
    .filter(({ state, inDeepStorage }) => state === SEGMENT_STATE_READY && !inDeepStorage)
    .map(({ layouts, replicas }) => ({
      files: layouts
        .filter(({ quarantined, file }) => !quarantined && hasContent(file))
        .map(({ file }) => file),
      replicas,
    }));
  return store.missingEverywhere(holders);
}

/**
 * Marks the layouts whose file is missing as quarantined: nobody plans with them any more, and the next build makes
 * them again. Returns how many there were.
 */
export async function quarantineMissing(store: BuildStore, cube: string): Promise<number> {
  const { clients } = store;
  const { resources } = await listAll(clients, 'segments', { parent: cube });
  const missing = await missingFiles(store, resources);
  const broken = resources.filter(
    ({ state, layouts }) =>
      state === SEGMENT_STATE_READY && layouts.some(({ file }) => missing.has(file)),
  );
  for (const { name, etag, layouts } of broken) {
    const marked = layouts.map((layout) => ({
      ...layout,
      quarantined: layout.quarantined || missing.has(layout.file),
    }));
    await clients.segments.updateSegment({
      segment: { name, etag, layouts: marked },
      updateMask: ['layouts'],
    });
  }
  return missing.size;
}
