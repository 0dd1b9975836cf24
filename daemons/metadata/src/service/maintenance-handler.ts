import type { Clock, KeyValueStore } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { checkStore } from '../maintenance/check-store.ts';

export function maintenanceHandler(
  store: KeyValueStore,
  clock: Clock,
): metadata.MaintenanceServiceImplementation {
  return {
    compactRevisions: async ({ revision }) => {
      const status = await store.status();
      await store.compact(revision === 0n ? status.revision : revision);
      return { compactedRevision: (await store.status()).compactRevision };
    },
    checkStore: (request) => checkStore(store, clock, request),
    getStoreStatus: async () => {
      const { revision, compactRevision } = await store.status();
      const { driver, sizeBytes, keyCount } = await store.statistics();
      return {
        revision,
        compactedRevision: compactRevision,
        sizeBytes: BigInt(sizeBytes),
        keyCount: BigInt(keyCount),
        driver,
      };
    },
  };
}
