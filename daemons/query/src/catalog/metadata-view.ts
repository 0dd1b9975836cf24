import { type Clock, isTesseraError } from '@tessera/base';
import {
  type CollectionName,
  type Collections,
  listAll,
  type TesseraClient,
  type WatchEvent,
  watchAll,
} from '@tessera/client';
import type { Logger } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import { until } from '../execute/until.ts';

const collections = ['sources', 'models', 'cubes', 'segments', 'snapshots'] as const;
type Collection = (typeof collections)[number];
const parents: Readonly<Record<Collection, string>> = {
  sources: 'projects/-',
  models: 'projects/-',
  cubes: 'projects/-',
  segments: 'projects/-/cubes/-',
  snapshots: 'projects/-',
};

/** Changes of one transaction share a revision; after this long without another one it is taken as whole. */
const settleMs = 10;

type Named = { readonly name: string; readonly etag: string };
type Changes = { readonly put: Map<string, Named>; readonly deleted: Set<string> };

/**
 * The metadata that queries need, followed by watches. Changes of one revision become visible together, so that a
 * publication is seen as a whole or not at all.
 */
export class MetadataView implements AsyncDisposable {
  readonly #client: TesseraClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #resources = {
    sources: new Map<string, Named>(),
    models: new Map<string, Named>(),
    cubes: new Map<string, Named>(),
    segments: new Map<string, Named>(),
    snapshots: new Map<string, Named>(),
  };
  readonly #loops: Promise<void>[];
  /** The revision at which each collection was listed the last time. */
  readonly #listed = new Map<Collection, bigint>();
  readonly #heardMs = new Map<Collection, number>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #startedMs: number;
  #revision = 0n;
  #version = 0;

  constructor(client: TesseraClient, clock: Clock, log: Logger) {
    this.#client = client;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#log = log;
    this.#ready.promise.catch(() => {});
    this.#loops = collections.map((name) => this.#follow(name));
  }

  /** Resolves when every collection has been listed once. */
  ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The newest revision of the store that is known. */
  get revision(): bigint {
    return this.#revision;
  }

  /** Counts changes of what is known: equal versions mean equal contents. */
  get version(): number {
    return this.#version;
  }

  /** Time since the quietest watch said anything, be it that there is nothing new. */
  silenceMs(): number {
    const heard = collections.map((name) => this.#heardMs.get(name) ?? this.#startedMs);
    return this.#clock.monotonicMs() - Math.min(...heard);
  }

  /** Of all projects, by `SegmentState`. */
  segmentCounts(): ReadonlyMap<metadata.SegmentState, number> {
    const counts = new Map<metadata.SegmentState, number>();
    for (const segment of this.#resources.segments.values()) {
      const { state } = segment as unknown as metadata.Segment;
      counts.set(state, (counts.get(state) ?? 0) + 1);
    }
    return counts;
  }

  all<Name extends Collection>(name: Name, project: string): readonly Collections[Name][] {
    const prefix = `projects/${project}/`;
    const found: Named[] = [];
    for (const [key, resource] of this.#resources[name]) {
      if (key.startsWith(prefix)) found.push(resource);
    }
    return found as unknown as readonly Collections[Name][];
  }

  find<Name extends Collection>(name: Name, resource: string): Collections[Name] | undefined {
    return this.#resources[name].get(resource) as unknown as Collections[Name] | undefined;
  }

  /**
   * Reads everything now, for who knows of a write that the watches have not told yet.
   * @throws the signal's reason, and what a list fails with
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const listed = Promise.all(
      collections.map(async (name) => ({ name, ...(await this.#list(name, signal)) })),
    );
    const lists = await until(listed, signal);
    // Nothing that is held is newer than this, in any collection.
    const known = this.#revision;
    for (const { name, resources, revision } of lists) {
      if (revision >= known) this.#replace(name, resources, revision);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  #list(name: Collection, signal: AbortSignal) {
    return listAll(this.#client, name, { parent: parents[name], signal });
  }

  async #follow(name: Collection): Promise<void> {
    let pending: Changes = { put: new Map(), deleted: new Set() };
    let revision = 0n;
    let settle: NodeJS.Timeout | undefined;
    const flush = () => {
      clearTimeout(settle);
      this.#apply(name, pending, revision);
      pending = { put: new Map(), deleted: new Set() };
    };
    const take = (event: WatchEvent<Named>) => {
      if (event.revision > revision) flush();
      revision = event.revision;
      if (event.kind === 'snapshot') return this.#replace(name, event.resources, revision);
      if (event.kind === 'progress') return flush();
      if (event.kind === 'put') pending.put.set(event.resource.name, event.resource);
      else pending.deleted.add(event.name);
      clearTimeout(settle);
      settle = setTimeout(flush, settleMs);
    };
    try {
      await this.#watch(name, take);
    } finally {
      clearTimeout(settle);
    }
  }

  /** Starts over for ever: a metadata daemon that is away longer than the watch waits is no reason to end. */
  async #watch(name: Collection, take: (event: WatchEvent<Named>) => void): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const options = { parent: parents[name], signal };
        for await (const event of watchAll(this.#client, name as CollectionName, options)) {
          this.#heardMs.set(name, this.#clock.monotonicMs());
          take(event as WatchEvent<Named>);
        }
      } catch (error) {
        if (signal.aborted) return;
        const reason = isTesseraError(error) ? error.reason : String(error);
        this.#log.warn({ collection: name, reason }, 'metadata.watch.failed');
        await this.#clock.sleep(1_000, signal).catch(() => {});
      }
    }
  }

  #replace(name: Collection, resources: readonly Named[], revision: bigint): void {
    const held = this.#resources[name];
    const same =
      this.#listed.has(name) &&
      held.size === resources.length &&
      resources.every((resource) => held.get(resource.name)?.etag === resource.etag);
    this.#listed.set(name, revision);
    if (same) {
      if (revision > this.#revision) this.#revision = revision;
      return;
    }
    held.clear();
    for (const resource of resources) held.set(resource.name, resource);
    this.#changed(revision);
    if (this.#listed.size === collections.length) this.#ready.resolve();
  }

  #apply(name: Collection, { put, deleted }: Changes, revision: bigint): void {
    if (put.size + deleted.size === 0) return;
    // What a watch tells late is in the list already.
    if (revision <= (this.#listed.get(name) ?? -1n)) return;
    const held = this.#resources[name];
    for (const key of deleted) held.delete(key);
    for (const [key, resource] of put) held.set(key, resource);
    this.#changed(revision);
  }

  #changed(revision: bigint): void {
    if (revision > this.#revision) this.#revision = revision;
    this.#version++;
  }
}
