import {
  type Clock,
  isTesseraError,
  type KeyValue,
  type KeyValueStore,
  prefixRange,
} from '@tessera/base';
import { coordination, type Duration } from '@tessera/proto';
import { badRequest, contended, leaseHeld, leaseLost, notFound } from '../errors.ts';
import { Commit } from '../resources/commit.ts';
import { keyOf } from '../resources/resource-key.ts';
import { timestampOf } from '../resources/resource-kind.ts';
import { attempts } from '../resources/resource-table.ts';

/** From 1 s to 1 h. */
export const leaseTtl = { minimumMs: 1_000, maximumMs: 3_600_000 } as const;

/** How long one call may wait for a lease. */
const longestWaitMs = 30_000;

/**
 * Who may act, and for how long. A lease is a key under a lease of the store; the revision that wrote the
 * key is the fencing token, which renewing leaves alone and every acquisition makes larger.
 */
export class LeaseStore {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;

  constructor(store: KeyValueStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** @throws ABORTED LEASE_HELD. */
  async acquire(
    name: string,
    holder: string,
    ttl: Duration | undefined,
  ): Promise<coordination.Lease> {
    if (holder === '') throw badRequest('holder', 'must not be empty.');
    const ttlMs = checkTtl(ttl);
    for (let i = 0; i < attempts; i++) {
      const lease = await this.#tryAcquire(name, holder, ttlMs);
      if (lease !== undefined) return lease;
    }
    throw contended(name);
  }

  /** @throws ABORTED LEASE_LOST. */
  async renew(name: string, token: bigint): Promise<coordination.Lease> {
    const entry = await this.#read(name);
    if (entry === undefined || entry.modRevision !== token) throw leaseLost(name, token);
    try {
      const { ttlMs } = await this.#store.keepLeaseAlive(entry.lease);
      return this.#toLease(entry, ttlMs);
    } catch (error) {
      if (isTesseraError(error, 'LEASE_NOT_FOUND')) throw leaseLost(name, token);
      throw error;
    }
  }

  /** Ending the store's lease removes the key, unless somebody has acquired it since: then it has another. */
  async release(name: string, token: bigint): Promise<void> {
    const entry = await this.#read(name);
    if (entry?.modRevision === token) await this.#end(entry.lease);
  }

  /** @throws NOT_FOUND LEASE_NOT_FOUND when nobody holds it. */
  async get(name: string): Promise<coordination.Lease> {
    const entry = await this.#read(name);
    const remainingMs = entry && (await this.#remaining(entry));
    if (entry === undefined || remainingMs === undefined) throw notFound('lease', name);
    return this.#toLease(entry, remainingMs);
  }

  /** Resolves when nobody holds it, the time is over or the signal aborts. Whoever asks next may find it held again. */
  async untilFree(name: string, timeout: Duration | undefined, signal: AbortSignal): Promise<void> {
    const timeoutMs = checkWait(timeout);
    const key = keyOf('leases/{lease}', name);
    const { entry, revision } = await this.#store.get(key);
    if (entry === undefined) return;
    const over = new AbortController();
    const ended = AbortSignal.any([over.signal, signal]);
    const late = this.#clock.sleep(timeoutMs, ended).catch(() => {});
    void late.then(() => over.abort());
    try {
      const from = { startRevision: revision + 1n, signal: ended };
      for await (const { events } of this.#store.watch(prefixRange(key), from)) {
        if (events.some((event) => event.kind === 'delete' && event.key === key)) return;
      }
    } finally {
      over.abort();
    }
  }

  async #tryAcquire(
    name: string,
    holder: string,
    ttlMs: number,
  ): Promise<coordination.Lease | undefined> {
    const entry = await this.#read(name);
    if (entry !== undefined) await this.#refuseOthers(entry, holder);
    const key = keyOf('leases/{lease}', name);
    const granted = await this.#store.grantLease(ttlMs);
    const record = coordination.Lease.fromPartial({
      name,
      holder,
      ttl: durationOf(ttlMs),
      acquireTime: timestampOf(this.#clock.now()),
    });
    const value = coordination.Lease.encode(record).finish();
    const commit = new Commit().requireUnchanged(key, entry?.modRevision ?? 0n);
    const result = await commit.put(key, value, granted.id).run(this.#store);
    const unused = result === undefined ? granted.id : entry?.lease;
    if (unused !== undefined) await this.#end(unused);
    return result && this.#describe(record, result.revision, granted.ttlMs);
  }

  async #refuseOthers(entry: KeyValue, holder: string): Promise<void> {
    const held = coordination.Lease.decode(entry.value);
    if (held.holder === holder) return;
    const remainingMs = (await this.#remaining(entry)) ?? 0;
    const expiry = new Date(Number(this.#clock.now() / 1000n) + Math.ceil(remainingMs));
    throw leaseHeld(held.name, held.holder, expiry.toISOString());
  }

  async #remaining(entry: KeyValue): Promise<number | undefined> {
    try {
      return (await this.#store.leaseStatus(entry.lease)).remainingMs;
    } catch (error) {
      if (isTesseraError(error, 'LEASE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  async #end(id: bigint): Promise<void> {
    try {
      await this.#store.revokeLease(id);
    } catch (error) {
      if (!isTesseraError(error, 'LEASE_NOT_FOUND')) throw error;
    }
  }

  async #read(name: string): Promise<KeyValue | undefined> {
    return (await this.#store.get(keyOf('leases/{lease}', name))).entry;
  }

  #toLease(entry: KeyValue, remainingMs: number): coordination.Lease {
    return this.#describe(coordination.Lease.decode(entry.value), entry.modRevision, remainingMs);
  }

  #describe(
    lease: coordination.Lease,
    fencingToken: bigint,
    remainingMs: number,
  ): coordination.Lease {
    const expireMicros = this.#clock.now() + BigInt(Math.floor(remainingMs)) * 1000n;
    return { ...lease, fencingToken, expireTime: timestampOf(expireMicros) };
  }
}

function checkWait(timeout: Duration | undefined): number {
  const timeoutMs = millisecondsOf(timeout);
  if (timeoutMs >= 0 && timeoutMs <= longestWaitMs) return timeoutMs;
  throw badRequest('timeout', 'must be at most 30 s.');
}

function checkTtl(ttl: Duration | undefined): number {
  const ttlMs = millisecondsOf(ttl);
  if (ttlMs >= leaseTtl.minimumMs && ttlMs <= leaseTtl.maximumMs) return ttlMs;
  throw badRequest('ttl', 'must be from 1 s to 1 h.');
}

function millisecondsOf(duration: Duration | undefined): number {
  return Number(duration?.seconds ?? 0n) * 1000 + Math.floor((duration?.nanos ?? 0) / 1_000_000);
}

function durationOf(ms: number): Duration {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}
