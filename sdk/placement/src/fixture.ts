import type { Random } from '@tessera/base';
import type { PlacedSegment, Placement, PlacementHost } from './placement.ts';

/** Segments of a few sizes around one, as those of a cube are. */
export function randomSegments({ integer }: Random, count: number): PlacedSegment[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `projects/p/cubes/c${i % 7}/segments/s${i}`,
    bytes: integer(500, 1500),
  }));
}

/** Hosts of about equal size, in as many racks. */
export function randomHosts({ integer }: Random, count: number, racks: number): PlacementHost[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `host-${i}`,
    ...(racks === 0 ? {} : { rack: `rack-${i % racks}` }),
    capacityBytes: integer(10, 14) * 1e9,
  }));
}

export function bytesByHost(
  placement: Placement,
  segments: readonly PlacedSegment[],
): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const segment of segments) {
    for (const host of placement.get(segment.id) ?? []) {
      bytes.set(host, (bytes.get(host) ?? 0) + segment.bytes);
    }
  }
  return bytes;
}

export interface Copied {
  readonly segment: string;
  readonly host: string;
  readonly bytes: number;
}

/** Replicas of `after` that were not there before. */
export function copiesBetween(
  before: Placement,
  after: Placement,
  segments: readonly PlacedSegment[],
): Copied[] {
  return segments.flatMap(({ id, bytes }) =>
    (after.get(id) ?? [])
      .filter((host) => before.get(id)?.includes(host) !== true)
      .map((host) => ({ segment: id, host, bytes })),
  );
}

export function totalBytes(items: readonly { readonly bytes: number }[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}

export function shuffled<T>({ integer }: Random, items: readonly T[]): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = integer(0, i);
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}
