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

/** The same entry by entry, for ranges that are too large to hold, or of which the first ones may do. */
export async function* readRange(
  store: KeyValueStore,
  range: KeyRange,
  pinned: { readonly revision?: bigint; readonly limit?: number } = {},
): AsyncGenerator<KeyValue> {
  let startAfter: string | undefined;
  let options = pinned;
  for (let more = true; more; ) {
    const page = await store.list(range, { ...options, ...(startAfter && { startAfter }) });
    options = { ...pinned, revision: page.revision };
    yield* page.entries;
    startAfter = page.entries.at(-1)?.key;
    more = page.more;
  }
}
