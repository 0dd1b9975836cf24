import type { KeyValueStore } from '@tessera/base';
import { ManualClock } from '@tessera/testkit';
import { describeKeyValueStore } from '@tessera/testkit/contracts';
import { MemoryHistory } from './memory-history.ts';
import { openMemoryStore } from './memory-store.ts';

const clock = new ManualClock();
const histories = new WeakMap<KeyValueStore, MemoryHistory>();

async function openOver(history: MemoryHistory): Promise<KeyValueStore> {
  const store = await openMemoryStore(clock, history);
  histories.set(store, history);
  return store;
}

describeKeyValueStore('memory', {
  clock,
  open: () => openOver(new MemoryHistory()),
  reopen: async (store) => {
    await store.close();
    return openOver(histories.get(store)!);
  },
});
