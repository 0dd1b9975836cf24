import { seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { type DeepRound, deepReader, lostInDeep, nextDeepBatch } from './deep-round.ts';
import type { SeenNode, StoredItem } from './stored-item.ts';

const random = seededRandom(7);
const digestOf = () =>
  Array.from({ length: 16 }, () => random.integer(0, 15).toString(16)).join('');
const itemOf = (name: string, digests: readonly string[], inDeepStorage = true): StoredItem => ({
  name,
  kind: 'segment',
  files: digests.map((fileDigest) => ({ file: fileDigest, fileDigest, sizeBytes: 10n << 20n })),
  bytes: 0,
  recorded: ['a'],
  inDeepStorage,
  replication: 2,
});
const nodeOf = (id: string, change: Partial<SeenNode> = {}): SeenNode => ({
  ...{ id, rack: '', capacityBytes: 1, draining: false, state: 'alive' },
  ...change,
});

function wholeRound(items: readonly StoredItem[], start: string): string[][] {
  const batches: string[][] = [];
  for (let round: DeepRound = { start }; ; ) {
    const batch = nextDeepBatch(items, round);
    if (batch.digests.length === 0) return batches;
    batches.push([...batch.digests]);
    round = batch.round;
  }
}

describe('a round over deep storage', () => {
  const shared = digestOf();
  const items = Array.from({ length: 80 }, (_, i) =>
    itemOf(`s${i}`, [digestOf(), digestOf(), shared]),
  );
  const all = [...new Set(items.flatMap(({ files }) => files.map((file) => file.fileDigest)))];

  test.each(['', '8', 'ff', all[5]!])(
    'from %j reads every file once, in small batches',
    (start) => {
      const batches = wholeRound(items, start);
      expect(batches.flat().toSorted()).toEqual(all.toSorted());
      for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(25); // 256 MiB of 10 MiB each.
      const first = batches[0]![0]!;
      expect(first).toBe(all.toSorted().find((digest) => digest >= start) ?? all.toSorted()[0]);
    },
  );

  test('leaves out what is not in deep storage, and reads a file alone that is larger than a batch', () => {
    const huge = itemOf('huge', ['a']);
    const files = huge.files.map((file) => ({ ...file, sizeBytes: 1n << 40n }));
    const some = [{ ...huge, files }, itemOf('new', ['b'], false), itemOf('old', ['c'])];
    expect(wholeRound(some, '')).toEqual([['a'], ['c']]);
  });

  test('is read by a node that answers and has one; by a drained one only when there is no other', () => {
    const nodes = [nodeOf('a', { draining: true }), nodeOf('b', { state: 'silent' }), nodeOf('c')];
    expect(deepReader(nodes, () => false)).toBe('c');
    expect(deepReader(nodes, (node) => node === 'c')).toBe('a');
    expect(deepReader(nodes.slice(1), (node) => node === 'c')).toBeUndefined();
  });

  test('loses every item that needs a file which was found damaged', () => {
    const some = [itemOf('s', ['a', 'b']), itemOf('t', ['b']), itemOf('u', ['c'])];
    const lost = lostInDeep([...some, itemOf('v', ['b'], false)], new Set(['b']));
    expect(lost.map(({ name }) => name)).toEqual(['s', 't']);
  });
});
