import { keyOf } from '../resources/resource-key.ts';

/** Where the lease is kept that a resource names. @throws BAD_RESOURCE_NAME when it names one that is none. */
export function leaseKeyOf(lease: string): string | undefined {
  return lease === '' ? undefined : keyOf('leases/{lease}', lease);
}
