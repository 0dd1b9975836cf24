import {
  type Clock,
  type GetResult,
  invariant,
  type KeyRange,
  type KeyValueStore,
  type Lease,
  type ListOptions,
  type ListResult,
  type StoreStatistics,
  type StoreStatus,
  storeLimits,
  type TransactionRequest,
  type TransactionResult,
  type WatchBatch,
  type WatchOptions,
} from '@tessera/base';
import { compacted, storeClosed, tooManyWatches } from '../errors.ts';
import type { WriteResult } from './apply-write.ts';
import type { Backend } from './backend.ts';
import { checkKey, checkLeaseTtl, checkRange, checkTransaction } from './check-request.ts';
import { LeaseTimers } from './lease-timers.ts';
import { RecentChanges } from './recent-changes.ts';
import { watchChanges, watchLimits } from './watch-changes.ts';
import { WriteQueue } from './write-queue.ts';

/** The `KeyValueStore` over any backend: bounds, grouping of writes, watches and the time of leases. */
export class MvccStore implements KeyValueStore {
  readonly #backend: Backend;
  readonly #clock: Clock;
  readonly #recent: RecentChanges;
  readonly #writes: WriteQueue;
  readonly #timers: LeaseTimers;
  #compactRevision: bigint;
  #watches = 0;
  #closed: Promise<void> | undefined;

  static async over(backend: Backend, clock: Clock): Promise<MvccStore> {
    const status = await backend.status();
    const store = new MvccStore(backend, clock, status);
    for (const lease of status.leases) store.#timers.add(lease);
    return store;
  }

  private constructor(backend: Backend, clock: Clock, status: StoreStatus) {
    this.#backend = backend;
    this.#clock = clock;
    this.#recent = new RecentChanges(status.revision);
    this.#compactRevision = status.compactRevision;
    this.#writes = new WriteQueue(backend, (result) => this.#committed(result));
    this.#timers = new LeaseTimers(clock, (id) => this.revokeLease(id));
  }

  async status(): Promise<StoreStatus> {
    this.#checkOpen();
    const { revision, compactRevision } = await this.#backend.status();
    return { revision, compactRevision };
  }

  async get(key: string, options: { readonly revision?: bigint } = {}): Promise<GetResult> {
    this.#checkOpen();
    checkKey(key);
    return this.#backend.get(key, options.revision);
  }

  async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    this.#checkOpen();
    checkRange(range);
    const limit = Math.min(options.limit ?? storeLimits.pageEntries, storeLimits.pageEntries);
    return this.#backend.list(range, { ...options, limit });
  }

  async transaction(request: TransactionRequest): Promise<TransactionResult> {
    this.#checkOpen();
    checkTransaction(request);
    const { transaction } = await this.#writes.run({ kind: 'transaction', request });
    invariant(transaction !== undefined, 'a transaction has a result');
    return transaction;
  }

  async *watch(range: KeyRange, options: WatchOptions): AsyncGenerator<WatchBatch> {
    checkRange(range);
    if (options.startRevision < this.#compactRevision) {
      throw compacted(options.startRevision, this.#compactRevision);
    }
    if (this.#watches >= watchLimits.watches) throw tooManyWatches(watchLimits.watches);
    this.#watches++;
    try {
      yield* watchChanges(
        {
          recent: this.#recent,
          clock: this.#clock,
          readHistory: (request) => this.#backend.changes(request),
          checkOpen: () => this.#checkOpen(),
        },
        range,
        options,
      );
    } finally {
      this.#watches--;
    }
  }

  async compact(revision: bigint): Promise<void> {
    await this.#writes.run({ kind: 'compact', revision });
  }

  async grantLease(ttlMs: number): Promise<Lease> {
    checkLeaseTtl(ttlMs);
    const { lease } = await this.#writes.run({ kind: 'grantLease', ttlMs });
    invariant(lease !== undefined, 'a granted lease has an id');
    this.#timers.add(lease);
    return lease;
  }

  async keepLeaseAlive(id: bigint): Promise<Lease> {
    this.#checkOpen();
    return this.#timers.keepAlive(id);
  }

  async leaseStatus(id: bigint): Promise<Lease & { readonly remainingMs: number }> {
    this.#checkOpen();
    return this.#timers.status(id);
  }

  async statistics(): Promise<StoreStatistics> {
    this.#checkOpen();
    return this.#backend.statistics();
  }

  async revokeLease(id: bigint): Promise<void> {
    await this.#writes.run({ kind: 'revokeLease', id });
    this.#timers.remove(id);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#timers.close();
    await this.#writes.close();
    this.#recent.wake();
    await this.#backend.close();
  }

  #committed(result: WriteResult): void {
    this.#compactRevision = result.compactRevision;
    this.#recent.add(result.revision, result.changes);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw storeClosed();
  }
}
