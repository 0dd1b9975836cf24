import { seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import {
  bytesByHost,
  copiesBetween,
  randomHosts,
  randomSegments,
  shuffled,
  totalBytes,
} from './fixture.ts';
import { place } from './place.ts';
import type { PlacedSegment, Placement, PlacementHost } from './placement.ts';

const shapes = [
  { hosts: 3, racks: 0, replication: 2 },
  { hosts: 5, racks: 0, replication: 3 },
  { hosts: 9, racks: 3, replication: 2 },
  { hosts: 12, racks: 4, replication: 3 },
  { hosts: 20, racks: 2, replication: 2 },
  { hosts: 31, racks: 7, replication: 3 },
];
const cases = shapes.flatMap((shape) => [1, 2, 3].map((seed) => ({ ...shape, seed })));

function instance({ seed, hosts, racks }: { seed: number; hosts: number; racks: number }) {
  const random = seededRandom(seed);
  return {
    random,
    segments: randomSegments(random, hosts * 150),
    hosts: randomHosts(random, hosts, racks),
  };
}

/** Bytes over the host's part of all capacity, of every host. */
function fullnessOf(
  placement: Placement,
  segments: readonly PlacedSegment[],
  hosts: readonly PlacementHost[],
): number[] {
  const bytes = bytesByHost(placement, segments);
  const all = [...bytes.values()].reduce((sum, each) => sum + each, 0);
  const capacity = hosts.reduce((sum, host) => sum + host.capacityBytes, 0);
  return hosts.map(
    ({ id, capacityBytes }) => (bytes.get(id) ?? 0) / ((all * capacityBytes) / capacity),
  );
}

function expectEven(
  placement: Placement,
  segments: readonly PlacedSegment[],
  hosts: readonly PlacementHost[],
): void {
  const fullness = fullnessOf(placement, segments, hosts);
  expect(Math.min(...fullness)).toBeGreaterThan(0.9);
  expect(Math.max(...fullness)).toBeLessThan(1.1);
}

function expectApart(
  placement: Placement,
  hosts: readonly PlacementHost[],
  replication: number,
): void {
  const rackOf = new Map(hosts.map(({ id, rack }) => [id, rack ?? id]));
  for (const [segment, holders] of placement) {
    expect(new Set(holders).size, segment).toBe(replication);
    expect(new Set(holders.map((host) => rackOf.get(host))).size, segment).toBe(replication);
  }
}

describe('place', () => {
  test.each(cases)(
    '$hosts hosts, $racks racks, $replication replicas, seed $seed: apart, and even by capacity',
    (shape) => {
      const { segments, hosts } = instance(shape);
      // Two racks of unlike capacity cannot both be even and hold one replica each.
      const like =
        shape.racks === 2 ? hosts.map((host) => ({ ...host, capacityBytes: 1e10 })) : hosts;
      const { placement, conditions } = place(segments, like, shape);
      expect(conditions).toEqual([]);
      expect(placement.size).toBe(segments.length);
      expectApart(placement, like, shape.replication);
      expectEven(placement, segments, like);
    },
  );

  test.each(cases)(
    '$hosts hosts, $racks racks, seed $seed: the order of the input does not matter',
    (shape) => {
      const { random, segments, hosts } = instance(shape);
      const { placement } = place(segments, hosts, shape);
      const other = place(shuffled(random, segments), shuffled(random, hosts), shape);
      expect(new Map([...other.placement].sort())).toEqual(new Map([...placement].sort()));
    },
  );

  test.each(cases)(
    '$hosts hosts, $racks racks, seed $seed: placing again moves nothing',
    (shape) => {
      const { segments, hosts } = instance(shape);
      const { placement } = place(segments, hosts, shape);
      const again = place(segments, hosts, { ...shape, current: placement });
      expect(again.placement).toEqual(placement);
    },
  );

  test.each(cases.filter(({ hosts, racks, replication }) => hosts > replication && racks !== 2))(
    '$hosts hosts, $racks racks, seed $seed: a lost host moves its share, at most 1.5 times',
    (shape) => {
      const { random, segments, hosts } = instance(shape);
      const { placement } = place(segments, hosts, shape);
      const lost = random.pick(hosts).id;
      const left = hosts.filter(({ id }) => id !== lost);
      const after = place(segments, left, { ...shape, current: placement });
      expectApart(after.placement, left, Math.min(shape.replication, left.length));
      const copied = totalBytes(copiesBetween(placement, after.placement, segments));
      const had = bytesByHost(placement, segments).get(lost)!;
      expect(copied).toBeGreaterThanOrEqual(had);
      expect(copied).toBeLessThanOrEqual(1.5 * had);
      // What is not replaced stays where it is.
      const drained = hosts.map((host) => (host.id === lost ? { ...host, draining: true } : host));
      expect(place(segments, drained, { ...shape, current: placement })).toEqual(after);
    },
  );

  test.each(cases.filter(({ racks }) => racks !== 2))(
    '$hosts hosts, $racks racks, seed $seed: a host that joins takes its share, and nothing else moves',
    (shape) => {
      const { segments, hosts } = instance(shape);
      const { placement } = place(segments, hosts, shape);
      const joined = {
        id: 'new',
        capacityBytes: 12e9,
        ...(shape.racks > 0 ? { rack: 'rack-0' } : {}),
      };
      const more = [...hosts, joined];
      const after = place(segments, more, { ...shape, current: placement });
      const copied = copiesBetween(placement, after.placement, segments);
      expect(copied.filter(({ host }) => host !== 'new')).toEqual([]);
      const index = more.length - 1;
      const fullness = fullnessOf(after.placement, segments, more)[index]!;
      expect(fullness).toBeGreaterThan(0.9);
      expect(fullness).toBeLessThan(1.1);
    },
  );

  test('new replicas leave half of the tolerance free, so that balance alone moves little', () => {
    const { segments, hosts } = instance({ seed: 4, hosts: 60, racks: 6 });
    const { placement } = place(segments, hosts, { replication: 2 });
    expect(Math.max(...fullnessOf(placement, segments, hosts))).toBeLessThan(1.03);
  });

  test.each([1, 2, 3])(
    'seed $0: through joins, leaves, growth and retirement it stays apart and even',
    (seed) => {
      const random = seededRandom(seed);
      let hosts = randomHosts(random, 12, 4);
      let segments = randomSegments(random, 2_000);
      let current = place(segments, hosts, { replication: 2 }).placement;
      for (let step = 0; step < 15; step++) {
        const change = random.integer(0, 3);
        if (change === 0 && hosts.length > 10) {
          const gone = random.pick(hosts);
          hosts = hosts.filter((host) => host !== gone);
        }
        if (change === 1) {
          hosts = [...hosts, { id: `late-${step}`, rack: `rack-${step % 4}`, capacityBytes: 12e9 }];
        }
        if (change === 2) {
          const grown = randomSegments(random, 100).map(({ id, bytes }) => ({
            id: `${id}-${step}`,
            bytes,
          }));
          segments = [...segments, ...grown];
        }
        if (change === 3) segments = segments.filter(() => random.next() > 0.1);
        const outcome = place(segments, hosts, { replication: 2, current });
        expectApart(outcome.placement, hosts, 2);
        expectEven(outcome.placement, segments, hosts);
        expect(place(segments, hosts, { replication: 2, current: outcome.placement })).toEqual(
          outcome,
        );
        current = outcome.placement;
      }
    },
  );
});

describe('what hosts cannot give', () => {
  const segments = randomSegments(seededRandom(1), 300);
  const host = (id: string, more: Partial<PlacementHost> = {}): PlacementHost => ({
    id,
    capacityBytes: 1e9,
    ...more,
  });
  const reasonsFor = (hosts: readonly PlacementHost[], replication: number) =>
    place(segments, hosts, { replication }).conditions.map(({ reason }) => reason);

  test.each([
    { why: 'no host', hosts: [], replicas: 0, reasons: ['HOSTS_TOO_FEW'] },
    { why: 'one host for two', hosts: [host('a')], replicas: 1, reasons: ['HOSTS_TOO_FEW'] },
    {
      why: 'the second is drained',
      hosts: [host('a'), host('b', { draining: true })],
      replicas: 1,
      reasons: ['HOSTS_TOO_FEW'],
    },
    {
      why: 'the second has no capacity',
      hosts: [host('a'), host('b', { capacityBytes: 0 })],
      replicas: 1,
      reasons: ['HOSTS_TOO_FEW'],
    },
    {
      why: 'one rack for two',
      hosts: [host('a', { rack: 'r' }), host('b', { rack: 'r' }), host('c', { rack: 'r' })],
      replicas: 2,
      reasons: ['RACKS_TOO_FEW'],
    },
    { why: 'no racks at all', hosts: [host('a'), host('b')], replicas: 2, reasons: [] },
    {
      why: 'disks too small',
      hosts: [host('a', { capacityBytes: 1000 }), host('b', { capacityBytes: 1000 })],
      replicas: 2,
      reasons: ['CAPACITY_TOO_SMALL'],
    },
  ])('$why: $reasons, and as many replicas as there can be', ({ hosts, replicas, reasons }) => {
    expect(reasonsFor(hosts, 2)).toEqual(reasons);
    for (const holders of place(segments, hosts, { replication: 2 }).placement.values()) {
      expect(holders).toHaveLength(replicas);
    }
  });

  test('a small rack: apart comes before even, and the others share what it cannot take', () => {
    const hosts = [
      host('small', { rack: 'a' }),
      ...['b1', 'b2', 'b3', 'b4'].map((id) => host(id, { rack: 'b' })),
    ];
    const { placement, conditions } = place(segments, hosts, { replication: 2 });
    expect(conditions).toEqual([]);
    expectApart(placement, hosts, 2);
    const bytes = bytesByHost(placement, segments);
    for (const id of ['b1', 'b2', 'b3', 'b4']) {
      expect(bytes.get(id)! / bytes.get('small')!).toBeGreaterThan(0.25 * 0.9);
      expect(bytes.get(id)! / bytes.get('small')!).toBeLessThan(0.25 * 1.1);
    }
  });

  test('a rack that is added takes one replica of every segment', () => {
    const before = [host('a', { rack: 'r' }), host('b', { rack: 'r' })];
    const { placement } = place(segments, before, { replication: 2 });
    const after = [...before, host('c', { rack: 's' })];
    const outcome = place(segments, after, { replication: 2, current: placement });
    expectApart(outcome.placement, after, 2);
    expect(outcome.conditions).toEqual([]);
    const copied = copiesBetween(placement, outcome.placement, segments);
    expect(new Set(copied.map((copy) => copy.host))).toEqual(new Set(['c']));
  });

  test('a segment larger than all others together is placed nevertheless', () => {
    const large = [{ id: 'large', bytes: 1e7 }, ...segments];
    const { placement } = place(large, [host('a'), host('b'), host('c')], { replication: 2 });
    expect(placement.get('large')).toHaveLength(2);
  });

  test('a lower replication lets go, and copies nothing', () => {
    const hosts = ['a', 'b', 'c', 'd'].map((id) => host(id));
    const { placement } = place(segments, hosts, { replication: 3 });
    const fewer = place(segments, hosts, { replication: 2, current: placement }).placement;
    for (const holders of fewer.values()) expect(holders).toHaveLength(2);
    const copied = totalBytes(copiesBetween(placement, fewer, segments));
    expect(copied).toBeLessThan(0.1 * totalBytes(segments));
  });
});
