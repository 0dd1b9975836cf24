import type { PlacedSegment, PlacementHost } from '@tessera/placement';

/** Places every segment on `replication` hosts, by number, with nothing remembered. */
export type Rival = (
  segments: readonly PlacedSegment[],
  hosts: readonly PlacementHost[],
  replication: number,
) => Map<string, string[]>;

/** Rendezvous hashing as it is: each segment on its highest-scoring hosts, however full they are. */
export const rendezvous: Rival = (segments, hosts, replication) => {
  const hostHashes = Uint32Array.from(hosts, ({ id }) => fnv(id));
  const placement = new Map<string, string[]>();
  for (const { id } of segments) {
    const hash = fnv(id);
    const best: { host: number; score: number }[] = [];
    for (let host = 0; host < hosts.length; host++) {
      const score = mix(hash ^ hostHashes[host]!);
      if (best.length === replication && score <= best[replication - 1]!.score) continue;
      best.push({ host, score });
      best.sort((a, b) => b.score - a.score);
      if (best.length > replication) best.pop();
    }
    placement.set(
      id,
      best.map(({ host }) => hosts[host]!.id),
    );
  }
  return placement;
};

/** The hash of the segment modulo the hosts, and the hosts after it. */
export const modulo: Rival = (segments, hosts, replication) =>
  new Map(
    segments.map(({ id }) => {
      const first = fnv(id) % hosts.length;
      const numbers = Array.from({ length: replication }, (_, i) => (first + i) % hosts.length);
      return [id, numbers.map((host) => hosts[host]!.id)];
    }),
  );

function fnv(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mix(hash);
}

function mix(bits: number): number {
  const first = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return (second ^ (second >>> 16)) >>> 0;
}
