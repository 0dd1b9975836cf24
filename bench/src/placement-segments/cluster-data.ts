import { seededRandom } from '@tessera/base';
import type { PlacedSegment, Placement, PlacementHost } from '@tessera/placement';

/** Segments of many cubes: most are small, a few twenty times as large. */
export function segmentsOf(seed: number, count: number): PlacedSegment[] {
  const { next } = seededRandom(seed);
  return Array.from({ length: count }, (_, i) => ({
    id: `projects/p${i % 20}/cubes/c${i % 1_000}/segments/${i}`,
    bytes: Math.round(10_000_000 * 20 ** next()),
  }));
}

/** Equal hosts in as many racks. */
export function hostsOf(count: number, racks: number): PlacementHost[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `host-${i}`,
    rack: `rack-${i % racks}`,
    capacityBytes: 4e12,
  }));
}

/** How far the fullest or emptiest host is from even, in percent. */
export function unevenness(
  placement: Placement,
  segments: readonly PlacedSegment[],
  hosts: readonly PlacementHost[],
): number {
  const bytes = new Map(hosts.map(({ id }) => [id, 0]));
  let all = 0;
  for (const segment of segments) {
    for (const host of placement.get(segment.id)!) {
      bytes.set(host, bytes.get(host)! + segment.bytes);
      all += segment.bytes;
    }
  }
  const even = all / hosts.length;
  return 100 * Math.max(...[...bytes.values()].map((each) => Math.abs(each / even - 1)));
}

/** Bytes of the replicas that `after` has and `before` had not. */
export function copiedBytes(
  before: Placement,
  after: Placement,
  segments: readonly PlacedSegment[],
): number {
  let copied = 0;
  for (const { id, bytes } of segments) {
    const had = before.get(id)!;
    copied += bytes * after.get(id)!.filter((host) => !had.includes(host)).length;
  }
  return copied;
}

export function bytesOn(
  host: string,
  placement: Placement,
  segments: readonly PlacedSegment[],
): number {
  return segments.reduce(
    (sum, { id, bytes }) => sum + (placement.get(id)!.includes(host) ? bytes : 0),
    0,
  );
}
