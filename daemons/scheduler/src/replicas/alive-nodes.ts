import { type Clock, isTesseraError } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import { withDeadline } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';

const leaseDeadlineMs = 2_000;
/** Leases that are read at the same time. */
const concurrency = 16;

/**
 * Names of the storage nodes whose lease is held. That metadata does not answer says nothing about nodes: then this fails.
 */
export async function aliveNodes(
  { leases }: Pick<TesseraClient, 'leases'>,
  nodes: readonly metadata.StorageNode[],
  clock: Clock,
  signal?: AbortSignal,
): Promise<ReadonlySet<string>> {
  const alive = new Set<string>();
  for (let i = 0; i < nodes.length; i += concurrency) {
    const some = nodes.slice(i, i + concurrency).filter(({ lease }) => lease !== '');
    await Promise.all(
      some.map(async ({ name, lease }) => {
        if (await isHeld(leases, lease, clock, signal)) alive.add(name);
      }),
    );
  }
  return alive;
}

async function isHeld(
  leases: TesseraClient['leases'],
  lease: string,
  clock: Clock,
  parent: AbortSignal | undefined,
): Promise<boolean> {
  const on = {
    what: `reading ${lease}`,
    reason: 'LEASE_TIMEOUT',
    clock,
    ...(parent && { parent }),
  };
  const ask = (signal: AbortSignal) => leases.getLease({ name: lease }, { signal });
  try {
    await withDeadline(leaseDeadlineMs, ask, on);
    return true;
  } catch (error) {
    if (isTesseraError(error, 'LEASE_NOT_FOUND')) return false;
    throw error;
  }
}
