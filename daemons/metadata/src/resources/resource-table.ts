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
import type { Remembered, RequestIds } from './request-ids.ts';
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
  readonly #updates: string;
  readonly #deletions: string;

  constructor(kind: ResourceKind<T>, context: TableContext, rules: ResourceRules<T> = {}) {
    this.kind = kind;
    this.#context = context;
    this.#rules = rules;
    this.#updates = `update-${kind.kind}`;
    this.#deletions = `delete-${kind.kind}`;
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
    return this.#once(this.kind.kind, request.name, request, () => this.#tryCreate(request));
  }

  /** @throws NOT_FOUND, ABORTED ETAG_MISMATCH. Writing what is there already changes nothing. */
  async update(request: UpdateRequest<T>): Promise<T> {
    const { resource } = request;
    if (resource === undefined) throw badRequest(this.kind.kind, 'is missing.');
    return this.#once(this.#updates, resource.name, request, () =>
      this.#tryUpdate(request, resource),
    );
  }

  async delete(request: DeleteRequest): Promise<void> {
    await this.#once(this.#deletions, request.name, request, () => this.#tryDelete(request));
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

  async #tryCreate(request: CreateRequest<T>): Promise<T | undefined> {
    const { name, resource, requestId = '' } = request;
    const key = keyOf(this.kind.pattern, name);
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
  }

  async #tryUpdate(request: UpdateRequest<T>, resource: T): Promise<T | undefined> {
    const { updateMask, allowMissing = false, requestId = '' } = request;
    const { name, etag } = resource;
    const key = keyOf(this.kind.pattern, name);
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
    if (this.#same(before, changed)) return this.#run(commit, before, { validateOnly: true });
    const stamped = { ...changed, updateTime: timestampOf(this.#context.clock.now()) };
    const after = (await this.#rules.onWrite?.({ before, after: stamped }, commit)) ?? stamped;
    const value = encodeResource(this.kind, after);
    commit.put(key, value);
    await this.#context.requestIds.remember(commit, this.#updates, requestId, value);
    return this.#run(commit, after, request);
  }

  /** What was deleted; a name and nothing else when nothing was there. */
  async #tryDelete(request: DeleteRequest): Promise<T | undefined> {
    const { name, etag, allowMissing = false, force = false, requestId = '' } = request;
    const key = keyOf(this.kind.pattern, name);
    const before = await this.find(name);
    if (before === undefined) {
      if (allowMissing) return { ...this.kind.codec.decode(new Uint8Array()), name };
      throw notFound(this.kind.kind, name);
    }
    if (etag !== '' && etag !== before.etag) throw etagMismatch(name, etag);
    const commit = new Commit().fence(request.fence);
    commit.requireUnchanged(key, before.revision, () =>
      etag === '' ? undefined : etagMismatch(name, etag),
    );
    await this.#rules.onDelete?.(before, commit, { force });
    commit.delete(key);
    const value = encodeResource(this.kind, before);
    await this.#context.requestIds.remember(commit, this.#deletions, requestId, value);
    return this.#run(commit, before, {});
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

  /** Until a try was not overtaken; not at all when the same request was made before. */
  async #once(
    method: string,
    name: string,
    { requestId = '' }: { readonly requestId?: string },
    attempt: () => Promise<T | undefined>,
  ): Promise<T> {
    const { requestIds } = this.#context;
    for (let i = 0; i < attempts; i++) {
      try {
        const outcome = await requestIds.once(method, requestId, attempt, (known) =>
          this.#outcomeOf(known, requestId, name),
        );
        if (outcome !== undefined) return outcome;
      } catch (error) {
        if (!requestIds.forgetLease(error)) throw error;
      }
    }
    throw contended(name);
  }

  #outcomeOf(known: Remembered, requestId: string, name: string): T {
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
  readonly requestId?: string;
}

export interface DeleteRequest {
  readonly name: string;
  readonly etag: string;
  readonly allowMissing?: boolean;
  readonly force?: boolean;
  readonly requestId?: string;
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
