import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@tessera/daemon';
import { DuckDb, sessionSettings } from '@tessera/duckdb';
import type { StorageConfig } from '../config.ts';

/** The database that reads files; what does not fit into its memory is spilled. Deletes what an earlier process left. */
export async function openScratchDatabase(config: StorageConfig): Promise<DuckDb> {
  const folder = join(config.directory, 'memory');
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder);
  return DuckDb.open({
    threads: 1,
    memoryLimitBytes: config.workMemoryBytes,
    tempDirectory: join(folder, 'spill'),
    maxConcurrent: config.scanConcurrency,
    maxQueued: config.scanQueueLength,
    maxQueuedPerFlow: config.scanQueueLengthPerProject,
    queueTimeoutMs: config.scanQueueTimeoutMs,
    onConnect: sessionSettings(),
  });
}
