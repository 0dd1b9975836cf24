import type {
  Clock,
  KeyRange,
  KeyValueStore,
  Lease,
  TransactionRequest,
  TransactionResult,
  WatchBatch,
  WatchOptions,
} from '@tessera/base';
import type { Meter } from '@tessera/telemetry';
import { metadataMetrics } from '../metrics.ts';

/** The same store, whatever its driver, with its transactions, watches and leases counted. */
export function measuredStore(store: KeyValueStore, meter: Meter, clock: Clock): KeyValueStore {
  const transactions = meter.counter(metadataMetrics.transactions);
  const duration = meter.histogram(metadataMetrics.duration);
  const leases = meter.counter(metadataMetrics.leases);
  let watches = 0;
  meter.gauge(metadataMetrics.watches, () => [{ value: watches }]);
  meter.gauge(metadataMetrics.revision, async () => [
    { value: Number((await store.status()).revision) },
  ]);

  async function transaction(request: TransactionRequest): Promise<TransactionResult> {
    const startedMs = clock.monotonicMs();
    let outcome = 'failed';
    try {
      const result = await store.transaction(request);
      outcome = result.succeeded ? 'committed' : 'conflict';
      return result;
    } finally {
      transactions(1, { outcome });
      duration((clock.monotonicMs() - startedMs) / 1_000);
    }
  }

  async function* watch(range: KeyRange, options: WatchOptions): AsyncGenerator<WatchBatch> {
    watches++;
    try {
      yield* store.watch(range, options);
    } finally {
      watches--;
    }
  }

  async function keepLeaseAlive(id: bigint): Promise<Lease> {
    try {
      const lease = await store.keepLeaseAlive(id);
      leases(1, { event: 'renewed' });
      return lease;
    } catch (error) {
      leases(1, { event: 'lost' });
      throw error;
    }
  }

  return {
    status: () => store.status(),
    get: (key, options) => store.get(key, options),
    list: (range, options) => store.list(range, options),
    transaction,
    watch,
    compact: (revision) => store.compact(revision),
    grantLease: async (ttlMs) => {
      const lease = await store.grantLease(ttlMs);
      leases(1, { event: 'granted' });
      return lease;
    },
    keepLeaseAlive,
    leaseStatus: (id) => store.leaseStatus(id),
    revokeLease: async (id) => {
      await store.revokeLease(id);
      leases(1, { event: 'revoked' });
    },
    statistics: () => store.statistics(),
    close: () => store.close(),
  };
}
