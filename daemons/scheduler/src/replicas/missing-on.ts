import type { Clock } from '@tessera/base';
import { withDeadline } from '@tessera/daemon';
import type { NodeClient } from './node-clients.ts';

/** Files that are asked for in one call, and how long it may take. */
const filesPerCall = 5_000;
const callDeadlineMs = 10_000;

/** Which of the files a node does not have, or has in quarantine. */
export async function missingOn(
  { storage }: Pick<NodeClient, 'storage'>,
  files: readonly string[],
  clock: Clock,
  parent?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const missing = new Set<string>();
  const on = { what: 'asking for files', reason: 'STORAGE_SLOW', clock, ...(parent && { parent }) };
  for (let i = 0; i < files.length; i += filesPerCall) {
    const request = { files: files.slice(i, i + filesPerCall) };
    const ask = (signal: AbortSignal) => storage.findMissingFiles(request, { signal });
    for (const file of (await withDeadline(callDeadlineMs, ask, on)).missingFiles)
      missing.add(file);
  }
  return missing;
}
