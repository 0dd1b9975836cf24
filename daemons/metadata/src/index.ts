/** The metadata daemon: every resource, revision, watch, transaction and lease. */
export { ensureFirstUser } from './access/first-user.ts';
export { composeMetadata, type MetadataDaemon, type MetadataDependencies } from './composition.ts';
export {
  type MetadataConfig,
  type MetadataConfigInput,
  metadataConfig,
  parseMetadataConfig,
} from './config.ts';
export { readJson } from './read-json.ts';
export { type ModelValidator, structuralValidator } from './rules/model-validator.ts';
export { openEtcdStore } from './store/etcd/etcd-store.ts';
export type { EtcdOptions, EtcdTiming, EtcdTls } from './store/etcd/options.ts';
export { MemoryHistory } from './store/memory-history.ts';
export { openMemoryStore } from './store/memory-store.ts';
export { openSqliteStore, type SqliteStoreOptions } from './store/sqlite-store.ts';
