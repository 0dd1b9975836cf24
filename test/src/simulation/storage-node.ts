import type { Clock } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';

/** Of every host of the simulation, so that builds may go through any storage node. */
export const nodeHostname = 'anywhere';

export interface FakeNode {
  readonly name: string;
  /** Names this life. */
  readonly holder: string;
  readonly clock: Clock;
}

const ttl = { seconds: 3n, nanos: 0 };
const heartbeatMs = 1_000;

/** Registers a storage daemon as a storage node and keeps its lease, for as long as its life lasts. */
export async function registerNode(clients: TesseraClient, node: FakeNode): Promise<never> {
  const { name, holder, clock } = node;
  const lease = `leases/storage.${name}`;
  for (;;) {
    try {
      await clients.storageNodes.updateStorageNode({
        allowMissing: true,
        storageNode: {
          name: `storageNodes/${name}`,
          directoryId: name,
          address: name,
          hostname: nodeHostname,
          capacityBytes: 1_000n,
          lease,
        },
        updateMask: ['directory_id', 'address', 'hostname', 'capacity_bytes', 'lease'],
      });
      const { fencingToken } = await clients.leases.acquireLease({ name: lease, holder, ttl });
      for (;;) {
        await clock.sleep(heartbeatMs);
        await clients.leases.renewLease({ name: lease, fencingToken });
      }
    } catch {
      await clock.sleep(heartbeatMs);
    }
  }
}
