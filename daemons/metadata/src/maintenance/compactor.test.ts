import { ManualClock } from '@tessera/testkit';
import { expectReason } from '@tessera/testkit/contracts';
import { describe, expect, test } from 'vitest';
import { openMemoryStore } from '../store/memory-store.ts';
import { Compactor } from './compactor.ts';

describe('the compactor', () => {
  const policy = { retainMs: 60_000, retainRevisions: 50, intervalMs: 10_000 };

  async function started(changes: Partial<typeof policy> = {}) {
    const clock = new ManualClock();
    const store = await openMemoryStore(clock);
    const failures: unknown[] = [];
    const compactor = new Compactor(store, clock, { ...policy, ...changes }, (error) =>
      failures.push(error),
    );
    compactor.start();
    const write = async (count: number) => {
      for (let i = 0; i < count; i++) {
        await store.transaction({ success: [{ op: 'put', key: 'k', value: new Uint8Array(8) }] });
      }
      return (await store.status()).revision;
    };
    const dispose = async () => {
      await compactor.stop();
      await store.close();
      expect(failures).toEqual([]);
    };
    return { clock, store, write, [Symbol.asyncDispose]: dispose };
  }

  test('keeps what is young, and forgets what has come of age', async () => {
    await using run = await started();
    const { clock, store, write } = run;
    const early = await write(5);
    await clock.advance(30_000);
    const late = await write(5);
    expect((await store.get('k', { revision: early })).entry?.version).toBe(5n);
    await clock.advance(60_000);
    await expectReason(store.get('k', { revision: early - 1n }), 'REVISION_COMPACTED');
    expect((await store.get('k', { revision: late })).entry?.version).toBe(10n);
  });

  test('bounds the number of revisions, however young they are', async () => {
    await using run = await started();
    const { clock, store, write } = run;
    const revision = await write(200);
    await clock.advance(10_000);
    expect((await store.status()).compactRevision).toBe(revision - 50n);
  });

  test('stops with its daemon', async () => {
    const run = await started();
    await run[Symbol.asyncDispose]();
    await run.clock.advance(100_000);
  });
});
