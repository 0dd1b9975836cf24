import { randomBytes } from 'node:crypto';
import type { Lease } from '@tessera/base';
import { leaseNotFound } from '../../errors.ts';
import { AttemptFailed, type EtcdCluster } from './cluster.ts';

const local = { linearizable: false } as const;

/** Leases as etcd keeps them: in whole seconds, renewed for their full time when a new leader is elected. */
export class EtcdLeases {
  readonly #cluster: EtcdCluster;

  constructor(cluster: EtcdCluster) {
    this.#cluster = cluster;
  }

  /** The id is ours, so a repeated request finds the lease that the first one made. */
  async grant(ttlMs: number): Promise<Lease> {
    const id = randomBytes(8).readBigUInt64BE() >> 1n;
    const request = { ID: id, TTL: BigInt(Math.ceil(ttlMs / 1000)) };
    try {
      const { TTL } = await this.#cluster.call(
        ({ lease }, options) => lease.leaseGrant(request, options),
        local,
      );
      return { id, ttlMs: Number(TTL) * 1000 };
    } catch (error) {
      if (!isFailure(error, 'leaseExists')) throw error;
      const { ttlMs: granted } = await this.status(id);
      return { id, ttlMs: granted };
    }
  }

  async keepAlive(id: bigint): Promise<Lease> {
    const { TTL } = await this.#cluster.call(async ({ lease }, options) => {
      for await (const response of lease.leaseKeepAlive(once({ ID: id }), options)) return response;
      throw new AttemptFailed({ kind: 'lost', detail: 'no answer to a keep-alive' });
    }, local);
    if (TTL <= 0n) throw leaseNotFound(id);
    return { id, ttlMs: Number(TTL) * 1000 };
  }

  async status(id: bigint): Promise<Lease & { readonly remainingMs: number }> {
    const { TTL, grantedTTL } = await this.#cluster.call(
      ({ lease }, options) => lease.leaseTimeToLive({ ID: id }, options),
      local,
    );
    if (TTL < 0n) throw leaseNotFound(id);
    return { id, ttlMs: Number(grantedTTL) * 1000, remainingMs: Number(TTL) * 1000 };
  }

  /** A repeated request that finds no lease has ended it the first time. */
  async revoke(id: bigint): Promise<void> {
    let attempts = 0;
    try {
      await this.#cluster.call(({ lease }, options) => {
        attempts++;
        return lease.leaseRevoke({ ID: id }, options);
      }, local);
    } catch (error) {
      if (!isFailure(error, 'leaseNotFound')) throw error;
      if (attempts === 1) throw leaseNotFound(id);
    }
  }
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

function isFailure(error: unknown, kind: string): boolean {
  return error instanceof AttemptFailed && error.failure.kind === kind;
}
