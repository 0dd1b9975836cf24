import { invariant } from '@tessera/base';
import { distanceOf, drawOf } from './affinity.ts';
import type { Cluster } from './cluster.ts';
import type { SegmentTable } from './segment-table.ts';

/** Which hosts hold which segments, all by number, while a placement is being made. */
export class Assignment {
  readonly cluster: Cluster;
  readonly segments: SegmentTable;
  /** Bytes that each host should hold. */
  readonly shares: Float64Array;
  readonly loads: Float64Array;
  /** `replication` places for each segment; -1 is a free one, and those come last. */
  readonly #hosts: Int32Array;
  readonly #inverseWeights: Float64Array;

  constructor(cluster: Cluster, segments: SegmentTable, shares: Float64Array) {
    this.cluster = cluster;
    this.segments = segments;
    this.shares = shares;
    this.loads = new Float64Array(shares.length);
    this.#hosts = new Int32Array(segments.ids.length * cluster.replication).fill(-1);
    const largest = shares.reduce((most, share) => Math.max(most, share), 0) || 1;
    this.#inverseWeights = shares.map((share) => (share === 0 ? 1 : largest / share));
  }

  hostsOf(segment: number): Int32Array {
    const { replication } = this.cluster;
    const hosts = this.#hosts.subarray(segment * replication, (segment + 1) * replication);
    const free = hosts.indexOf(-1);
    return free < 0 ? hosts : hosts.subarray(0, free);
  }

  holds(host: number, segment: number): boolean {
    const { replication } = this.cluster;
    for (let i = segment * replication; i < (segment + 1) * replication; i++) {
      if (this.#hosts[i] === host) return true;
    }
    return false;
  }

  distance(segment: number, host: number): number {
    const draw = drawOf(this.segments.hashes[segment]!, this.cluster.hashes[host]!);
    return distanceOf(draw, this.#inverseWeights[host]!);
  }

  /** Whether the host may hold the segment once `leaving` does not: not twice on a host, nor too often in a rack. */
  mayHold(host: number, segment: number, leaving = -1): boolean {
    const { replication, replicasPerRack, racks } = this.cluster;
    let inRack = 0;
    for (let i = segment * replication; i < (segment + 1) * replication; i++) {
      const holder = this.#hosts[i]!;
      if (holder < 0) break;
      if (holder === host) return false;
      if (holder !== leaving && racks[holder] === racks[host]) inRack++;
    }
    return inRack < replicasPerRack;
  }

  add(segment: number, host: number): void {
    const { replication } = this.cluster;
    const free = this.#hosts.indexOf(-1, segment * replication);
    invariant(free >= 0 && free < (segment + 1) * replication, 'the segment has a free place');
    this.#hosts[free] = host;
    this.loads[host]! += this.segments.bytes[segment]!;
  }

  move(segment: number, from: number, to: number): void {
    const { replication } = this.cluster;
    const at = this.#hosts.indexOf(from, segment * replication);
    invariant(at >= 0 && at < (segment + 1) * replication, 'the segment is where it is moved from');
    this.#hosts[at] = to;
    this.loads[from]! -= this.segments.bytes[segment]!;
    this.loads[to]! += this.segments.bytes[segment]!;
  }

  /**
   * The nearest host that may hold the segment and would not exceed its share times `bound` (bounded load: Mirrokni,
   * Thorup and Zadimoghaddam, "Consistent hashing with bounded loads", 2018); -1 when there is none.
   */
  nearest(segment: number, bound: number, leaving = -1): number {
    const { hashes } = this.cluster;
    const hash = this.segments.hashes[segment]!;
    const bytes = this.segments.bytes[segment]!;
    let best = -1;
    let bestDistance = Number.POSITIVE_INFINITY;
    for (let host = 0; host < hashes.length; host++) {
      const draw = drawOf(hash, hashes[host]!);
      const inverseWeight = this.#inverseWeights[host]!;
      if (draw * inverseWeight >= bestDistance) continue;
      if (this.loads[host]! + bytes > this.shares[host]! * bound) continue;
      const distance = distanceOf(draw, inverseWeight);
      if (distance >= bestDistance || !this.mayHold(host, segment, leaving)) continue;
      best = host;
      bestDistance = distance;
    }
    return best;
  }

  /** The host that would be the least full, of those that may hold the segment; -1 when there is none. */
  emptiest(segment: number): number {
    let best = -1;
    for (let host = 0; host < this.loads.length; host++) {
      if (this.shares[host] === 0 && this.segments.totalBytes > 0) continue;
      if (!this.mayHold(host, segment)) continue;
      if (best < 0 || this.fullness(host) < this.fullness(best)) best = host;
    }
    return best;
  }

  /** Bytes as part of the even share: 1 is even. */
  fullness(host: number): number {
    return this.shares[host] === 0 ? 1 : this.loads[host]! / this.shares[host]!;
  }
}
