import { isTesseraError, seededRandom } from '@tessera/base';
import { expect, test } from 'vitest';
import type { Contract } from './key-value-store.ts';
import { type Area, eventually, expectReason } from './key-value-store-harness.ts';

export function watchTests(contract: Contract): void {
  test('a watch delivers what has happened, then what happens, each revision whole', async () => {
    const area = contract.area();
    const first = await area.write(area.put('a', '1'), area.put('b', '1'));
    await area.write(area.delete('a'));
    const watch = area.store.watch(area.range, { startRevision: first.revision });
    const batches = watch[Symbol.asyncIterator]();
    const next = async () => area.describe((await batches.next()).value!);
    const r = first.revision;
    expect(await next()).toEqual([`${r} a=1`, `${r} b=1`]);
    expect(await next()).toEqual([`${r + 1n} -a`]);
    expect(await next()).toEqual([]); // The mark of having caught up.
    await area.write(area.put('c', '3'), {
      op: 'deleteRange',
      range: { start: area.key('b'), end: area.key('c') },
    });
    expect(await next()).toEqual([`${r + 2n} c=3`, `${r + 2n} -b`]);
    await batches.return?.(undefined);
  });

  test('a watch sees its range and nothing else', async () => {
    const area = contract.area();
    const { revision } = await area.write(area.put('a/1'), area.put('b'), area.put('a0'));
    const seen: string[] = [];
    const range = { start: area.key('a/'), end: area.key('a0') };
    for await (const batch of area.store.watch(range, { startRevision: revision })) {
      seen.push(...area.describe(batch));
      if (batch.revision >= revision) break;
    }
    expect(seen).toEqual([`${revision} a/1=x`]);
  });

  test('watchers that start anywhere see every change once and in order, under many writers', async () => {
    const area = contract.area();
    const random = seededRandom(7);
    const first = (await area.revision()) + 1n;
    const writesPerWriter = 40;
    const written = new Map<bigint, string[]>();
    const write = async (writer: number) => {
      for (let i = 0; i < writesPerWriter; i++) {
        const names = random.integer(0, 2) === 0 ? ['x', 'y'] : [random.pick(['x', 'y', 'z'])];
        const value = `${writer}.${i}`;
        const { revision } = await area.write(...names.map((name) => area.put(name, value)));
        written.set(
          revision,
          names.map((name) => `${revision} ${name}=${value}`),
        );
      }
    };
    const writers = Promise.all([0, 1, 2, 3].map(write));
    const last = first + BigInt(4 * writesPerWriter) - 1n;
    const starts = [first, first, first + 17n, first + 55n, last - 3n, last];
    const watches = starts.map((start) => watchSlowly(area, start, last));
    await writers;
    expect(await area.revision()).toBe(last);
    for (const [i, seen] of (await Promise.all(watches)).entries()) {
      const wanted = [...written].filter(([revision]) => revision >= starts[i]!);
      expect(seen).toEqual(
        wanted.sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, lines]) => lines),
      );
    }
  });

  test('progress marks tell a watcher how far it is while nothing happens in its range', async () => {
    const area = contract.area();
    const start = (await area.revision()) + 1n;
    const marks: bigint[] = [];
    const ended = new AbortController();
    const options = { startRevision: start, progressIntervalMs: 1000, signal: ended.signal };
    const watching = (async () => {
      for await (const batch of area.store.watch({ start: `${area.prefix}watched` }, options)) {
        expect(batch.events).toEqual([]);
        marks.push(batch.revision);
      }
    })();
    await eventually(contract.clock, async () => marks.length === 1);
    expect(marks[0]).toBe(start - 1n);
    const { revision } = await area.write(area.put('other'));
    await eventually(contract.clock, async () => marks.at(-1)! >= revision);
    ended.abort();
    await watching;
  });

  test('an aborted watch ends, also one that waits for the future', async () => {
    const area = contract.area();
    const ended = new AbortController();
    const startRevision = (await area.revision()) + 100n;
    const watch = area.store.watch(area.range, { startRevision, signal: ended.signal });
    const batches: unknown[] = [];
    const watching = (async () => {
      for await (const batch of watch) batches.push(...batch.events);
    })();
    await area.write(area.put('a'));
    ended.abort();
    await watching;
    expect(batches).toEqual([]);
  });

  test('closing the store ends its watches', async () => {
    const area = contract.area();
    const startRevision = (await area.revision()) + 1n;
    const ended = expectReason(area.watchUntil(startRevision, 1n << 60n), 'STORE_CLOSED');
    await area.write(area.put('a'));
    await area.store.close();
    await ended;
  });

  test('what was compacted can neither be read nor watched; the revision itself and later can', async () => {
    const area = contract.area();
    const first = await area.write(area.put('a', '1'), area.put('gone', '1'));
    await area.write(area.put('a', '2'), area.delete('gone'));
    const third = await area.write(area.put('b', '3'));
    const fourth = await area.write(area.put('a', '4'));
    await area.store.compact(third.revision);
    expect((await area.store.status()).compactRevision).toBe(third.revision);
    const { revision } = first;
    await expectReason(area.store.get(area.key('a'), { revision }), 'REVISION_COMPACTED');
    await expectReason(area.store.list(area.range, { revision }), 'REVISION_COMPACTED');
    await expectReason(area.watchUntil(revision, fourth.revision), 'REVISION_COMPACTED');
    expect(await area.all(third.revision)).toEqual(['a=2', 'b=3']);
    expect(await area.all()).toEqual(['a=4', 'b=3']);
    expect(await area.watchUntil(third.revision + 1n, fourth.revision)).toEqual([
      `${fourth.revision} a=4`,
    ]);
  });

  test('compacting again is no error, compacting the future is', async () => {
    const area = contract.area();
    const { revision } = await area.write(area.put('a'));
    await area.store.compact(revision);
    await area.store.compact(revision);
    await area.store.compact(revision - 1n);
    expect((await area.store.status()).compactRevision).toBe(revision);
    await expectReason(area.store.compact(revision + 1n), 'REVISION_FUTURE');
    expect(await area.all()).toEqual(['a=x']);
  });

  test('compaction under a watcher costs it nothing, or it is told; a gap it never has', async () => {
    const area = contract.area();
    const start = (await area.revision()) + 1n;
    const total = 600;
    const seen: bigint[] = [];
    const watching = (async () => {
      for await (const batch of area.store.watch(area.range, { startRevision: start })) {
        for (const event of batch.events) {
          if (event.kind === 'put') seen.push(event.entry.modRevision);
        }
        if (seen.length % 16 === 0) await area.revision(); // Slower than the writers.
        if (batch.revision >= start + BigInt(total) - 1n) return 'complete';
      }
      return 'ended';
    })().catch((error: unknown) => error);
    for (let i = 0; i < total; i += 20) {
      const writes = Array.from({ length: 20 }, () => area.write(area.put('a')));
      const revisions = (await Promise.all(writes)).map(({ revision }) => revision);
      await area.store.compact(revisions.at(-1)!);
    }
    const outcome = await watching;
    expect(seen).toEqual(seen.map((_, i) => start + BigInt(i)));
    if (outcome === 'complete') expect(seen).toHaveLength(total);
    else expect(isTesseraError(outcome, 'REVISION_COMPACTED')).toBe(true);
  });

  test('a watcher that lists again after compaction has missed nothing', async () => {
    const area = contract.area();
    const known = new Map<string, string>();
    let next = (await area.revision()) + 1n;
    for (let i = 0; i < 12; i++) await area.write(area.put(`k${i % 3}`, `${i}`));
    await area.write(area.delete('k0'));
    await area.store.compact(await area.revision());
    const relist = async () => {
      const { entries, revision } = await area.store.list(area.range);
      known.clear();
      for (const { key, value } of entries) known.set(key, new TextDecoder().decode(value));
      next = revision + 1n;
    };
    await expectReason(area.watchUntil(next, next), 'REVISION_COMPACTED');
    await relist();
    const { revision } = await area.write(area.put('k3', 'new'));
    for (const line of await area.watchUntil(next, revision)) {
      known.set(area.key('k3'), line.split('=')[1]!);
    }
    expect([...known].map(([key, value]) => `${key.slice(area.prefix.length)}=${value}`)).toEqual(
      await area.all(),
    );
  });

  if (contract.reopen === undefined) return;
  test('a watch goes on after opening again where it was', async () => {
    const { revision } = await contract.area().write(contract.area().put('a', '1'));
    await contract.area().write(contract.area().put('b', '2'));
    await contract.reopen!();
    const area = contract.area();
    await area.write(area.put('c', '3'));
    expect(await area.watchUntil(revision, revision + 2n)).toEqual([
      `${revision} a=1`,
      `${revision + 1n} b=2`,
      `${revision + 2n} c=3`,
    ]);
  });
}

/** Reads as a consumer that is busy with something else now and then. */
async function watchSlowly(area: Area, startRevision: bigint, until: bigint): Promise<string[]> {
  const seen: string[] = [];
  for await (const batch of area.store.watch(area.range, { startRevision })) {
    seen.push(...area.describe(batch));
    if (batch.revision >= until) return seen;
    if (batch.revision % 5n === 0n) await area.store.get(area.key('x'));
  }
  return seen;
}
