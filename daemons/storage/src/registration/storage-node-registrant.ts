import type { TesseraClient } from '@tessera/client';
import type { Registrant } from '@tessera/daemon';
import { metadata } from '@tessera/proto';

/** A storage daemon registers itself as `storageNodes/{node}`; its directory holds the name and the lease. */
export function storageNodeRegistrant(
  { storageNodes }: Pick<TesseraClient, 'storageNodes'>,
  describe: () => Promise<metadata.StorageNode>,
): Registrant<metadata.StorageNode> {
  return {
    kind: 'storage-node',
    takenReasons: ['STORAGE_NODE_NAME_TAKEN'],
    describe,
    write: (storageNode, signal) =>
      storageNodes.updateStorageNode({ storageNode, allowMissing: true }, { signal }),
    textOf: (node) => JSON.stringify(metadata.StorageNode.toJSON(node)),
    holderOf: ({ directoryId }) => directoryId,
  };
}
