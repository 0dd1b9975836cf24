import type { KeyRange, KeyValue, KeyValueStore } from '@tessera/base';

/** A whole range at one revision: the given one, or the newest. */
export async function readWhole(
  store: KeyValueStore,
  range: KeyRange,
  pinned?: bigint,
): Promise<{ readonly entries: KeyValue[]; readonly revision: bigint }> {
  const first = await store.list(range, pinned === undefined ? {} : { revision: pinned });
  const { revision } = first;
  const entries = [...first.entries];
  for (let { more } = first; more; ) {
    const next = await store.list(range, { revision, startAfter: entries.at(-1)!.key });
    entries.push(...next.entries);
    more = next.more;
  }
  return { entries, revision };
}
