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
  revision = 1n;

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

  #record(change: Change): void {
    this.#history.push(change);
    for (const wake of this.#sleepers) wake();
  }

  get client(): TesseraClient {
    const of = (name: Name) => {
      const method = `${name[0]!.toUpperCase()}${name.slice(1)}`;
      return {
        [`list${method}`]: async ({ parent }: { parent: string }) => ({
          [name]: [...this.#resources[name].values()].filter((each) => isIn(parent, each.name)),
          nextPageToken: '',
          revision: this.revision,
        }),
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
    while (!signal.aborted) {
      const change = this.#history[next];
      if (change === undefined) {
        if (!caughtUp) yield { revision: this.revision };
        caughtUp = true;
        if (next < this.#history.length) continue;
        await this.#changed(signal);
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
