import { messageOf, resourceIdOf } from '@tessera/base';
import { listAll, type TesseraClient } from '@tessera/client';
import type { Logger } from '@tessera/daemon';
import { metadata, storage } from '@tessera/proto';

/**
 * Loads the cuboids of all READY segments into memory, as far as the budget allows, cube by cube. Until a layout is
 * loaded its scans read the file; so this is not waited for, and what it fails with is only logged.
 */
export async function warmUpReadySegments(
  client: TesseraClient,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  try {
    const parent = 'projects/-/cubes/-';
    const { resources } = await listAll(client, 'segments', { parent, signal });
    const ready = resources.filter(
      ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
    );
    for (const [cube, segments] of Map.groupBy(ready, ({ name }) => name.split('/segments/')[0]!)) {
      await client.storage.warmUp({ files: segments.flatMap(filesOf(cube)) }, { signal });
    }
  } catch (error) {
    if (!signal.aborted) log.warn({ error: messageOf(error) }, 'warm-up.failed');
  }
}

function filesOf(cube: string) {
  return ({ name, layouts }: metadata.Segment) =>
    layouts
      .filter(({ quarantined, file }) => !quarantined && file !== '')
      .map(({ id, file, fileDigest }) => ({
        cube,
        kind: storage.StoredFileKind.STORED_FILE_KIND_LAYOUT,
        segment: resourceIdOf(name),
        id,
        file,
        fileDigest,
      }));
}
