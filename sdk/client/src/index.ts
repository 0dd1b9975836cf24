/** Typed clients of the daemons, errors on the wire, and the mapping between messages and domain values. */
export { Backoff, type BackoffOptions } from './calls/backoff.ts';
export {
  type CollectionName,
  type CollectionOptions,
  type Collections,
  listAll,
  watchAll,
} from './calls/collections.ts';
export {
  type CuboidScanner,
  RemoteCuboidScanner,
  type ScanCalls,
  type ScanOptions,
  type WireBytes,
} from './calls/cuboid-scanner.ts';
export { type Page, pages } from './calls/pages.ts';
export {
  type Explanation,
  explain,
  type QueryAnswer,
  type QueryOptions,
  type QueryStream,
  query,
  queryStream,
} from './calls/query.ts';
export { scanCuboidPath } from './calls/scan-lane.ts';
export { ScanLanes } from './calls/scan-lanes.ts';
export {
  RemoteSnapshotReader,
  type SnapshotRead,
  type SnapshotReader,
} from './calls/snapshot-reader.ts';
export { type WaitOptions, wait } from './calls/wait.ts';
export {
  type Watchable,
  type WatchEvent,
  type WatchMessage,
  type WatchOptions,
  watch,
} from './calls/watch.ts';
export { type Bind, clientsBy, type Services, services, type TesseraClient } from './clients.ts';
export { clientsOfDaemons, type DaemonClients } from './clients-of-daemons.ts';
export { type Connection, type ConnectOptions, connect } from './connect.ts';
export { connectPlatform } from './connect-platform.ts';
export {
  decodeStatusDetails,
  encodeStatusDetails,
  errorOf,
  statusDetailsKey,
  statusMessage,
  statusOf,
} from './errors/status-details.ts';
export * from './resources.ts';
export { CertificateStore } from './transport/certificate-store.ts';
export { serverCredentials } from './transport/grpc-credentials.ts';
export { type TokenSource, tokenFrom } from './transport/token-file.ts';
export { isLoopback, type TlsFiles, type Transport, transportOf } from './transport/transport.ts';
