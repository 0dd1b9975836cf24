import { type Clock, messageOf } from '@tessera/base';
import { type Collections, listAll, type TesseraClient, watchAll } from '@tessera/client';
import { type Logger, smallHeap } from '@tessera/daemon';
import { until } from '../execute/until.ts';
import { forever } from './forever.ts';
import { type Changes, RevisionBatches } from './revision-batches.ts';
import { SegmentsView } from './segments-view.ts';

const collections = ['sources', 'models', 'cubes', 'snapshots'] as const;
type Collection = (typeof collections)[number];
type Resource = Collections[Collection];

const parent = 'projects/-';
const pageSize = 1_000;

/**
 * The metadata that queries need, followed by watches. Changes of one revision become visible together, so that a
 * publication is seen as a whole or not at all.
 */
export class MetadataView implements AsyncDisposable {
  /** Of the cubes that queries needed so far, and in time of all. */
  readonly segments: SegmentsView;
  readonly #client: TesseraClient;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #resources = {
    sources: new Map<string, Resource>(),
    models: new Map<string, Resource>(),
    cubes: new Map<string, Resource>(),
    snapshots: new Map<string, Resource>(),
  };
  readonly #loops: Promise<void>[];
  /** The revision at which each collection was listed the last time. */
  readonly #listed = new Map<Collection, bigint>();
  /** The revision of what is held of each collection. */
  readonly #held = new Map<Collection, bigint>();
  readonly #heardMs = new Map<Collection, number>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #startedMs: number;
  #revision = 0n;
  #version = 0;
  #loading: Promise<void> | undefined;

  constructor(client: TesseraClient, clock: Clock, log: Logger) {
    this.#client = client;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#log = log;
    const onChange = () => this.#changed(this.segments.revision);
    const onStart = () => this.#loadSegments();
    this.segments = new SegmentsView({ client, clock, log, onChange, onStart });
    this.#loops = collections.map((name) => this.#follow(name));
  }

  /** Resolves when every collection has been listed once, and segments can be. */
  async ready(): Promise<void> {
    await Promise.all([this.#ready.promise, this.segments.ready()]);
  }

  /** The newest revision of the store that is known. */
  get revision(): bigint {
    const { revision } = this.segments;
    return revision > this.#revision ? revision : this.#revision;
  }

  /** Counts changes of what planning reads: equal versions mean equal contents. */
  get version(): number {
    return this.#version;
  }

  /** Time since the quietest watch said anything, be it that there is nothing new. */
  silenceMs(): number {
    const heard = collections.map((name) => this.#heardMs.get(name) ?? this.#startedMs);
    return this.#clock.monotonicMs() - Math.min(...heard, this.segments.heardMs);
  }

  all<Name extends Collection>(name: Name, project: string): readonly Collections[Name][] {
    const prefix = `projects/${project}/`;
    const found: Resource[] = [];
    for (const [key, resource] of this.#resources[name]) {
      if (key.startsWith(prefix)) found.push(resource);
    }
    return found as unknown as readonly Collections[Name][];
  }

  find<Name extends Collection>(name: Name, resource: string): Collections[Name] | undefined {
    return this.#resources[name].get(resource) as Collections[Name] | undefined;
  }

  /**
   * Reads everything now, for who knows of a write that the watches have not told yet.
   * @throws the signal's reason, and what a list fails with
   */
  async refresh(signal: AbortSignal): Promise<void> {
    const listed = Promise.all([
      Promise.all(
        collections.map(async (name) => {
          const options = { parent, pageSize, signal };
          return { name, ...(await listAll(this.#client, name, options)) };
        }),
      ),
      this.segments.refresh(signal),
    ]);
    const [lists] = await until(listed, signal);
    for (const { name, resources, revision } of lists) {
      // Nothing that is held of the collection is newer.
      if (revision >= (this.#held.get(name) ?? -1n)) this.#replace(name, resources, revision);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.segments[Symbol.asyncDispose]();
    await Promise.all([...this.#loops, this.#loading]);
  }

  async #follow(name: Collection): Promise<void> {
    const { signal } = this.#stop;
    using batches = new RevisionBatches<Resource>((changes, revision) =>
      this.#apply(name, changes, revision),
    );
    const follow = async () => {
      const options = { parent, pageSize, signal };
      for await (const event of watchAll<Collection>(this.#client, name, options)) {
        this.#heardMs.set(name, this.#clock.monotonicMs());
        if (event.kind !== 'snapshot') batches.take(event);
        else {
          batches.flush();
          this.#replace(name, event.resources, event.revision);
        }
      }
    };
    const parts = { collection: name, clock: this.#clock, log: this.#log, signal };
    await forever(follow, parts);
  }

  #replace(name: Collection, resources: readonly Resource[], revision: bigint): void {
    const held = this.#resources[name];
    const same =
      this.#listed.has(name) &&
      held.size === resources.length &&
      resources.every((resource) => held.get(resource.name)?.etag === resource.etag);
    this.#listed.set(name, revision);
    this.#held.set(name, revision);
    if (same) {
      if (revision > this.#revision) this.#revision = revision;
      return;
    }
    held.clear();
    for (const resource of resources) held.set(resource.name, resource);
    this.#changedIn(name, revision);
    if (this.#listed.size === collections.length) this.#ready.resolve();
  }

  #apply(name: Collection, { put, deleted }: Changes<Resource>, revision: bigint): void {
    // What a watch tells late is in the list already.
    if (revision <= (this.#listed.get(name) ?? -1n)) return;
    const held = this.#resources[name];
    for (const key of deleted) held.delete(key);
    for (const [key, resource] of put) held.set(key, resource);
    this.#held.set(name, revision);
    this.#changedIn(name, revision);
  }

  #changedIn(name: Collection, revision: bigint): void {
    this.#changed(revision);
    if (name !== 'cubes') return;
    const cubes = this.#resources.cubes;
    this.segments.keep((cube) => cubes.has(cube));
    this.#loadSegments();
  }

  #loadSegments(): void {
    this.#loading ??= this.#loadAll().finally(() => {
      this.#loading = undefined;
    });
  }

  /**
   * Has the segments of all cubes here before anybody asks for them: then they are also known while metadata daemons are away.
   * One cube after the other, and as long as that took, it rests.
   */
  async #loadAll(): Promise<void> {
    const { signal } = this.#stop;
    using _ = smallHeap();
    try {
      await this.ready();
      for (const cube of this.#resources.cubes.keys()) {
        if (this.segments.isHeld(cube)) continue;
        const startedMs = this.#clock.monotonicMs();
        await this.segments.load(cube, signal);
        await this.#clock.sleep(this.#clock.monotonicMs() - startedMs, signal);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#log.warn({ reason: messageOf(error) }, 'metadata.segments.unlisted');
    }
  }

  #changed(revision: bigint): void {
    if (revision > this.#revision) this.#revision = revision;
    this.#version++;
  }
}
