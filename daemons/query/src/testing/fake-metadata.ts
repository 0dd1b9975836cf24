import type { Collections, TesseraClient } from '@tessera/client';

type Name = 'sources' | 'models' | 'cubes' | 'segments';
type Stored = { readonly name: string };
type Listener = (change: { readonly put?: Stored; readonly deleted?: string }) => void;

/** A metadata daemon in memory, as far as a query daemon asks it: lists, and watches of what comes after. */
export class FakeMetadata {
  readonly #resources: Record<Name, Map<string, Stored>> = {
    sources: new Map(),
    models: new Map(),
    cubes: new Map(),
    segments: new Map(),
  };
  readonly #listeners = new Map<Name, Set<Listener>>();
  revision = 1n;

  put<N extends Name>(
    name: N,
    resource: Partial<Collections[N]> & { readonly name: string },
  ): void {
    this.revision++;
    const stored = { ...resource, revision: this.revision, etag: String(this.revision) };
    this.#resources[name].set(resource.name, stored);
    for (const listener of this.#listeners.get(name) ?? []) listener({ put: stored });
  }

  delete(name: Name, resource: string): void {
    this.revision++;
    this.#resources[name].delete(resource);
    for (const listener of this.#listeners.get(name) ?? []) listener({ deleted: resource });
  }

  get client(): TesseraClient {
    const of = (name: Name) => {
      const method = `${name[0]!.toUpperCase()}${name.slice(1)}`;
      return {
        [`list${method}`]: async () => ({
          [name]: [...this.#resources[name].values()],
          nextPageToken: '',
          revision: this.revision,
        }),
        [`watch${method}`]: (_: unknown, { signal }: { signal: AbortSignal }) =>
          this.#watch(name, signal),
      };
    };
    return {
      sources: of('sources'),
      models: of('models'),
      cubes: of('cubes'),
      segments: of('segments'),
    } as unknown as TesseraClient;
  }

  async *#watch(name: Name, signal: AbortSignal): AsyncIterable<unknown> {
    const pending: { put?: Stored; deleted?: string }[] = [];
    let wake = () => {};
    const listener: Listener = (change) => {
      pending.push(change);
      wake();
    };
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        const change = pending.shift();
        if (change === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        } else if (change.put !== undefined) {
          yield { event: { $case: 'put', value: change.put }, revision: this.revision };
        } else {
          yield { event: { $case: 'deletedName', value: change.deleted }, revision: this.revision };
        }
      }
    } finally {
      listeners.delete(listener);
    }
  }
}
