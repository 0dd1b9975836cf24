import type { Clock, KeyValueStore, WatchBatch } from '@tessera/base';
import type { coordination } from '@tessera/proto';
import {
  alreadyExists,
  badRequest,
  contended,
  etagMismatch,
  notFound,
  requestIdReused,
} from '../errors.ts';
import { Commit } from './commit.ts';
import { applyMask, pickFields } from './field-mask.ts';
import { decodePageToken, encodePageToken, pageSizeOf } from './page-token.ts';
import { readWhole } from './read-whole.ts';
import type { RequestIds } from './request-ids.ts';
import { keyOf, nameOf, selectChildren } from './resource-key.ts';
import {
  decodeResource,
  encodeResource,
  type Resource,
  type ResourceKind,
  timestampOf,
  withRevision,
} from './resource-kind.ts';
import { requireWhole } from './restore-marker.ts';

/** How often a write that was overtaken decides again. */
export const attempts = 32;

/** What every table stands on. */
export interface TableContext {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly requestIds: RequestIds;
  /** A new id that was never given before, such as a UUID. */
  readonly newUid: () => string;
}

export interface Change<T> {
  readonly before: T | undefined;
  readonly after: T;
}

/** What is particular to one kind. Each adds to the commit what must hold, and what else is written. */
export interface ResourceRules<T extends Resource> {
  /** May change what is written, such as count a version. */
  onWrite?(change: Change<T>, commit: Commit): Promise<T>;
  onDelete?(resource: T, commit: Commit, options: { readonly force: boolean }): Promise<void>;
}

interface WriteOptions {
  readonly validateOnly?: boolean;
  readonly fence?: coordination.Fence | undefined;
}

/** The resources of one kind: one key each, optimistic writes, pinned pages, watches. */
export class ResourceTable<T extends Resource> {
  readonly kind: ResourceKind<T>;
  readonly #context: TableContext;
  readonly #rules: ResourceRules<T>;

  constructor(kind: ResourceKind<T>, context: TableContext, rules: ResourceRules<T> = {}) {
    this.kind = kind;
    this.#context = context;
    this.#rules = rules;
  }

  /** @throws NOT_FOUND. */
  async get(name: string): Promise<T> {
    const resource = await this.find(name);
    if (resource === undefined) throw notFound(this.kind.kind, name);
    return resource;
  }

  async find(name: string): Promise<T | undefined> {
    const { entry } = await this.#context.store.get(keyOf(this.kind.pattern, name));
    return entry && decodeResource(this.kind, entry);
  }

  async list(request: ListRequest<T>): Promise<ResourcePage<T>> {
    const { range, matches } = selectChildren(this.kind.pattern, request.parent ?? '');
    const query = [this.kind.kind, request.parent, request.filterText ?? ''];
    const size = pageSizeOf(request.pageSize);
    const page = decodePageToken(request.pageToken, query);
    const resources: T[] = [];
    let [revision, after] = [page?.revision, page?.after];
    for (;;) {
      const read = await this.#context.store.list(range, {
        limit: size,
        ...(revision === undefined ? {} : { revision }),
        ...(after === undefined ? {} : { startAfter: after }),
      });
      if (revision === undefined) await requireWhole(this.#context.store, read.revision);
      revision = read.revision;
      for (const entry of read.entries) {
        after = entry.key;
        if (!matches(entry.key)) continue;
        const resource = decodeResource(this.kind, entry);
        if (request.filter?.(resource) === false) continue;
        resources.push(resource);
        if (resources.length === size) break;
      }
      const last = read.entries.at(-1);
      const more = read.more || (last !== undefined && last.key !== after);
      if (!more) return { resources, nextPageToken: '', revision };
      if (resources.length < size) continue;
      const nextPageToken = encodePageToken({ revision, after: after! }, query);
      return { resources, nextPageToken, revision };
    }
  }

  /** All children of a parent at one revision. */
  async all(parent: string): Promise<{ readonly resources: T[]; readonly revision: bigint }> {
    const resources: T[] = [];
    let pageToken = '';
    for (;;) {
      const page = await this.list({ parent, pageSize: 1000, pageToken });
      resources.push(...page.resources);
      pageToken = page.nextPageToken;
      if (pageToken === '') return { resources, revision: page.revision };
    }
  }

  /** The same by age: for kinds of which there are never too many to sort. */
  async listNewestFirst(request: ListRequest<T>): Promise<ResourcePage<T>> {
    const query = [this.kind.kind, 'newest', request.filterText ?? ''];
    const size = pageSizeOf(request.pageSize);
    const page = decodePageToken(request.pageToken, query);
    const { range } = selectChildren(this.kind.pattern, '');
    const { entries, revision } = await readWhole(this.#context.store, range, page?.revision);
    await requireWhole(this.#context.store, revision);
    entries.sort((a, b) => (a.createRevision > b.createRevision ? -1 : 1));
    const start = page === undefined ? 0 : entries.findIndex(({ key }) => key === page.after) + 1;
    const resources: T[] = [];
    for (const [i, entry] of entries.entries()) {
      if (i < start) continue;
      const resource = decodeResource(this.kind, entry);
      if (request.filter?.(resource) === false) continue;
      resources.push(resource);
      if (resources.length < size || i === entries.length - 1) continue;
      const nextPageToken = encodePageToken({ revision, after: entry.key }, query);
      return { resources, nextPageToken, revision };
    }
    return { resources, nextPageToken: '', revision };
  }

  /** @throws ALREADY_EXISTS, unless the same request made it: then its outcome is given again. */
  async create(request: CreateRequest<T>): Promise<T> {
    const { name, resource, requestId = '' } = request;
    const key = keyOf(this.kind.pattern, name);
    return this.#repeat(name, async () => {
      const known = await this.#context.requestIds.find(this.kind.kind, requestId);
      if (known !== undefined) return this.#outcomeOf(known, requestId, name);
      const commit = new Commit();
      const now = timestampOf(this.#context.clock.now());
      const stamped = {
        ...this.kind.codec.decode(new Uint8Array()),
        ...(resource && pickFields(this.kind, resource)),
        name,
        uid: this.#context.newUid(),
        createTime: now,
        updateTime: now,
      };
      const after =
        (await this.#rules.onWrite?.({ before: undefined, after: stamped }, commit)) ?? stamped;
      const value = encodeResource(this.kind, after);
      commit.fence(request.fence).put(key, value);
      await this.#context.requestIds.remember(commit, this.kind.kind, requestId, value);
      commit.requireAbsent(key, () => alreadyExists(this.kind.kind, name));
      return this.#run(commit, after, request);
    });
  }

  /** @throws NOT_FOUND, ABORTED ETAG_MISMATCH. Writing what is there already changes nothing. */
  async update(request: UpdateRequest<T>): Promise<T> {
    const { resource, updateMask, allowMissing = false } = request;
    if (resource === undefined) throw badRequest(this.kind.kind, 'is missing.');
    const { name, etag } = resource;
    const key = keyOf(this.kind.pattern, name);
    return this.#repeat(name, async () => {
      const before = await this.find(name);
      if (before === undefined) {
        if (!allowMissing || etag !== '') throw notFound(this.kind.kind, name);
        return this.#createMissing(request, name, resource);
      }
      if (etag !== '' && etag !== before.etag) throw etagMismatch(name, etag);
      const commit = new Commit().fence(request.fence);
      commit.requireUnchanged(key, before.revision, () =>
        etag === '' ? undefined : etagMismatch(name, etag),
      );
      const changed = applyMask(this.kind, before, resource, updateMask);
      if (this.#same(before, changed)) {
        return this.#run(commit, before, { validateOnly: true });
      }
      const stamped = { ...changed, updateTime: timestampOf(this.#context.clock.now()) };
      const after = (await this.#rules.onWrite?.({ before, after: stamped }, commit)) ?? stamped;
      commit.put(key, encodeResource(this.kind, after));
      return this.#run(commit, after, request);
    });
  }

  async delete(request: DeleteRequest): Promise<void> {
    const { name, etag, allowMissing = false, force = false } = request;
    const key = keyOf(this.kind.pattern, name);
    await this.#repeat(name, async () => {
      const before = await this.find(name);
      if (before === undefined) {
        if (allowMissing) return true;
        throw notFound(this.kind.kind, name);
      }
      if (etag !== '' && etag !== before.etag) throw etagMismatch(name, etag);
      const commit = new Commit().fence(request.fence);
      commit.requireUnchanged(key, before.revision, () =>
        etag === '' ? undefined : etagMismatch(name, etag),
      );
      await this.#rules.onDelete?.(before, commit, { force });
      commit.delete(key);
      return (await commit.run(this.#context.store)) && true;
    });
  }

  /**
   * Changes one by one; after those of each revision a mark of that revision, so that a reader knows that
   * it has seen the whole transaction.
   */
  async *watch(request: WatchRequest): AsyncGenerator<ResourceEvent<T>> {
    const { range, matches } = selectChildren(this.kind.pattern, request.parent ?? '');
    if (request.startRevision < 0n) throw badRequest('start_revision', 'must not be negative.');
    const { store } = this.#context;
    const startRevision =
      request.startRevision === 0n ? (await store.status()).revision + 1n : request.startRevision;
    const { signal } = request;
    for await (const batch of store.watch(range, { startRevision, ...(signal && { signal }) })) {
      yield* this.#eventsOf(batch, matches);
    }
  }

  *#eventsOf({ events, revision }: WatchBatch, matches: (key: string) => boolean) {
    for (const event of events) {
      const key = event.kind === 'put' ? event.entry.key : event.key;
      if (!matches(key)) continue;
      yield event.kind === 'put'
        ? ({ put: decodeResource(this.kind, event.entry), revision } as const)
        : ({ deletedName: nameOf(this.kind.pattern, key), revision } as const);
    }
    yield { revision };
  }

  async #createMissing(
    request: UpdateRequest<T>,
    name: string,
    resource: T,
  ): Promise<T | undefined> {
    const { validateOnly = false, fence } = request;
    try {
      return await this.create({ name, resource, validateOnly, fence });
    } catch (error) {
      // Somebody created it in between: then this is an update after all.
      if ((await this.find(name)) !== undefined) return undefined;
      throw error;
    }
  }

  async #run(commit: Commit, resource: T, options: WriteOptions): Promise<T | undefined> {
    const validateOnly = options.validateOnly ?? false;
    const result = await commit.run(this.#context.store, { validateOnly });
    if (result === undefined) return undefined;
    return validateOnly ? resource : withRevision(resource, result.revision);
  }

  /** Until a try was not overtaken. */
  async #repeat<R>(name: string, attempt: () => Promise<R | undefined>): Promise<R> {
    for (let i = 0; i < attempts; i++) {
      try {
        const outcome = await attempt();
        if (outcome !== undefined) return outcome;
      } catch (error) {
        if (!this.#context.requestIds.forgetLease(error)) throw error;
      }
    }
    throw contended(name);
  }

  #outcomeOf(known: { outcome: Uint8Array; revision: bigint }, requestId: string, name: string): T {
    const resource = this.kind.codec.decode(known.outcome);
    if (resource.name !== name) throw requestIdReused(requestId, resource.name);
    return withRevision(resource, known.revision);
  }

  #same(a: T, b: T): boolean {
    return Buffer.compare(encodeResource(this.kind, a), encodeResource(this.kind, b)) === 0;
  }
}

export interface ListRequest<T> {
  readonly parent?: string;
  readonly pageSize: number;
  readonly pageToken: string;
  readonly filter?: (resource: T) => boolean;
  /** Says what the filter does: a page token is only good for the same. */
  readonly filterText?: string;
}

export interface ResourcePage<T> {
  readonly resources: readonly T[];
  readonly nextPageToken: string;
  readonly revision: bigint;
}

export interface CreateRequest<T> extends WriteOptions {
  readonly name: string;
  readonly resource: T | undefined;
  readonly requestId?: string;
}

export interface UpdateRequest<T> extends WriteOptions {
  readonly resource: T | undefined;
  readonly updateMask: readonly string[] | undefined;
  readonly allowMissing?: boolean;
}

export interface DeleteRequest {
  readonly name: string;
  readonly etag: string;
  readonly allowMissing?: boolean;
  readonly force?: boolean;
  readonly fence?: coordination.Fence | undefined;
}

export interface WatchRequest {
  readonly parent?: string;
  readonly startRevision: bigint;
  readonly signal?: AbortSignal;
}

/** With neither `put` nor `deletedName`: a mark. */
export interface ResourceEvent<T> {
  readonly put?: T;
  readonly deletedName?: string;
  readonly revision: bigint;
}
