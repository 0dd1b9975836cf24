import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDb, quoteText, sessionSettings } from '@tessera/duckdb';
import type { StorageConfig } from '../config.ts';
import { makeFolder } from '../files/file-system.ts';

/** Rows per row group: zone maps skip whole groups, so small groups let a filter on the sort order skip more. */
const rowGroupRows = 8_192;

/**
 * The database that holds layouts ready for scans. It is a file although it is a cache: only then does DuckDB
 * honour the row group size, and pages that do not fit are read again instead of being refused. Whatever an
 * earlier process left is deleted first.
 */
export async function openScratchDatabase(config: StorageConfig): Promise<DuckDb> {
  const folder = join(config.directory, 'memory');
  await rm(folder, { recursive: true, force: true });
  await makeFolder(folder, config.directory);
  const file = quoteText(join(folder, 'layouts.duckdb'));
  return DuckDb.open({
    threads: 1,
    memoryLimitBytes: config.memoryBudgetBytes + config.workMemoryBytes,
    tempDirectory: join(folder, 'spill'),
    maxConcurrent: config.scanConcurrency,
    maxQueued: config.scanQueueLength,
    queueTimeoutMs: config.scanQueueTimeoutMs,
    onConnect: [
      ...sessionSettings(),
      `ATTACH IF NOT EXISTS ${file} AS scratch (ROW_GROUP_SIZE ${rowGroupRows})`,
      'USE scratch',
    ],
  });
}
