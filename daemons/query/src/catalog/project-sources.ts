import { Code, isTesseraError, messageOf, resourceIdOf, TesseraError } from '@tessera/base';
import type { Logger, OpenSource, SourceDescription, SourceRegistry } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';

/** What the sources of a project reported when their tables were read the last time. */
export interface OpenedSources {
  /** A source is the same object for as long as its tables are the same, columns and versions included. */
  readonly sources: ReadonlyMap<string, OpenSource>;
  /** Of sources that cannot be opened, and of those in `sources` whose tables could not be read again. */
  readonly failures: ReadonlyMap<string, TesseraError>;
}

/** The sources of one project, opened as their resources say. */
export class ProjectSources implements AsyncDisposable {
  readonly #registry: SourceRegistry;
  readonly #log: Logger;
  readonly #sources = new Map<string, OpenSource>();
  readonly #failures = new Map<string, TesseraError>();

  constructor(registry: SourceRegistry, log: Logger) {
    this.#registry = registry;
    this.#log = log;
  }

  current(): OpenedSources {
    return { sources: new Map(this.#sources), failures: new Map(this.#failures) };
  }

  /** Opens what is new, has changed or is not open, and closes what is gone. Tables that are known are not read again. */
  async follow(resources: readonly metadata.Source[]): Promise<void> {
    const descriptions = resources.map(descriptionOf);
    await Promise.all(descriptions.map((description) => this.#open(description)));
    const wanted = new Set(descriptions.map(({ name }) => name));
    for (const name of [...this.#sources.keys(), ...this.#failures.keys()]) {
      if (wanted.has(name)) continue;
      this.#sources.delete(name);
      this.#failures.delete(name);
      this.#registry.close({ name });
    }
  }

  /** Has connectors report their tables again; where that fails, those known before stay. */
  async reread(resources: readonly metadata.Source[]): Promise<void> {
    await Promise.all(resources.map((resource) => this.#reread(descriptionOf(resource))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#registry[Symbol.asyncDispose]();
  }

  async #open(description: SourceDescription): Promise<void> {
    const { name } = description;
    const known = this.#sources.get(name);
    try {
      const source = await this.#registry.open(description);
      this.#sources.set(name, source);
      if (source !== known) this.#failures.delete(name);
    } catch (error) {
      this.#sources.delete(name);
      this.#failures.set(name, sourceFailure(name, error));
    }
  }

  async #reread(description: SourceDescription): Promise<void> {
    const { name } = description;
    try {
      this.#sources.set(name, await this.#registry.refresh(description));
      this.#failures.delete(name);
    } catch (error) {
      const failure = sourceFailure(name, error);
      this.#failures.set(name, failure);
      this.#log.warn({ source: name, reason: failure.reason }, 'catalog.tables.unreadable');
    }
  }
}

/** True when a statement planned against one would be planned the same against the other. */
export function sameSources(a: OpenedSources, b: OpenedSources): boolean {
  return (
    sameEntries(a.sources, b.sources, (one, other) => one === other) &&
    sameEntries(a.failures, b.failures, (one, other) => one.message === other.message)
  );
}

function sameEntries<Value>(
  a: ReadonlyMap<string, Value>,
  b: ReadonlyMap<string, Value>,
  same: (one: Value, other: Value) => boolean,
): boolean {
  return a.size === b.size && [...a].every(([key, one]) => b.has(key) && same(one, b.get(key)!));
}

function descriptionOf(resource: metadata.Source): SourceDescription {
  return {
    name: resourceIdOf(resource.name),
    use: resource.connector,
    config: resource.config ?? {},
    baseDirectory: resource.baseDirectory,
    etag: resource.etag,
  };
}

function sourceFailure(source: string, error: unknown): TesseraError {
  if (isTesseraError(error)) return error;
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'SOURCE_UNAVAILABLE',
    message: `Source ${source} cannot be opened: ${messageOf(error)}`,
    metadata: { source },
    cause: error,
  });
}
