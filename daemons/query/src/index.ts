/** The query daemon: one SQL statement from text to rows. */
export { AskingLocator, type AskingOptions, askingDefaults } from './broadcast/asking-locator.ts';
export { type BroadcastParts, BroadcastScanner } from './broadcast/broadcast-scanner.ts';
export { type HedgingOptions, hedgingDefaults } from './broadcast/hedging.ts';
export { OnlyScanner } from './broadcast/only-scanner.ts';
export { ReplicatedSnapshotReader } from './broadcast/replicated-snapshots.ts';
export {
  type Replicas,
  type SegmentLocator,
  StaticLocator,
  type StaticPlacement,
} from './broadcast/segment-locator.ts';
export {
  type StorageAddress,
  type StorageClients,
  storageClients,
} from './broadcast/storage-clients.ts';
export {
  fixedNodes,
  type NodesNow,
  RemoteStorageNode,
  type StorageNode,
} from './broadcast/storage-node.ts';
export { composeQuery, type QueryDaemon, type QueryDeps } from './composition.ts';
export { type QueryConfig, queryDefaults } from './config.ts';
export type { Answer, QueryRequest } from './execute/query-runner.ts';
