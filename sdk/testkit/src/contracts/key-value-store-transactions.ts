import { type Condition, type StoreOperation, storeLimits } from '@tessera/base';
import { expect, test } from 'vitest';
import type { Contract } from './key-value-store.ts';
import { bytes, expectReason } from './key-value-store-harness.ts';

export function transactionTests(contract: Contract): void {
  test('a key knows when it was created and written, and how often', async () => {
    const area = contract.area();
    const created = await area.write(area.put('a', '1'));
    const changed = await area.write(area.put('a', '2'));
    const { entry } = await area.store.get(area.key('a'));
    expect(entry).toMatchObject({
      createRevision: created.revision,
      modRevision: changed.revision,
      version: 2n,
      lease: 0n,
    });
    await area.write(area.delete('a'));
    expect(await area.store.get(area.key('a'))).not.toHaveProperty('entry');
    const again = await area.write(area.put('a', '3'));
    expect((await area.store.get(area.key('a'))).entry).toMatchObject({
      createRevision: again.revision,
      version: 1n,
    });
  });

  test('all writes of a transaction share one revision, one more than the last', async () => {
    const area = contract.area();
    const before = await area.revision();
    const { revision } = await area.write(area.put('a'), area.put('b'), area.put('c'));
    expect(revision).toBe(before + 1n);
    const { entries } = await area.store.list(area.range);
    expect(entries.map((entry) => entry.modRevision)).toEqual([revision, revision, revision]);
  });

  test('a transaction that changes nothing leaves the revision as it is', async () => {
    const area = contract.area();
    const before = await area.revision();
    const result = await area.write(area.delete('a'), {
      op: 'deleteRange',
      range: area.range,
    });
    expect(result).toMatchObject({
      revision: before,
      results: [
        { op: 'delete', deleted: 0 },
        { op: 'deleteRange', deleted: 0 },
      ],
    });
  });

  test('keys are listed in the order of their bytes', async () => {
    const area = contract.area();
    const names = [
      'a',
      'B',
      'ä',
      'a/b',
      'a-b',
      '\uffee',
      '\u{1f600}',
      'aa',
      '\u{10ffff}',
      '\ud7ff',
    ];
    for (const name of names) await area.write(area.put(name));
    const sorted = names.toSorted((a, b) => Buffer.compare(bytes(a), bytes(b)));
    expect(await area.all()).toEqual(sorted.map((name) => `${name}=x`));
  });

  test('a range ends before its end, and a prefix takes in whatever starts with it', async () => {
    const area = contract.area();
    await area.write(
      area.put('a'),
      area.put('a/1'),
      area.put('a/2'),
      area.put('a0'),
      area.put('b'),
    );
    const range = { start: area.key('a/'), end: area.key('a0') };
    const { entries, more } = await area.store.list(range);
    expect(entries.map(({ key }) => key)).toEqual([area.key('a/1'), area.key('a/2')]);
    expect(more).toBe(false);
    const removed = await area.write({ op: 'deleteRange', range });
    expect(removed.results).toEqual([{ op: 'deleteRange', deleted: 2 }]);
    expect(await area.all()).toEqual(['a=x', 'a0=x', 'b=x']);
  });

  test('pages that name a revision are one view, whatever is written between them', async () => {
    const area = contract.area();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await area.write(area.put(name, '1'));
    const first = await area.store.list(area.range, { limit: 2 });
    await area.write(area.delete('c'), area.put('d', '2'), area.put('bb', '2'));
    const rest = await area.store.list(area.range, {
      revision: first.revision,
      startAfter: first.entries.at(-1)!.key,
      limit: 10,
    });
    const seen = [...first.entries, ...rest.entries].map((entry) => [
      entry.key.slice(area.prefix.length),
      entry.version,
    ]);
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'].map((name) => [name, 1n]));
    expect([first.more, rest.more, rest.revision]).toEqual([true, false, first.revision]);
  });

  test('older revisions can be read, future ones not', async () => {
    const area = contract.area();
    const first = await area.write(area.put('a', '1'));
    const second = await area.write(area.put('a', '2'), area.put('b', '2'));
    const third = await area.write(area.delete('a'));
    expect(await area.value('a', first.revision)).toBe('1');
    expect(await area.value('b', first.revision)).toBeUndefined();
    expect(await area.all(second.revision)).toEqual(['a=2', 'b=2']);
    expect(await area.all(third.revision)).toEqual(['b=2']);
    const revision = third.revision + 1n;
    await expectReason(area.store.get(area.key('a'), { revision }), 'REVISION_FUTURE');
    await expectReason(area.store.list(area.range, { revision }), 'REVISION_FUTURE');
  });

  test('every comparison holds exactly when it should', async () => {
    const area = contract.area();
    const key = area.key('a');
    await area.write(area.put('a', 'm'));
    await area.write(area.put('a', 'm'));
    const { modRevision, createRevision } = (await area.store.get(key)).entry!;
    const missing = area.key('missing');
    const cases: readonly [Condition, boolean][] = [
      [{ key, target: 'modRevision', to: modRevision }, true],
      [{ key, target: 'modRevision', to: createRevision }, false],
      [{ key, target: 'createRevision', to: createRevision }, true],
      [{ key, target: 'createRevision', is: 'greater', to: 0n }, true],
      [{ key, target: 'version', to: 2n }, true],
      [{ key, target: 'version', is: 'less', to: 2n }, false],
      [{ key, target: 'version', is: 'less', to: 3n }, true],
      [{ key, target: 'version', is: 'notEqual', to: 2n }, false],
      [{ key, target: 'lease', to: 0n }, true],
      [{ key, target: 'value', to: bytes('m') }, true],
      [{ key, target: 'value', is: 'less', to: bytes('n') }, true],
      [{ key, target: 'value', is: 'greater', to: bytes('') }, true],
      [{ key, target: 'value', is: 'notEqual', to: bytes('m') }, false],
      [{ key: missing, target: 'modRevision', to: 0n }, true],
      [{ key: missing, target: 'createRevision', to: 0n }, true],
      [{ key: missing, target: 'version', is: 'greater', to: 0n }, false],
      [{ key: missing, target: 'value', is: 'notEqual', to: bytes('m') }, false],
      [{ key: missing, target: 'value', to: bytes('') }, false],
    ];
    for (const [condition, holds] of cases) {
      const { succeeded } = await area.store.transaction({ compare: [condition], success: [] });
      expect({ condition, succeeded }).toEqual({ condition, succeeded: holds });
    }
  });

  test('one comparison that fails makes the other list run, and only that', async () => {
    const area = contract.area();
    await area.write(area.put('a', '1'));
    const result = await area.store.transaction({
      compare: [
        { key: area.key('a'), target: 'version', to: 1n },
        { key: area.key('b'), target: 'version', to: 1n },
      ],
      success: [area.put('a', '2')],
      failure: [area.put('c', '3'), { op: 'get', key: area.key('c') }],
    });
    expect(result.succeeded).toBe(false);
    expect(result.results[1]).toMatchObject({
      op: 'get',
      entry: { value: expect.anything(), modRevision: result.revision },
    });
    expect(await area.all()).toEqual(['a=1', 'c=3']);
  });

  test('increments by compare-and-set from many writers at once are all counted', async () => {
    const area = contract.area();
    const increment = async () => {
      for (;;) {
        const { entry } = await area.store.get(area.key('n'));
        const value = Number(entry ? new TextDecoder().decode(entry.value) : '0');
        const { succeeded } = await area.store.transaction({
          compare: [{ key: area.key('n'), target: 'modRevision', to: entry?.modRevision ?? 0n }],
          success: [area.put('n', String(value + 1))],
        });
        if (succeeded) return;
      }
    };
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < 5; i++) await increment();
      }),
    );
    expect(await area.value('n')).toBe('40');
  });

  test('what is out of bounds is refused whole', async () => {
    const area = contract.area();
    const before = await area.revision();
    const many = (count: number) => Array.from({ length: count }, (_, i) => area.put(`k${i}`));
    const large = (count: number) =>
      Array.from({ length: count }, (_, i) =>
        area.put(`k${i}`, 'x'.repeat(storeLimits.valueBytes)),
      );
    const cases: readonly [readonly StoreOperation[], string][] = [
      [[area.put('a'), area.put('a')], 'DUPLICATE_KEY'],
      [[area.put('a'), area.delete('a')], 'DUPLICATE_KEY'],
      [[area.put('a'), { op: 'deleteRange', range: area.range }], 'DUPLICATE_KEY'],
      [many(storeLimits.operations + 1), 'TOO_MANY_OPERATIONS'],
      [[area.put('a', 'x'.repeat(storeLimits.valueBytes + 1))], 'VALUE_TOO_LARGE'],
      [large(6), 'VALUE_TOO_LARGE'],
      [[area.put('a'), { op: 'put', key: '', value: bytes('x') }], 'BAD_KEY'],
      [[area.put('a'), area.put('b\0')], 'BAD_KEY'],
      [[area.put('a'), area.put('\ud800')], 'BAD_KEY'],
      [[area.put('a'), area.put('k'.repeat(storeLimits.keyBytes))], 'BAD_KEY'],
      [[area.put('a'), area.put('b', 'x', 987_654_321n)], 'LEASE_NOT_FOUND'],
    ];
    for (const [operations, reason] of cases) await expectReason(area.write(...operations), reason);
    expect(await area.revision()).toBe(before);
    expect(await area.all()).toEqual([]);
    await area.write(...many(storeLimits.operations));
    await area.write(...large(5));
  });

  test('values come back as they were, whoever changes the array afterwards', async () => {
    const area = contract.area();
    const value = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251);
    const kept = value.slice();
    await area.write({ op: 'put', key: area.key('a'), value });
    value.fill(0);
    await area.write(area.put('empty', ''));
    const { entry } = await area.store.get(area.key('a'));
    expect(Buffer.compare(entry!.value, kept)).toBe(0);
    expect(await area.value('empty')).toBe('');
  });

  test('the store counts its keys', async () => {
    const area = contract.area();
    const before = (await area.store.statistics()).keyCount;
    await area.write(area.put('a'), area.put('b'), area.put('c'));
    await area.write(area.put('a'), area.delete('b'));
    expect((await area.store.statistics()).keyCount).toBe(before + 2);
  });

  test('a closed store says so', async () => {
    const area = contract.area();
    await area.store.close();
    await expectReason(area.write(area.put('a')), 'STORE_CLOSED');
    await expectReason(area.store.get(area.key('a')), 'STORE_CLOSED');
    await expectReason(area.watchUntil(1n, 1n), 'STORE_CLOSED');
  });

  if (contract.reopen === undefined) return;
  test('everything is there after opening again, and revisions go on', async () => {
    const { revision } = await contract.area().write(contract.area().put('a', '1'));
    await contract.area().write(contract.area().put('a', '2'), contract.area().put('b', '2'));
    await contract.reopen!();
    const area = contract.area();
    expect(await area.all()).toEqual(['a=2', 'b=2']);
    expect(await area.value('a', revision)).toBe('1');
    expect((await area.write(area.put('c'))).revision).toBe(revision + 2n);
  });
}
