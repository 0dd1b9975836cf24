import { isTesseraError, type KeyValueStore } from '@tessera/base';
import { badRequest } from '../errors.ts';
import type { Commit } from './commit.ts';
import { internalKey } from './resource-key.ts';

/** How long a request id is remembered at least; and how old the shared lease may get before a new one. */
const keptMs = 3_600_000;
const leaseAgeMs = 600_000;

export interface Remembered {
  /** What the first request answered. */
  readonly outcome: Uint8Array;
  readonly revision: bigint;
}

/**
 * Makes writes idempotent: the outcome is written under the request id in the transaction that writes,
 * with a store lease that removes it after an hour. Requests of ten minutes share a lease.
 */
export class RequestIds {
  readonly #store: KeyValueStore;
  readonly #monotonicMs: () => number;
  #lease: { readonly id: Promise<bigint>; readonly sinceMs: number } | undefined;

  constructor(store: KeyValueStore, monotonicMs: () => number) {
    this.#store = store;
    this.#monotonicMs = monotonicMs;
  }

  /**
   * Makes a write, unless the same request has made it: then its outcome is recalled. Also when it was made while this one
   * decided, and what is refused is what it has changed itself.
   */
  async once<R>(
    method: string,
    requestId: string,
    write: () => Promise<R>,
    recall: (known: Remembered) => R | Promise<R>,
  ): Promise<R> {
    const known = await this.#find(method, requestId);
    if (known !== undefined) return recall(known);
    try {
      return await write();
    } catch (error) {
      const made = isTesseraError(error) ? await this.#find(method, requestId) : undefined;
      if (made === undefined) throw error;
      return recall(made);
    }
  }

  /** Adds to the commit that this request has not been made before, and its outcome. */
  async remember(
    commit: Commit,
    method: string,
    requestId: string,
    outcome: Uint8Array,
  ): Promise<void> {
    if (requestId === '') return;
    const key = keyOf(method, requestId);
    commit.requireAbsent(key).put(key, outcome, await this.#currentLease());
  }

  /** After a write was refused because the lease had ended early (the store's clock jumped). */
  forgetLease(error: unknown): boolean {
    const ended = isTesseraError(error, 'LEASE_NOT_FOUND') && this.#lease !== undefined;
    if (ended) this.#lease = undefined;
    return ended;
  }

  async #find(method: string, requestId: string): Promise<Remembered | undefined> {
    if (requestId === '') return undefined;
    const { entry } = await this.#store.get(keyOf(method, requestId));
    return entry && { outcome: entry.value, revision: entry.modRevision };
  }

  #currentLease(): Promise<bigint> {
    const now = this.#monotonicMs();
    if (this.#lease === undefined || now - this.#lease.sinceMs > leaseAgeMs) {
      const id = this.#store.grantLease(keptMs + leaseAgeMs).then((lease) => lease.id);
      this.#lease = { id, sinceMs: now };
      id.catch(() => {
        this.#lease = undefined;
      });
    }
    return this.#lease.id;
  }
}

function keyOf(method: string, requestId: string): string {
  if (!/^[\x21-\x7e]{1,200}$/.test(requestId)) {
    throw badRequest('request_id', 'must be 1 to 200 printable characters, such as a UUID.');
  }
  return internalKey('requests', method, requestId);
}
