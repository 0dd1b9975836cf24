import { readFileSync } from 'node:fs';
import type { Clock, KeyValueStore } from '@tessera/base';
import { messageOf } from '@tessera/base';
import type { EtcdStoreConfig, StoreConfig } from '../config.ts';
import { etcdFileUnreadable } from './etcd/errors.ts';
import { openEtcdStore } from './etcd/etcd-store.ts';
import type { EtcdOptions } from './etcd/options.ts';
import { openMemoryStore } from './memory-store.ts';
import { openSqliteStore } from './sqlite-store.ts';

/** The store that a configuration names. @throws what opening that driver throws. */
export async function openStore(config: StoreConfig, clock: Clock): Promise<KeyValueStore> {
  switch (config.driver) {
    case 'memory':
      return openMemoryStore(clock);
    case 'sqlite':
      return openSqliteStore({ file: config.file, clock });
    case 'etcd':
      return openEtcdStore(etcdOptions(config, clock));
  }
}

/** @throws ETCD_FILE_UNREADABLE. */
function etcdOptions(config: EtcdStoreConfig, clock: Clock): EtcdOptions {
  const { endpoints, prefix, username, passwordFile, tls } = config;
  const ca = readSetting('store.tls.caFile', tls.caFile);
  const certificate = readSetting('store.tls.certificateFile', tls.certificateFile);
  const key = readSetting('store.tls.keyFile', tls.keyFile);
  const password = readSetting('store.passwordFile', passwordFile)?.toString().trimEnd();
  return {
    endpoints,
    prefix,
    clock,
    tls: { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }) },
    ...(username !== undefined &&
      password !== undefined && { credentials: { username, password } }),
  };
}

function readSetting(setting: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    throw etcdFileUnreadable(setting, file, messageOf(error));
  }
}
