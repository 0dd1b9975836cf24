import { listAll } from '@tessera/client';
import { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';

const { SEGMENT_STATE_READY } = metadata.SegmentState;

/** A layout without rows names no file. */
export function hasContent(file: string): boolean {
  return file !== '';
}

/** Files of READY segments that storage does not have, or has set aside because they were damaged. */
export async function missingFiles(
  clients: Pick<SchedulerClients, 'storage'>,
  segments: readonly metadata.Segment[],
): Promise<ReadonlySet<string>> {
  const files = segments
    .filter(({ state }) => state === SEGMENT_STATE_READY)
    .flatMap(({ layouts }) => layouts.filter(({ quarantined }) => !quarantined))
    .map(({ file }) => file)
    .filter(hasContent);
  if (files.length === 0) return new Set();
  return new Set((await clients.storage.findMissingFiles({ files })).missingFiles);
}

/**
 * Marks the layouts whose file is missing as quarantined: nobody plans with them any more, and the next build makes
 * them again. Returns how many there were.
 */
export async function quarantineMissing(clients: SchedulerClients, cube: string): Promise<number> {
  const { resources } = await listAll(clients, 'segments', { parent: cube });
  const missing = await missingFiles(clients, resources);
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
