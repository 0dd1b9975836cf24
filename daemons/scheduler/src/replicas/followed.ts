import { type Clock, messageOf, seededRandom } from '@tessera/base';
import {
  type CollectionName,
  type Collections,
  type TesseraClient,
  watchAll,
} from '@tessera/client';
import type { Logger } from '@tessera/daemon';

export interface FollowOptions<Name extends CollectionName> {
  readonly client: TesseraClient;
  readonly name: Name;
  /** As in `watchAll`. */
  readonly parent?: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** After a watch has broken off for good. */
const pauseMs = 1_000;

/** A collection of metadata as it was last heard of. What is decided by it is written with etags, as it may be old. */
export class Followed<Name extends CollectionName> {
  readonly #options: FollowOptions<Name>;
  readonly #resources = new Map<string, Collections[Name]>();
  #isListed = false;
  #version = 0;

  constructor(options: FollowOptions<Name>) {
    this.#options = options;
  }

  /** Follows until the signal; a metadata daemon that is away is waited for. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, name, parent, clock, log } = this.#options;
    const random = seededRandom(1);
    const options = { clock, random, signal, ...(parent === undefined ? {} : { parent }) };
    while (!signal.aborted) {
      try {
        for await (const event of watchAll(client, name, options)) {
          if (event.kind === 'snapshot') this.#replace(event.resources);
          if (event.kind === 'put') this.put(event.resource);
          if (event.kind === 'deleted') this.#delete(event.name);
        }
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ collection: name, error: messageOf(error) }, 'replicas.watch-failed');
        await clock.sleep(pauseMs, signal).catch(() => {});
      }
    }
  }

  /** False until everything was listed once. */
  get isListed(): boolean {
    return this.#isListed;
  }

  /** Counts changes. */
  get version(): number {
    return this.#version;
  }

  get all(): readonly Collections[Name][] {
    return [...this.#resources.values()];
  }

  find(name: string): Collections[Name] | undefined {
    return this.#resources.get(name);
  }

  /** A resource as it was written; nothing when a later version is known. */
  put(resource: Collections[Name]): void {
    const known = this.#resources.get(resource.name);
    if (known !== undefined && known.revision >= resource.revision) return;
    this.#resources.set(resource.name, resource);
    this.#version++;
  }

  #delete(name: string): void {
    if (this.#resources.delete(name)) this.#version++;
  }

  #replace(resources: readonly Collections[Name][]): void {
    this.#resources.clear();
    for (const resource of resources) this.#resources.set(resource.name, resource);
    this.#isListed = true;
    this.#version++;
  }
}
