import { type KeyValue, type KeyValueStore, messageOf } from '@tessera/base';
import { allKinds } from '../resources/all-kinds.ts';
import { readRange } from '../resources/read-whole.ts';
import { collectionOf, nameOf, root } from '../resources/resource-key.ts';
import { decodeResource, type Resource, type ResourceKind } from '../resources/resource-kind.ts';

/** What is kept under names, by collection. */
export const kinds: ReadonlyMap<string, ResourceKind<Resource>> = new Map(
  Object.values(allKinds).map((kind) => [
    collectionOf(kind.pattern),
    kind as unknown as ResourceKind<Resource>,
  ]),
);

export interface FoundResource {
  readonly kind: string;
  readonly key: string;
  readonly resource: Resource;
}

/** A key of the daemon itself, such as `uses/models/p/m`. */
export interface FoundKey {
  readonly key: string;
  readonly collection: string;
  readonly ids: readonly string[];
  readonly value: Uint8Array;
  readonly modRevision: bigint;
}

/** Everything that the store holds at one revision. */
export interface Catalog {
  readonly revision: bigint;
  readonly checkedCount: number;
  readonly resources: ReadonlyMap<string, FoundResource>;
  readonly keys: readonly FoundKey[];
  readonly undecodable: readonly { readonly key: string; readonly detail: string }[];
}

export async function readCatalog(store: KeyValueStore): Promise<Catalog> {
  const { revision } = await store.status();
  const resources = new Map<string, FoundResource>();
  const keys: FoundKey[] = [];
  const undecodable: { key: string; detail: string }[] = [];
  let checkedCount = 0;
  for await (const entry of readRange(store, { start: '' }, { revision })) {
    checkedCount++;
    const { key, modRevision } = entry;
    const [collection = '', ...ids] = key.startsWith(`${root}/`) ? key.split('/').slice(3) : [];
    const kind = kinds.get(collection);
    if (kind === undefined) {
      keys.push({ key, collection, ids, value: entry.value, modRevision });
      continue;
    }
    const read = decode(kind, entry);
    if ('detail' in read) undecodable.push({ key, detail: read.detail });
    else resources.set(read.resource.name, { kind: kind.kind, key, resource: read.resource });
  }
  return { revision, checkedCount, resources, keys, undecodable };
}

function decode(
  kind: ResourceKind<Resource>,
  entry: KeyValue,
): { readonly resource: Resource } | { readonly detail: string } {
  try {
    const resource = decodeResource(kind, entry);
    const name = nameOf(kind.pattern, entry.key);
    if (resource.name === name) return { resource };
    return { detail: `it calls itself ${JSON.stringify(resource.name)}` };
  } catch (error) {
    return { detail: messageOf(error) };
  }
}
