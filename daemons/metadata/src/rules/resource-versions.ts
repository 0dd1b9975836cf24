import type { KeyValueStore, TesseraError } from '@tessera/base';
import type { Commit } from '../resources/commit.ts';
import { decodePageToken, encodePageToken, pageSizeOf } from '../resources/page-token.ts';
import { idsOf, internalKey, selectBelow } from '../resources/resource-key.ts';
import {
  decodeResource,
  encodeResource,
  type Resource,
  type ResourceKind,
} from '../resources/resource-kind.ts';
import type { ResourceTable } from '../resources/resource-table.ts';

/** A resource of which every version is kept. */
export interface Versioned extends Resource {
  /** Counted from 1 without a gap. */
  readonly version: bigint;
}

export interface VersionPage<T> {
  readonly resources: readonly T[];
  readonly nextPageToken: string;
  readonly revision: bigint;
}

/** Where the versions of one kind of resource are kept. */
export class VersionKeys<T extends Versioned> {
  readonly kind: ResourceKind<T>;
  readonly collection: string;

  constructor(kind: ResourceKind<T>) {
    this.kind = kind;
    this.collection = `${kind.kind}-versions`;
  }

  /** Versions sort by number. */
  keyOf(name: string, version: bigint): string {
    const padded = String(version).padStart(12, '0');
    return internalKey(this.collection, ...idsOf(this.kind.pattern, name), padded);
  }

  /** All versions of a resource. */
  rangeOf(name: string) {
    return selectBelow(this.collection, idsOf(this.kind.pattern, name));
  }

  keep(commit: Commit, resource: T): void {
    commit.put(this.keyOf(resource.name, resource.version), encodeResource(this.kind, resource));
  }

  forget(commit: Commit, name: string): void {
    const { start, end } = this.rangeOf(name);
    commit.deletePrefix(start, end!);
  }
}

/** Every version that the resources of one kind ever had. */
export class ResourceVersions<T extends Versioned> {
  readonly #store: KeyValueStore;
  readonly #table: ResourceTable<T>;
  readonly #keys: VersionKeys<T>;
  readonly #unknown: (name: string, version: bigint) => TesseraError;

  /** @param unknown what is thrown for a version that there never was */
  constructor(
    store: KeyValueStore,
    table: ResourceTable<T>,
    unknown: (name: string, version: bigint) => TesseraError,
  ) {
    this.#store = store;
    this.#table = table;
    this.#keys = new VersionKeys(table.kind);
    this.#unknown = unknown;
  }

  /** @param version 0: the newest @throws OUT_OF_RANGE, NOT_FOUND when the resource is not there. */
  async get(name: string, version: bigint): Promise<T> {
    const newest = await this.#table.get(name);
    if (version === 0n || version === newest.version) return newest;
    if (version < 0n) throw this.#unknown(name, version);
    const { entry } = await this.#store.get(this.#keys.keyOf(name, version));
    if (entry === undefined) throw this.#unknown(name, version);
    return decodeResource(this.#table.kind, entry);
  }

  /** Newest first. */
  async list(request: {
    readonly name: string;
    readonly pageSize: number;
    readonly pageToken: string;
  }): Promise<VersionPage<T>> {
    const { name } = request;
    const size = pageSizeOf(request.pageSize);
    const query = [this.#keys.collection, name];
    const page = decodePageToken(request.pageToken, query);
    const resources: T[] = [];
    // Versions are counted without a gap, so a page is read from its last to its first.
    const high = page ? BigInt(page.after) - 1n : (await this.#table.get(name)).version;
    const revision = page?.revision ?? (await this.#store.status()).revision;
    const low = high - BigInt(size) + 1n > 1n ? high - BigInt(size) + 1n : 1n;
    const { entries } = await this.#store.list(
      { start: this.#keys.keyOf(name, low), end: this.#keys.rangeOf(name).end! },
      { revision, limit: Number(high - low + 1n) },
    );
    for (const entry of entries) resources.unshift(decodeResource(this.#table.kind, entry));
    const nextPageToken = low > 1n ? encodePageToken({ revision, after: `${low}` }, query) : '';
    return { resources, nextPageToken, revision };
  }

  /** What an older version says in some fields becomes what a new one says. */
  async rollback(
    request: {
      readonly name: string;
      readonly version: bigint;
      readonly etag: string;
      readonly validateOnly: boolean;
      readonly requestId: string;
    },
    fields: readonly (keyof T & string)[],
  ): Promise<T> {
    const { name, version, etag, validateOnly, requestId } = request;
    const older = await this.get(name, version);
    const current = await this.#table.get(name);
    const restored = Object.fromEntries(fields.map((field) => [field, older[field]]));
    const resource = { ...current, ...restored, etag };
    return this.#table.update({ resource, updateMask: fields, validateOnly, requestId });
  }
}
