import { type Clock, isTesseraError, type Lease } from '@tessera/base';
import { leaseNotFound } from '../errors.ts';

/** After a revocation that the store could not write, it is tried again. */
const retryMs = 1_000;

/**
 * Knows when leases end. Times are counted from when this process heard of a lease, so a restart never ends
 * one early.
 */
export class LeaseTimers {
  readonly #clock: Clock;
  readonly #revoke: (id: bigint) => Promise<unknown>;
  readonly #entries = new Map<bigint, Entry>();
  #sleeper: AbortController | undefined;
  #closed = false;

  /** `revoke` ends a lease in the store, which then calls `remove`. */
  constructor(clock: Clock, revoke: (id: bigint) => Promise<unknown>) {
    this.#clock = clock;
    this.#revoke = revoke;
  }

  add(lease: Lease): void {
    const deadlineMs = this.#clock.monotonicMs() + lease.ttlMs;
    this.#entries.set(lease.id, { lease, deadlineMs, ended: false });
    this.#reschedule();
  }

  /** @throws NOT_FOUND LEASE_NOT_FOUND also when its time is over and it is about to be revoked. */
  keepAlive(id: bigint): Lease {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.ended || entry.deadlineMs <= this.#clock.monotonicMs()) {
      throw leaseNotFound(id);
    }
    entry.deadlineMs = this.#clock.monotonicMs() + entry.lease.ttlMs;
    return entry.lease;
  }

  /** @throws NOT_FOUND LEASE_NOT_FOUND. */
  status(id: bigint): Lease & { readonly remainingMs: number } {
    const entry = this.#entries.get(id);
    const remainingMs = (entry?.deadlineMs ?? 0) - this.#clock.monotonicMs();
    if (entry === undefined || entry.ended || remainingMs <= 0) throw leaseNotFound(id);
    return { ...entry.lease, remainingMs };
  }

  remove(id: bigint): void {
    this.#entries.delete(id);
  }

  close(): void {
    this.#closed = true;
    this.#sleeper?.abort();
  }

  /** One sleep at a time, until the first deadline; a kept-alive lease is found not due when it ends. */
  #reschedule(): void {
    this.#sleeper?.abort();
    if (this.#closed || this.#entries.size === 0) return;
    const sleeper = new AbortController();
    this.#sleeper = sleeper;
    const first = Math.min(...[...this.#entries.values()].map(({ deadlineMs }) => deadlineMs));
    const waitMs = Math.max(0, first - this.#clock.monotonicMs());
    this.#clock.sleep(waitMs, sleeper.signal).then(
      () => this.#expire(),
      () => undefined,
    );
  }

  async #expire(): Promise<void> {
    const now = this.#clock.monotonicMs();
    const due = [...this.#entries.values()].filter(({ deadlineMs }) => deadlineMs <= now);
    await Promise.all(due.map((entry) => this.#end(entry, now)));
    this.#reschedule();
  }

  async #end(entry: Entry, now: number): Promise<void> {
    entry.ended = true;
    entry.deadlineMs = now + retryMs;
    try {
      await this.#revoke(entry.lease.id);
    } catch (error) {
      // Whatever else it was (a full disk), the next turn tries again.
      if (isTesseraError(error, 'LEASE_NOT_FOUND')) this.remove(entry.lease.id);
    }
  }
}

interface Entry {
  readonly lease: Lease;
  deadlineMs: number;
  /** Its time is over: from now on it can only be revoked. */
  ended: boolean;
}
