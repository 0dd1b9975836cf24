import {
  type GetResult,
  isTesseraError,
  type KeyRange,
  type KeyValueStore,
  type Lease,
  type ListOptions,
  type ListResult,
  type StoreFault,
  type StoreStatistics,
  type StoreStatus,
  storeLimits,
  type TransactionRequest,
  type TransactionResult,
  type WatchBatch,
  type WatchOptions,
} from '@tessera/base';
import { compacted, futureRevision, tooManyWatches } from '../../errors.ts';
import { RangeRequest, TxnRequest } from '../../gen/etcd.ts';
import { checkKey, checkLeaseTtl, checkRange, checkTransaction } from '../check-request.ts';
import { watchChanges, watchLimits } from '../watch-changes.ts';
import { ChangeFeed } from './change-feed.ts';
import { AttemptFailed, EtcdCluster } from './cluster.ts';
import { etcdCorrupt, etcdNoSpace } from './errors.ts';
import { EtcdLeases } from './etcd-leases.ts';
import { GuardedWrites } from './guarded-writes.ts';
import { HistoryReader } from './history-reader.ts';
import { Keyspace } from './keyspace.ts';
import { toCompare, toEntry, toRequestOp, toResults, writes } from './messages.ts';
import type { EtcdOptions } from './options.ts';
import { Compacted, followChanges, type WatchPart } from './watch-stream.ts';

/**
 * A store on etcd (3.4 or newer), for any number of processes at once. Answers are linearizable; members may
 * fail as long as a majority is there.
 * @throws ETCD_UNAVAILABLE, ETCD_NO_LEADER, ETCD_UNAUTHENTICATED, ETCD_CLUSTERS_DIFFER, PLAINTEXT_REFUSED.
 */
export async function openEtcdStore(options: EtcdOptions): Promise<KeyValueStore> {
  const cluster = new EtcdCluster(options);
  try {
    return await EtcdKeyValueStore.over(cluster, new Keyspace(options.prefix));
  } catch (error) {
    cluster.close();
    throw error;
  }
}

class EtcdKeyValueStore implements KeyValueStore {
  readonly #cluster: EtcdCluster;
  readonly #keyspace: Keyspace;
  readonly #writes: GuardedWrites;
  readonly #leases: EtcdLeases;
  readonly #feed: ChangeFeed;
  /** The oldest revision that was readable when last asked. */
  #compactRevision = 0n;
  #watches = 0;
  #closed: Promise<void> | undefined;

  static async over(cluster: EtcdCluster, keyspace: Keyspace): Promise<EtcdKeyValueStore> {
    const request = RangeRequest.fromPartial({ key: keyspace.barrier });
    const { header } = await cluster.call(({ kv }, options) => kv.range(request, options));
    await cluster.requireOne();
    return new EtcdKeyValueStore(cluster, keyspace, header!.revision);
  }

  private constructor(cluster: EtcdCluster, keyspace: Keyspace, revision: bigint) {
    this.#cluster = cluster;
    this.#keyspace = keyspace;
    this.#leases = new EtcdLeases(cluster);
    this.#writes = new GuardedWrites(cluster, keyspace, {
      read: this,
      leaseLost: (id) => this.#isLost(id),
    });
    const newest = async () => (await this.status()).revision;
    this.#feed = new ChangeFeed(cluster, keyspace, { revision, newest });
  }

  /**
   * etcd does not say how far it is compacted, but it refuses to read what is. So the oldest revision known
   * to be readable is read; when it is gone, a watch from there is told the new one.
   */
  async status(): Promise<StoreStatus> {
    const turns = this.#cluster.turns();
    for (;;) {
      const revision = this.#compactRevision > 1n ? this.#compactRevision : 1n;
      const request = RangeRequest.fromPartial({ key: this.#keyspace.barrier, revision });
      try {
        const { header } = await this.#cluster.call(({ kv }, options) =>
          kv.range(request, options),
        );
        return { revision: header!.revision, compactRevision: this.#compactRevision };
      } catch (error) {
        if (!isFailure(error, 'compacted')) throw error;
        await this.#findCompactRevision(revision);
        if (this.#compactRevision > revision) continue;
        await turns.next({ kind: 'lost', detail: 'it does not say how far it is compacted' });
      }
    }
  }

  async get(key: string, options: { readonly revision?: bigint } = {}): Promise<GetResult> {
    checkKey(key);
    const { revision } = options;
    const { header, kvs } = await this.#range({ key: this.#keyspace.key(key) }, revision);
    const entry = kvs[0] && toEntry(this.#keyspace, kvs[0]);
    const read = revision ?? header!.revision;
    return entry === undefined ? { revision: read } : { revision: read, entry };
  }

  async list(range: KeyRange, options: ListOptions = {}): Promise<ListResult> {
    checkRange(range);
    const limit = Math.min(options.limit ?? storeLimits.pageEntries, storeLimits.pageEntries);
    // Of a range without room for a key only the revision is asked.
    const wire = this.#keyspace.range(range, options.startAfter) ?? { key: this.#keyspace.barrier };
    const answer = await this.#range({ ...wire, limit: BigInt(limit) }, options.revision);
    return {
      revision: options.revision ?? answer.header!.revision,
      entries: answer.kvs.flatMap((kv) => toEntry(this.#keyspace, kv) ?? []),
      more: answer.more,
    };
  }

  async transaction(request: TransactionRequest): Promise<TransactionResult> {
    this.#cluster.checkOpen();
    checkTransaction(request);
    return writes(request) ? this.#writes.run(request) : this.#readTransaction(request);
  }

  async *watch(range: KeyRange, options: WatchOptions): AsyncGenerator<WatchBatch> {
    checkRange(range);
    const { revision, compactRevision } = await this.status();
    if (options.startRevision < compactRevision) {
      throw compacted(options.startRevision, compactRevision);
    }
    if (this.#watches >= watchLimits.watches) throw tooManyWatches(watchLimits.watches);
    this.#watches++;
    await using history = new HistoryReader(this.#cluster, this.#keyspace, () =>
      this.#feed.barrier(),
    );
    const ended = new AbortController();
    const signal = options.signal ? AbortSignal.any([ended.signal, options.signal]) : ended.signal;
    try {
      await this.#feed.reach(revision, signal);
      const source = {
        recent: this.#feed.recent,
        clock: this.#cluster.clock,
        readHistory: (request: Parameters<HistoryReader['read']>[0]) =>
          history.read(request, signal),
        checkOpen: () => {
          this.#cluster.checkOpen();
          this.#feed.check();
        },
      };
      yield* watchChanges(source, range, options);
    } finally {
      ended.abort();
      this.#watches--;
    }
  }

  async compact(revision: bigint): Promise<void> {
    if (revision <= 0n) return;
    try {
      await this.#cluster.call(({ kv }, options) => kv.compact({ revision }, options));
    } catch (error) {
      if (isFailure(error, 'compacted')) return;
      if (!isFailure(error, 'future')) throw error;
      throw futureRevision(revision, (await this.status()).revision);
    }
  }

  async grantLease(ttlMs: number): Promise<Lease> {
    checkLeaseTtl(ttlMs);
    return this.#leases.grant(ttlMs);
  }

  keepLeaseAlive(id: bigint): Promise<Lease> {
    return this.#leases.keepAlive(id);
  }

  leaseStatus(id: bigint): Promise<Lease & { readonly remainingMs: number }> {
    return this.#leases.status(id);
  }

  revokeLease(id: bigint): Promise<void> {
    return this.#leases.revoke(id);
  }

  async statistics(): Promise<StoreStatistics> {
    const all = { ...this.#keyspace.range({ start: '' })!, countOnly: true };
    const { count } = await this.#range(all, undefined);
    const { dbSize, errors } = await this.#cluster.call(
      ({ maintenance }, options) => maintenance.status({}, options),
      { linearizable: false },
    );
    const faults = faultsOf(errors);
    return { driver: 'etcd', sizeBytes: Number(dbSize), keyCount: Number(count), faults };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#cluster.close();
    await this.#feed.close();
  }

  async #range(wanted: Partial<RangeRequest>, revision: bigint | undefined) {
    const request = RangeRequest.fromPartial({ ...wanted, ...(revision && { revision }) });
    try {
      return await this.#cluster.call(({ kv }, options) => kv.range(request, options));
    } catch (error) {
      if (isFailure(error, 'future')) {
        throw futureRevision(revision ?? 0n, (await this.status()).revision);
      }
      if (!isFailure(error, 'compacted')) throw error;
      throw compacted(revision ?? 0n, (await this.status()).compactRevision);
    }
  }

  /** Reads need no guard: they may be repeated. */
  async #readTransaction(request: TransactionRequest): Promise<TransactionResult> {
    const keyspace = this.#keyspace;
    const operations = (list: TransactionRequest['success'] = []) =>
      list.flatMap((operation) => toRequestOp(keyspace, operation) ?? []);
    const message = TxnRequest.fromPartial({
      compare: (request.compare ?? []).map((condition) => toCompare(keyspace, condition)),
      success: operations(request.success),
      failure: operations(request.failure),
    });
    const { header, succeeded, responses } = await this.#cluster.call(({ kv }, options) =>
      kv.txn(message, options),
    );
    const ran = succeeded ? request.success : (request.failure ?? []);
    const results = toResults(keyspace, ran, responses);
    return { succeeded, revision: header!.revision, results };
  }

  async #findCompactRevision(from: bigint): Promise<void> {
    const ended = new AbortController();
    const { clock, timing } = this.#cluster;
    clock.sleep(timing.attemptMs, ended.signal).then(
      () => ended.abort(),
      () => undefined,
    );
    try {
      // A member that has not heard of the compaction yet answers with changes: then it is asked again.
      const part = ({ through }: WatchPart) => {
        if (through !== undefined) ended.abort();
      };
      const request = { from, signal: ended.signal, part };
      await followChanges(this.#cluster, this.#keyspace, request);
    } catch (error) {
      if (error instanceof Compacted) this.#compactRevision = error.compactRevision;
      else if (isTesseraError(error)) throw error;
    } finally {
      ended.abort();
    }
  }

  async #isLost(id: bigint): Promise<boolean> {
    try {
      await this.#leases.status(id);
      return false;
    } catch (error) {
      if (isTesseraError(error, 'LEASE_NOT_FOUND')) return true;
      throw error;
    }
  }
}

/** Alarms are raised for the whole cluster, so any member tells of them. */
function faultsOf(errors: readonly string[]): StoreFault[] {
  const faults = [
    ...(errors.some((error) => error.includes('NOSPACE')) ? [etcdNoSpace()] : []),
    ...(errors.some((error) => error.includes('CORRUPT')) ? [etcdCorrupt()] : []),
  ];
  return faults.map(({ reason, message }) => ({ reason, message }));
}

function isFailure(error: unknown, kind: string): boolean {
  return error instanceof AttemptFailed && error.failure.kind === kind;
}
