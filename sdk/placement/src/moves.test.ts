import { seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { randomHosts, randomSegments } from './fixture.ts';
import { moves } from './moves.ts';
import { place } from './place.ts';
import type { Placement } from './placement.ts';

const seeds = [1, 2, 3, 4, 5, 6];

/** Two placements of the same segments, between which hosts were lost, drained and added; what was lost is not good. */
function change(seed: number) {
  const random = seededRandom(seed);
  const segments = randomSegments(random, 400);
  const hosts = randomHosts(random, 8, 4);
  const before = place(segments, hosts, { replication: 2 }).placement;
  const lost = random.pick(hosts).id;
  const drained = random.pick(hosts).id;
  const next = hosts
    .filter(({ id }) => id !== lost)
    .map((host) => ({ ...host, draining: host.id === drained }));
  next.push(
    ...randomHosts(random, 2, 4).map((host) => ({
      ...host,
      id: `new-${host.id}`,
      draining: false,
    })),
  );
  const replication = random.integer(1, 3);
  const to = place(segments, next, { replication, current: before }).placement;
  const from: Placement = new Map(
    [...before].map(([id, holders]) => [id, holders.filter((host) => host !== lost)]),
  );
  const sizes = new Map(segments.map(({ id, bytes }) => [id, bytes]));
  return { from, to, bytesOf: (id: string) => sizes.get(id)! };
}

describe('moves', () => {
  test.each(seeds)(
    'seed %i: end where they should, through no step with fewer good replicas',
    (seed) => {
      const { from, to, bytesOf } = change(seed);
      const good = new Map([...from].map(([id, holders]) => [id, new Set(holders)]));
      for (const { copies, drops } of moves(from, to, { bytesOf, batchBytes: 20_000 })) {
        for (const { segment, from: source, to: target } of copies) {
          const holders = good.get(segment)!;
          if (source === undefined) expect(holders.size).toBe(0);
          else expect(holders).toContain(source);
          expect(holders).not.toContain(target);
          holders.add(target);
        }
        for (const { segment, host } of drops) {
          const holders = good.get(segment)!;
          expect(holders.delete(host)).toBe(true);
          const least = Math.min(from.get(segment)!.length, to.get(segment)!.length);
          expect(holders.size).toBeGreaterThanOrEqual(least);
          // All copies are there before the first drop.
          for (const wanted of to.get(segment)!) expect(holders).toContain(wanted);
        }
      }
      for (const [id, wanted] of to) expect([...good.get(id)!].sort()).toEqual(wanted);
    },
  );

  test.each(seeds)(
    'seed %i: batches keep to their bytes, and the most urgent come first',
    (seed) => {
      const { from, to, bytesOf } = change(seed);
      const batches = moves(from, to, { bytesOf, batchBytes: 20_000 });
      const replicas = batches.flatMap(({ copies }) =>
        copies.map(({ segment }) => from.get(segment)!.length),
      );
      expect(replicas).toEqual(replicas.toSorted((a, b) => a - b));
      for (const { copies } of batches) {
        const bytes = copies.reduce((sum, copy) => sum + copy.bytes, 0);
        expect(bytes).toBeLessThanOrEqual(20_000);
      }
    },
  );

  test('a segment larger than a batch goes alone; one without a replica comes from deep storage', () => {
    const from = new Map([['large', ['a']]]);
    const to = new Map([
      ['gone', ['b']],
      ['large', ['b', 'c']],
    ]);
    const batches = moves(from, to, { bytesOf: () => 100, batchBytes: 10 });
    expect(batches).toEqual([
      {
        copies: [{ kind: 'copy', segment: 'gone', from: undefined, to: 'b', bytes: 100 }],
        drops: [],
      },
      { copies: [{ kind: 'copy', segment: 'large', from: 'a', to: 'b', bytes: 100 }], drops: [] },
      {
        copies: [{ kind: 'copy', segment: 'large', from: 'a', to: 'c', bytes: 100 }],
        drops: [{ kind: 'drop', segment: 'large', host: 'a', bytes: 100 }],
      },
    ]);
  });

  test('copies are read from all hosts that have them; what is wanted nowhere is left alone', () => {
    const all = ['s1', 's2', 's3', 's4'].map((id): [string, string[]] => [id, ['a', 'b']]);
    const from = new Map([...all, ['retired', ['a']], ['without a host', ['a']]]);
    const to = new Map(all.map(([id]) => [id, ['a', 'b', 'c']]));
    to.set('without a host', []);
    const [batch] = moves(from, to, { bytesOf: () => 10, batchBytes: 1_000 });
    expect(batch!.copies.map((copy) => copy.from)).toEqual(['a', 'b', 'a', 'b']);
    expect(batch!.drops).toEqual([]);
  });
});
