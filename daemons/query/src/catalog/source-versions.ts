import type { Clock } from '@tessera/base';
import { isSameVersion, type SourceVersion } from '@tessera/cube';
import { type OpenSource, withDeadline } from '@tessera/daemon';
import { tableKey } from './snapshot.ts';
import { unreadable } from './staleness.ts';

export interface VersionLimits {
  /** For so long a version counts as known. */
  readonly freshnessIntervalMs: number;
  /** How long a connector may take to tell one. */
  readonly versionTimeoutMs: number;
}

/** Versions of tables' data, asked for at most every `freshnessIntervalMs`. */
export class SourceVersions {
  readonly #limits: VersionLimits;
  readonly #clock: Clock;
  #versions: ReadonlyMap<string, SourceVersion> = new Map();
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(limits: VersionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  isFresh(): boolean {
    return this.#clock.monotonicMs() - this.#askedMs < this.#limits.freshnessIntervalMs;
  }

  known(): ReadonlyMap<string, SourceVersion> {
    return this.#versions;
  }

  /** The next question is asked whatever the interval says. */
  expire(): void {
    this.#askedMs = Number.NEGATIVE_INFINITY;
  }

  /** Asks for all of them at once. True when any differs from what was known. */
  async ask(tables: Iterable<string>, sources: ReadonlyMap<string, OpenSource>): Promise<boolean> {
    const askedMs = this.#clock.monotonicMs();
    const entries = await Promise.all(
      [...tables].map(async (key) => [key, await this.#askOne(key, sources)] as const),
    );
    const versions = new Map(entries);
    const changed =
      versions.size !== this.#versions.size ||
      entries.some(([key, version]) => !isSameVersion(this.#versions.get(key), version));
    this.#askedMs = askedMs;
    if (changed) this.#versions = versions;
    return changed;
  }

  async #askOne(key: string, sources: ReadonlyMap<string, OpenSource>): Promise<SourceVersion> {
    for (const source of sources.values()) {
      const prefix = tableKey({ source: source.description.name, table: '' });
      const table = key.slice(prefix.length);
      if (!key.startsWith(prefix) || !source.tables.some(({ name }) => name === table)) continue;
      return askVersion(source, table, this.#limits.versionTimeoutMs).catch(() => unreadable);
    }
    return unreadable;
  }
}

/** @throws SOURCE_TIMEOUT, and what the connector throws */
export function askVersion(
  source: OpenSource,
  table: string,
  timeoutMs: number,
  parent?: AbortSignal,
): Promise<SourceVersion> {
  return withDeadline(timeoutMs, (signal) => source.connector.version(table, signal), {
    what: `asking for the version of ${source.description.name}.${table}`,
    reason: 'SOURCE_TIMEOUT',
    ...(parent === undefined ? {} : { parent }),
  });
}
