import { type Random, seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { clusterOf } from './cluster.ts';
import { evenShares } from './even-shares.ts';
import { place } from './place.ts';
import type { PlacedSegment, PlacementHost } from './placement.ts';

const seeds = Array.from({ length: 100 }, (_, i) => i + 1);

/** Clusters as nobody would build them: unlike racks, some hosts without one, tiny and huge and no capacities. */
function strangeHosts({ integer, pick, next }: Random): PlacementHost[] {
  return Array.from({ length: integer(0, 9) }, (_, i) => ({
    id: `h${i}`,
    ...(next() < 0.8 ? { rack: `r${integer(0, 3)}` } : {}),
    capacityBytes: pick([0, 1, 1e3, 1e9, 1e9, 3e9, 1e15]),
    draining: next() < 0.15,
  }));
}

function strangeSegments({ integer, pick }: Random): PlacedSegment[] {
  return Array.from({ length: integer(0, 40) }, (_, i) => ({
    id: `s${i}`,
    bytes: pick([0, 1, 500, 1_000, 1e6, integer(1, 1e9)]),
  }));
}

describe('place, given anything', () => {
  test.each(seeds)(
    'seed %i: as many replicas as there can be, as far apart as they can be',
    (seed) => {
      const random = seededRandom(seed);
      const segments = strangeSegments(random);
      const replication = random.integer(1, 4);
      let current = place(segments, strangeHosts(random), { replication }).placement;
      for (let round = 0; round < 3; round++) {
        const hosts = strangeHosts(random);
        const cluster = clusterOf(hosts, replication);
        const outcome = place(segments, hosts, { replication, current });
        const rackOf = new Map(cluster.ids.map((id, i) => [id, cluster.racks[i]!]));
        expect(outcome.placement.size).toBe(segments.length);
        for (const holders of outcome.placement.values()) {
          expect(new Set(holders).size).toBe(Math.min(replication, cluster.ids.length));
          expect(holders.every((host) => rackOf.has(host))).toBe(true);
          const racks = Map.groupBy(holders, (host) => rackOf.get(host)!);
          for (const together of racks.values()) {
            expect(together.length).toBeLessThanOrEqual(cluster.replicasPerRack);
          }
        }
        const again = place(segments, hosts, { replication, current: outcome.placement });
        expect(again).toEqual(outcome);
        current = outcome.placement;
      }
    },
  );

  test.each(seeds)(
    'seed %i: even shares are all there is, and no more than a host or rack may hold',
    (seed) => {
      const random = seededRandom(seed);
      const cluster = clusterOf(strangeHosts(random), random.integer(1, 4));
      const shares = evenShares(cluster, 1_000);
      const sum = shares.reduce((all, share) => all + share, 0);
      expect(sum / 1_000).toBeCloseTo(cluster.replication, 6);
      const byRack = new Map<number, number>();
      shares.forEach((share, host) => {
        expect(share).toBeLessThanOrEqual(1_000);
        const rack = cluster.racks[host]!;
        byRack.set(rack, (byRack.get(rack) ?? 0) + share);
      });
      for (const share of byRack.values()) {
        expect(share).toBeLessThanOrEqual(1_000 * cluster.replicasPerRack * (1 + 1e-9));
      }
    },
  );
});
