import { type Clock, systemClock } from '@tessera/base';
import { type Connection, type CuboidScanner, connect, type SnapshotReader } from '@tessera/client';
import { type Logger, type ServiceBinding, serve, silentLogger } from '@tessera/daemon';
import { openDeepStorage } from '@tessera/deep-storage';
import { AdmissionQueue } from '@tessera/duckdb';
import { storage } from '@tessera/proto';
import { type Meter, noMeter } from '@tessera/telemetry';
import { type StorageConfigInput, storageConfig } from './config.ts';
import { FenceGuard } from './fencing/fence-guard.ts';
import { tokenFile } from './fencing/token-file.ts';
import { lockDirectory } from './files/directory-lock.ts';
import { FileStore } from './files/file-store.ts';
import { StorageHandler } from './service/storage-handler.ts';
import { TransferHandler } from './service/transfer-handler.ts';
import { StorageDaemon } from './storage-daemon.ts';
import { FileScanner } from './store/file-scanner.ts';
import { measureStore, scanObserver } from './store/measure-scans.ts';
import { MemoryFirstStore } from './store/memory-first-store.ts';
import { ResidentLayouts } from './store/resident-layouts.ts';
import { openScratchDatabase } from './store/scratch-database.ts';
import { SnapshotTables } from './store/snapshot-tables.ts';
import { StoredSnapshots } from './stored-snapshots.ts';
import { evaluateInDatabase } from './tiles/dictionary-sql.ts';
import { SnapshotColumns } from './tiles/snapshots.ts';
import { TileLoader } from './tiles/tile-loader.ts';
import { TileScanner } from './tiles/tile-scanner.ts';
import { Transfers } from './transfer/transfers.ts';
import { type FileOwners, noOwners } from './upkeep/file-owners.ts';
import { Upkeep } from './upkeep/upkeep.ts';

export interface StorageDependencies {
  readonly clock?: Clock;
  readonly log?: Logger;
  readonly meter?: Meter;
  /** Another storage daemon by its address, to copy files from. */
  readonly connectTo?: (address: string) => Connection;
  /** Knows which other daemons hold a file, to mend damaged ones. */
  readonly owners?: FileOwners;
}

export interface ComposedStorage extends AsyncDisposable {
  readonly daemon: StorageDaemon;
  /** The daemon's scans without service or serialisation, for a query daemon in the same process. */
  readonly scanner: CuboidScanner;
  /** The same for lookup snapshots. */
  readonly snapshots: SnapshotReader;
  readonly services: readonly ServiceBinding[];
}

/**
 * Everything the storage daemon is made of. Deletes what an earlier process left in memory/ and incoming/, nothing else.
 * @throws STORAGE_DIRECTORY_LOCKED, STORAGE_DIRECTORY_UNUSABLE, BAD_DEEP_STORAGE, and what opening deep storage throws.
 */
export async function composeStorage(
  input: StorageConfigInput,
  {
    clock = systemClock,
    log = silentLogger,
    meter = noMeter,
    connectTo = (address) => connect(address),
    owners = noOwners,
  }: StorageDependencies = {},
): Promise<ComposedStorage> {
  const config = storageConfig.parse(input);
  await using starting = new AsyncDisposableStack();
  starting.use(await lockDirectory(config.directory));
  const database = starting.use(await openScratchDatabase(config));
  const loader = new TileLoader(await database.connect(), 'loader');
  const helper = new TileLoader(await database.connect(), 'helper');
  const files = new FileStore(config.directory, (path) => loader.countRows(path));
  await files.open();
  const budgetBytes = config.memoryBudgetBytes;
  const resident = new ResidentLayouts({ files, loader, helper, budgetBytes, clock, log });
  const snapshotTables = new SnapshotTables(files, await database.connect());
  const lookups = new SnapshotColumns(files, new TileLoader(await database.connect(), 'lookups'));
  const queue = new AdmissionQueue({
    maxConcurrent: config.scanConcurrency,
    maxQueued: config.scanQueueLength,
    maxQueuedPerFlow: config.scanQueueLengthPerProject,
    queueTimeoutMs: config.scanQueueTimeoutMs,
  });
  const store = new MemoryFirstStore({
    resident,
    tiles: new TileScanner(lookups, evaluateInDatabase(database)),
    files: new FileScanner({ files, database, snapshots: snapshotTables }),
    queue,
    clock,
    observe: scanObserver(meter, clock),
  });
  measureStore(meter, queue, () => store.usage());
  const snapshots = new StoredSnapshots(files, database);
  const daemon = new StorageDaemon({ files, store, snapshots, snapshotTables, loader, clock });
  const guard = await FenceGuard.open(tokenFile(config.directory));
  const deep =
    config.deepStorage === undefined ? undefined : await openDeepStorage(config.deepStorage);
  const transfers = new Transfers({ config, files, clock, log, connectTo, deep, meter });
  const parts = { config, files, daemon, transfers, owners, clock, log, meter };
  const upkeep = new Upkeep(parts);
  const running = starting.move();
  const handler = new StorageHandler({ daemon, guard, transfers, upkeep });
  return {
    daemon,
    scanner: daemon,
    snapshots: daemon,
    services: [
      serve(storage.StorageServiceDefinition, handler),
      serve(storage.TransferServiceDefinition, new TransferHandler(transfers, guard)),
    ] as unknown as ServiceBinding[],
    async [Symbol.asyncDispose]() {
      await upkeep[Symbol.asyncDispose]();
      transfers[Symbol.dispose]();
      await resident.settled();
      await running.disposeAsync();
    },
  };
}
