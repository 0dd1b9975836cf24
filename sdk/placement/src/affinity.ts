/**
 * Affinity: how much a segment is drawn to a host. It is weighted rendezvous hashing (Thaler and Ravishankar, "Using
 * name-based mappings to increase hit rates", 1998) as a race of exponential clocks: of all hosts, the one with the
 * smallest distance is the segment's, and a host of twice the weight is the nearest one twice as often. What a segment
 * thinks of one host does not depend on which others there are.
 */

/** A 32-bit hash of a name: FNV-1a over its UTF-16 units, then mixed. */
export function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return mixed(hash);
}

/** The finalizer of MurmurHash3: each bit of the input changes half of the output's. */
export function mixed(bits: number): number {
  const first = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const second = Math.imul(first ^ (first >>> 13), 0xc2b2ae35);
  return (second ^ (second >>> 16)) >>> 0;
}

/**
 * A number in (0, 1) drawn by a segment and a host. It is already a lower bound of their distance, times the weight:
 * whoever looks for the nearest host need not take the logarithm for most.
 */
export function drawOf(segmentHash: number, hostHash: number): number {
  return (mixed(segmentHash ^ hostHash) + 0.5) / 4294967296;
}

/** Distance of a draw: exponentially distributed with rate `1 / inverseWeight`. */
export function distanceOf(draw: number, inverseWeight: number): number {
  return -Math.log1p(-draw) * inverseWeight;
}
