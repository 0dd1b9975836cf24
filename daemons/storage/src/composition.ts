import { type Clock, systemClock } from '@tessera/base';
import type { CuboidScanner, SnapshotReader } from '@tessera/client';
import { type Logger, type ServiceBinding, serve, silentLogger } from '@tessera/daemon';
import { storage } from '@tessera/proto';
import { type StorageConfigInput, storageConfig } from './config.ts';
import { FileStore } from './files/file-store.ts';
import { StorageHandler } from './service/storage-handler.ts';
import { StorageDaemon } from './storage-daemon.ts';
import { DuckDbCuboidStore } from './store/duckdb-cuboid-store.ts';
import { LayoutLoader } from './store/layout-table.ts';
import { ResidentLayouts } from './store/resident-layouts.ts';
import { openScratchDatabase } from './store/scratch-database.ts';
import { StoredSnapshots } from './stored-snapshots.ts';

export interface StorageDependencies {
  readonly clock?: Clock;
  readonly log?: Logger;
}

export interface ComposedStorage extends AsyncDisposable {
  readonly daemon: StorageDaemon;
  /** The daemon's scans without service or serialisation, for a query daemon in the same process. */
  readonly scanner: CuboidScanner;
  /** The same for lookup snapshots. */
  readonly snapshots: SnapshotReader;
  readonly services: readonly ServiceBinding[];
}

/** Everything the storage daemon is made of. Deletes what an earlier process left in memory/, nothing else. */
export async function composeStorage(
  input: StorageConfigInput,
  { clock = systemClock, log = silentLogger }: StorageDependencies = {},
): Promise<ComposedStorage> {
  const config = storageConfig.parse(input);
  const database = await openScratchDatabase(config);
  const loader = new LayoutLoader(await database.connect());
  const files = new FileStore(config.directory, (path) => loader.countRows(path));
  await files.open();
  const budgetBytes = config.memoryBudgetBytes;
  const helper = new LayoutLoader(await database.connect(), 'other layout');
  const resident = new ResidentLayouts({ files, loader, helper, budgetBytes, clock, log });
  const store = new DuckDbCuboidStore({ files, database, resident });
  const snapshots = new StoredSnapshots(files, database);
  const daemon = new StorageDaemon({ files, store, snapshots, resident, loader, clock });
  const handler = new StorageHandler(daemon);
  return {
    daemon,
    scanner: daemon,
    snapshots: daemon,
    services: [serve(storage.StorageServiceDefinition, handler) as unknown as ServiceBinding],
    async [Symbol.asyncDispose]() {
      await resident.settled();
      await database[Symbol.asyncDispose]();
    },
  };
}
