import type { Clock, KeyValueStore } from '@tessera/base';
import type { metadata } from '@tessera/proto';
import { openInstallation } from '../installation/open-installation.ts';
import { checkStore } from '../maintenance/check-store.ts';
import { timestampOf } from '../resources/resource-kind.ts';

export function maintenanceHandler(
  store: KeyValueStore,
  clock: Clock,
  newId: () => string,
): metadata.MaintenanceServiceImplementation {
  const installation = async (): Promise<metadata.Installation> => {
    const { id, format } = await openInstallation(store, newId);
    return { id, catalogFormat: format };
  };
  return {
    compactRevisions: async ({ revision }) => {
      const status = await store.status();
      await store.compact(revision === 0n ? status.revision : revision);
      return { compactedRevision: (await store.status()).compactRevision };
    },
    getInstallation: installation,
    checkStore: (request) => checkStore(store, clock, request),
    getStoreStatus: async () => {
      const { revision, compactRevision } = await store.status();
      const { driver, sizeBytes, keyCount, faults } = await store.statistics();
      return {
        revision,
        compactedRevision: compactRevision,
        sizeBytes: BigInt(sizeBytes),
        keyCount: BigInt(keyCount),
        driver,
        faults: [...faults],
        installation: await installation(),
        currentTime: timestampOf(clock.now()),
      };
    },
  };
}
