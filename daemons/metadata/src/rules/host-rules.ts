import type { metadata } from '@tessera/proto';
import { badRequest, hostAlive, hostNameTaken } from '../errors.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import { leaseKeyOf } from './lease-key.ts';

/** A name belongs to the machine that took it first, until the host is deleted; and that must be dead first. */
export const hostRules: ResourceRules<metadata.Host> = {
  onWrite: async ({ before, after }) => {
    if (after.machineId === '') throw badRequest('host.machine_id', 'must not be empty.');
    if (after.address === '') throw badRequest('host.address', 'must not be empty.');
    if (before !== undefined && before.machineId !== after.machineId) {
      throw hostNameTaken(after.name);
    }
    leaseKeyOf(after.lease);
    return after;
  },
  onDelete: async (host, commit) => {
    const key = leaseKeyOf(host.lease);
    if (key !== undefined) commit.requireAbsent(key, () => hostAlive(host.name, host.lease));
  },
};
