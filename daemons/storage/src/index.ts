/** The storage daemon: takes cuboids in, keeps them, scans them. */
export {
  type ComposedStorage,
  composeStorage,
  type StorageDependencies,
} from './composition.ts';
export { type StorageConfig, type StorageConfigInput, storageConfig } from './config.ts';
export { type Fence, FenceGuard, type TokenMemory } from './fencing/fence-guard.ts';
export type { VerifyOutcome } from './files/file-store.ts';
export type { IngestedFile, PreparedIngest, StagedFile } from './files/ingest.ts';
export { type StoredFileKind, type StoredFileName, storedPath } from './files/stored-path.ts';
export { type RunningStorage, runStorage, type StorageAddresses } from './run-storage.ts';
export { defaultGraceMicros, StorageDaemon } from './storage-daemon.ts';
export type { LayoutStats, StorageStats } from './storage-stats.ts';
export type { CuboidStore, MemoryUsage, WarmUpOutcome } from './store/cuboid-store.ts';
export type { LayoutFile } from './store/layout-file.ts';
