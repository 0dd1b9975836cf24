import { Code, TesseraError } from '@tessera/base';
import type { Collections, TesseraClient } from '@tessera/client';

type Name = 'sources' | 'models' | 'cubes' | 'segments' | 'snapshots';
type Stored = { readonly name: string };
interface Change {
  readonly name: Name;
  readonly revision: bigint;
  readonly put?: Stored;
  readonly deleted?: string;
}

/** A metadata daemon in memory, as far as a query daemon asks it: lists, and watches of what comes after. */
export class FakeMetadata {
  readonly #resources: Record<Name, Map<string, Stored>> = {
    sources: new Map(),
    models: new Map(),
    cubes: new Map(),
    segments: new Map(),
    snapshots: new Map(),
  };
  /** Everything that ever happened, so that a watch can start at any revision. */
  readonly #history: Change[] = [];
  readonly #sleepers = new Set<() => void>();
  #compacted = 0n;
  /** Ends the watches that are open. */
  #breaking = new AbortController();
  revision = 1n;
  /** What happens between the reading of a list and its arrival. */
  answering: () => Promise<void> = async () => {};
  /** Names of what was listed. */
  readonly lists: string[] = [];

  put<N extends Name>(
    name: N,
    resource: Partial<Collections[N]> & { readonly name: string },
  ): void {
    this.revision++;
    const stored = { ...resource, revision: this.revision, etag: String(this.revision) };
    this.#resources[name].set(resource.name, stored);
    this.#record({ name, revision: this.revision, put: stored });
  }

  delete(name: Name, resource: string): void {
    this.revision++;
    this.#resources[name].delete(resource);
    this.#record({ name, revision: this.revision, deleted: resource });
  }

  /** What is there now, in the order of its creation. */
  stored<N extends Name>(name: N, parent: string): readonly Collections[N][] {
    const all = [...this.#resources[name].values()].filter((each) => isIn(parent, each.name));
    return all as unknown as readonly Collections[N][];
  }

  /** The connections of watches break: they may go on where they were. */
  breakWatches(): void {
    this.#breaking.abort(
      new TesseraError({ code: Code.UNAVAILABLE, reason: 'AWAY', message: 'away' }),
    );
    this.#breaking = new AbortController();
  }

  /** The same, and no watch can start at a revision that has been. */
  compact(): void {
    this.#compacted = this.revision;
    this.breakWatches();
  }

  #record(change: Change): void {
    this.#history.push(change);
    for (const wake of this.#sleepers) wake();
  }

  get client(): TesseraClient {
    const of = (name: Name) => {
      const method = `${name[0]!.toUpperCase()}${name.slice(1)}`;
      return {
        [`list${method}`]: async ({ parent }: { parent: string }) => {
          const found = { [name]: this.stored(name, parent), revision: this.revision };
          this.lists.push(`${parent}/${name}`);
          await this.answering();
          return { ...found, nextPageToken: '' };
        },
        [`watch${method}`]: (
          { startRevision }: { startRevision: bigint },
          { signal }: { signal: AbortSignal },
        ) => this.#watch(name, startRevision, signal),
      };
    };
    return {
      sources: of('sources'),
      models: of('models'),
      cubes: of('cubes'),
      segments: of('segments'),
      snapshots: of('snapshots'),
    } as unknown as TesseraClient;
  }

  async *#watch(name: Name, startRevision: bigint, signal: AbortSignal): AsyncIterable<unknown> {
    let next = 0;
    let caughtUp = false;
    const broken = this.#breaking.signal;
    if (startRevision <= this.#compacted) {
      const message = 'compacted';
      throw new TesseraError({ code: Code.OUT_OF_RANGE, reason: 'REVISION_COMPACTED', message });
    }
    while (!signal.aborted) {
      broken.throwIfAborted();
      const change = this.#history[next];
      if (change === undefined) {
        if (!caughtUp) yield { revision: this.revision };
        caughtUp = true;
        if (next < this.#history.length) continue;
        await this.#changed(AbortSignal.any([signal, broken]));
        continue;
      }
      next++;
      if (change.name !== name || change.revision < startRevision) continue;
      const event =
        change.put === undefined
          ? { $case: 'deletedName', value: change.deleted }
          : { $case: 'put', value: change.put };
      yield { event, revision: change.revision };
    }
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

/** `-` in the place of an id stands for any. */
function isIn(parent: string, name: string): boolean {
  const parts = name.split('/');
  return parent.split('/').every((part, i) => part === '-' || part === parts[i]);
}
