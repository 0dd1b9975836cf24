import type { Clock, KeyValueStore } from '@tessera/base';
import { applyAll, type Backend, readChanges, readKey, readRange, readStatus } from './backend.ts';
import { MemoryHistory } from './memory-history.ts';
import { MvccStore } from './mvcc-store.ts';

/**
 * A store in memory, for simulations and tests: no timer but the clock's, so a run repeats exactly. A
 * history that is handed in outlives the store, as a disk outlives a process.
 */
export function openMemoryStore(
  clock: Clock,
  history = new MemoryHistory(),
): Promise<KeyValueStore> {
  const backend: Backend = {
    status: async () => readStatus(history),
    statistics: async () => ({
      ...{ driver: 'memory', sizeBytes: 0, faults: [] },
      keyCount: history.keyCount(),
    }),
    get: async (key, revision) => readKey(history, key, revision),
    list: async (range, options) => readRange(history, range, options),
    changes: async (request) => readChanges(history, request),
    commit: async (writes) => applyAll(history, writes),
    close: async () => undefined,
  };
  return MvccStore.over(backend, clock);
}
