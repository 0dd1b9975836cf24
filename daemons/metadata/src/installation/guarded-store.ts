import type { KeyValueStore } from '@tessera/base';

/** The same store, of which nothing is read or written any more once `check` throws. */
export function guardedStore(store: KeyValueStore, check: () => void): KeyValueStore {
  const guarded =
    <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      check();
      return call(...given);
    };
  return {
    status: guarded(() => store.status()),
    get: guarded((key, options) => store.get(key, options)),
    list: guarded((range, options) => store.list(range, options)),
    transaction: guarded((request) => store.transaction(request)),
    watch: async function* (range, options) {
      check();
      for await (const batch of store.watch(range, options)) {
        check();
        yield batch;
      }
    },
    compact: guarded((revision) => store.compact(revision)),
    grantLease: guarded((ttlMs) => store.grantLease(ttlMs)),
    keepLeaseAlive: guarded((id) => store.keepLeaseAlive(id)),
    leaseStatus: guarded((id) => store.leaseStatus(id)),
    revokeLease: guarded((id) => store.revokeLease(id)),
    statistics: guarded(() => store.statistics()),
    close: () => store.close(),
  };
}
