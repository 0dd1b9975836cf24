import type { SeenNode, StoredItem } from './stored-item.ts';

/**
 * A round over all files of deep storage, in the order of their digests from `start` on and around. A leader begins its first
 * round anywhere: if all began at the same file, leaders that do not last would never come to the others.
 */
export interface DeepRound {
  readonly start: string;
  /** The last one that was read. */
  readonly after?: string;
}

/** Some of a round that one call reads: little enough that a call which breaks off costs little. */
export interface DeepBatch {
  /** In the order of the round; none: the round is over. */
  readonly digests: readonly string[];
  readonly round: DeepRound;
}

const maxFiles = 64;
const maxBytes = 256 << 20;

/** What to read next of deep storage. */
export function nextDeepBatch(items: readonly StoredItem[], round: DeepRound): DeepBatch {
  const placeOf = (digest: string) => `${digest < round.start ? 1 : 0}${digest}`;
  const after = round.after === undefined ? '' : placeOf(round.after);
  const left = [...sizesInDeep(items)]
    .map(([digest, bytes]) => ({ digest, bytes, place: placeOf(digest) }))
    .filter(({ place }) => place > after)
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .slice(0, maxFiles);
  let bytes = 0;
  const digests = left
    .filter((file, i) => {
      bytes += file.bytes;
      return i === 0 || bytes <= maxBytes;
    })
    .map(({ digest }) => digest);
  const last = digests.at(-1);
  return { digests, round: last === undefined ? round : { ...round, after: last } };
}

/** Who reads deep storage: a node that answers and has one. One that is drained may be about to go. */
export function deepReader(
  nodes: readonly SeenNode[],
  isExcluded: (node: string) => boolean,
): string | undefined {
  const able = nodes.filter(({ id, state }) => state === 'alive' && !isExcluded(id));
  return [...able].sort(
    (a, b) => Number(a.draining) - Number(b.draining) || (a.id < b.id ? -1 : 1),
  )[0]?.id;
}

/** Items that metadata says are in deep storage although one of these files is not, or not whole. */
export function lostInDeep(
  items: readonly StoredItem[],
  digests: ReadonlySet<string>,
): StoredItem[] {
  return items.filter(
    ({ inDeepStorage, files }) =>
      inDeepStorage && files.some(({ fileDigest }) => digests.has(fileDigest)),
  );
}

/** By digest: bytes, 0 where they are not known. */
function sizesInDeep(items: readonly StoredItem[]): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { inDeepStorage, files } of items) {
    if (!inDeepStorage) continue;
    for (const { fileDigest, sizeBytes } of files) sizes.set(fileDigest, Number(sizeBytes));
  }
  return sizes;
}
