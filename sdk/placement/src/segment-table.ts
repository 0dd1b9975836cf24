import { invariant } from '@tessera/base';
import { hashOf } from './affinity.ts';
import type { PlacedSegment } from './placement.ts';

/** Segments by number, in the order in which they are placed: large ones first, while there is room to choose. */
export interface SegmentTable {
  readonly ids: readonly string[];
  readonly hashes: Uint32Array;
  readonly bytes: Float64Array;
  /** One copy of everything. */
  readonly totalBytes: number;
}

/** The order does not depend on the order of the input. */
export function segmentTableOf(segments: readonly PlacedSegment[]): SegmentTable {
  const hashes = Uint32Array.from(segments, ({ id }) => hashOf(id));
  const bytes = Float64Array.from(segments, (segment) => segment.bytes);
  const order = Uint32Array.from(segments, (_, i) => i).sort(
    (a, b) =>
      bytes[b]! - bytes[a]! ||
      hashes[a]! - hashes[b]! ||
      (segments[a]!.id < segments[b]!.id ? -1 : 1),
  );
  const ids = Array.from(order, (i) => segments[i]!.id);
  invariant(
    ids.every((id, i) => i === 0 || id !== ids[i - 1]),
    'no segment is named twice',
  );
  return {
    ids,
    hashes: order.map((i) => hashes[i]!),
    bytes: Float64Array.from(order, (i) => bytes[i]!),
    totalBytes: bytes.reduce((sum, each) => sum + each, 0),
  };
}
