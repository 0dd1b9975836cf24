import type { Placement } from './placement.ts';

export interface CopyStep {
  readonly kind: 'copy';
  readonly segment: string;
  /** A host with a good replica; `undefined`: no host has one, so it comes from deep storage. */
  readonly from: string | undefined;
  readonly to: string;
  readonly bytes: number;
}

export interface DropStep {
  readonly kind: 'drop';
  readonly segment: string;
  readonly host: string;
  readonly bytes: number;
}

export type MoveStep = CopyStep | DropStep;

/** Steps of one batch: all copies first, in any order or at once; when every copy has been verified, the drops. */
export interface MoveBatch {
  readonly copies: readonly CopyStep[];
  readonly drops: readonly DropStep[];
}

export interface MoveOptions {
  readonly bytesOf: (segment: string) => number;
  /** What a batch may copy. A segment that alone is larger makes a batch of its own. */
  readonly batchBytes: number;
}

/**
 * The steps from where good replicas are to where they should be. Taken in order, no segment ever has fewer good replicas than
 * before, or than are wanted if those are fewer: a replica is dropped only after all of its segment's copies. Segments with the fewest good
 * replicas come first. Segments that `to` does not name, or wants nowhere because there is no host, are left
 * alone: who retires a segment deletes it.
 */
export function moves(from: Placement, to: Placement, options: MoveOptions): MoveBatch[] {
  const { bytesOf, batchBytes } = options;
  const readBytes = new Map<string, number>();
  const batches: { copies: CopyStep[]; drops: DropStep[] }[] = [];
  let room = 0;
  for (const segment of mostUrgentFirst(from, to)) {
    const good = from.get(segment) ?? [];
    const wanted = to.get(segment)!;
    const bytes = bytesOf(segment);
    for (const host of wanted.filter((host) => !good.includes(host)).toSorted()) {
      if (batches.length === 0 || bytes > room) {
        batches.push({ copies: [], drops: [] });
        room = batchBytes;
      }
      room -= bytes;
      const source = leastRead(good, readBytes);
      if (source !== undefined) readBytes.set(source, (readBytes.get(source) ?? 0) + bytes);
      batches.at(-1)!.copies.push({ kind: 'copy', segment, from: source, to: host, bytes });
    }
    for (const host of good.filter((host) => !wanted.includes(host)).toSorted()) {
      if (batches.length === 0) batches.push({ copies: [], drops: [] });
      batches.at(-1)!.drops.push({ kind: 'drop', segment, host, bytes });
    }
  }
  return batches;
}

/** Segments that differ, those with the fewest good replicas first. */
function mostUrgentFirst(from: Placement, to: Placement): string[] {
  const replicas = (segment: string) => from.get(segment)?.length ?? 0;
  const isSame = (segment: string, hosts: readonly string[]) =>
    replicas(segment) === hosts.length && hosts.every((host) => from.get(segment)!.includes(host));
  const different = [...to].filter(
    ([segment, hosts]) => hosts.length > 0 && !isSame(segment, hosts),
  );
  return different
    .map(([segment]) => segment)
    .sort((a, b) => replicas(a) - replicas(b) || (a < b ? -1 : 1));
}

/** Of the hosts with a good replica the one that the fewest bytes are read from so far. */
function leastRead(
  hosts: readonly string[],
  readBytes: ReadonlyMap<string, number>,
): string | undefined {
  const read = (host: string) => readBytes.get(host) ?? 0;
  return hosts.toSorted((a, b) => read(a) - read(b) || (a < b ? -1 : 1)).at(0);
}
