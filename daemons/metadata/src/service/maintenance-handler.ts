import type { Clock, KeyValueStore } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { openInstallation } from '../installation/open-installation.ts';
import { checkStore } from '../maintenance/check-store.ts';

export function maintenanceHandler(
  store: KeyValueStore,
  clock: Clock,
  newId: () => string,
): metadata.MaintenanceServiceImplementation {
  return {
    compactRevisions: async ({ revision }) => {
      const status = await store.status();
      await store.compact(revision === 0n ? status.revision : revision);
      return { compactedRevision: (await store.status()).compactRevision };
    },
    getInstallation: async () => {
      const { id, format } = await openInstallation(store, newId);
      return { id, catalogFormat: format };
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
