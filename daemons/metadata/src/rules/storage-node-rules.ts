import type { metadata } from '@tessera/proto';
import { badRequest, storageNodeAlive, storageNodeNameTaken } from '../errors.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import { leaseKeyOf } from './lease-key.ts';

/** A name belongs to the data directory that took it first, until the node is deleted; and its daemon must be dead first. */
export const storageNodeRules: ResourceRules<metadata.StorageNode> = {
  onWrite: async ({ before, after }) => {
    const { name, directoryId, address, capacityBytes, lease } = after;
    if (directoryId === '') throw badRequest('storage_node.directory_id', 'must not be empty.');
    if (address === '') throw badRequest('storage_node.address', 'must not be empty.');
    if (capacityBytes < 0n) {
      throw badRequest('storage_node.capacity_bytes', 'must not be negative.');
    }
    if (before !== undefined && before.directoryId !== directoryId) {
      throw storageNodeNameTaken(name);
    }
    leaseKeyOf(lease);
    return after;
  },
  onDelete: async ({ name, lease }, commit) => {
    const key = leaseKeyOf(lease);
    if (key !== undefined) commit.requireAbsent(key, () => storageNodeAlive(name, lease));
  },
};
