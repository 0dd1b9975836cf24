import type { KeyValueStore } from '@tessera/base';
import { ManualClock } from '@tessera/testkit';
import { describeKeyValueStore } from '@tessera/testkit/contracts';
import { expect, test } from 'vitest';
import { MemoryHistory } from './memory-history.ts';
import { openMemoryStore } from './memory-store.ts';
import { recentLimits } from './recent-changes.ts';

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

test('a watcher that is further behind than what is kept in memory still sees every change', async () => {
  const store = await openMemoryStore(clock);
  const count = 3 * recentLimits.rows;
  const write = () =>
    store.transaction({ success: [{ op: 'put', key: 'k', value: new Uint8Array(1) }] });
  const startRevision = (await store.status()).revision + 1n;
  const seen: bigint[] = [];
  const last = startRevision + BigInt(count) - 1n;
  const watching = (async () => {
    for await (const batch of store.watch({ start: 'k' }, { startRevision })) {
      for (const _ of batch.events) seen.push(batch.revision);
      if (batch.revision % 1000n === 0n) await clock.advance(0); // Falls behind.
      if (batch.revision >= last) return;
    }
  })();
  for (let i = 0; i < count; i += 256) {
    await Promise.all(Array.from({ length: Math.min(256, count - i) }, write));
  }
  await watching;
  expect(seen).toEqual(Array.from({ length: count }, (_, i) => startRevision + BigInt(i)));
  await store.close();
});
