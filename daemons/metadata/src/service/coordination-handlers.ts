import type { coordination } from '@tessera/proto';
import type { LeaseStore } from '../coordination/lease-store.ts';

export function leaseHandler(leases: LeaseStore): coordination.LeaseServiceImplementation {
  return {
    acquireLease: ({ name, holder, ttl }) => leases.acquire(name, holder, ttl),
    renewLease: ({ name, fencingToken }) => leases.renew(name, fencingToken),
    releaseLease: async ({ name, fencingToken }) => {
      await leases.release(name, fencingToken);
      return {};
    },
    getLease: ({ name }) => leases.get(name),
    waitLease: async ({ name, timeout }, { signal }) => {
      await leases.untilFree(name, timeout, signal);
      return {};
    },
  };
}
