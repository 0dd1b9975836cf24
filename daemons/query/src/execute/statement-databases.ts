import { DuckDb, sessionSettings } from '@tessera/duckdb';
import type { QueryConfig } from '../config.ts';

/** Of the daemon's settings. */
export type DatabaseSettings = Pick<
  QueryConfig,
  | 'duckdbConnections'
  | 'duckdbMemoryBytes'
  | 'duckdbThreads'
  | 'maxQueuedQueries'
  | 'queryTimeoutMs'
  | 'workDirectory'
>;

/** What of DuckDB's memory small statements have for themselves: a quarter, or half where that is less than they need. */
const smallPart = 0.25;
const smallNeedsBytes = 128 << 20;

/**
 * DuckDB twice: threads, memory and connections of one are for small statements, those of the other for heavy ones. In
 * one instance tasks of all statements wait in one line for the same threads, and one that fills the memory fails the others.
 */
export class StatementDatabases implements AsyncDisposable {
  readonly #settings: DatabaseSettings;
  readonly #small: DuckDb;
  #heavy: Promise<DuckDb> | undefined;

  private constructor(settings: DatabaseSettings, small: DuckDb) {
    this.#settings = settings;
    this.#small = small;
  }

  static async open(settings: DatabaseSettings): Promise<StatementDatabases> {
    return new StatementDatabases(settings, await openDatabase(settings, false));
  }

  /** The one for heavy statements is opened when it is first needed; after a failure whoever asks next tries again. */
  async of(heavy: boolean): Promise<DuckDb> {
    if (!heavy) return this.#small;
    this.#heavy ??= openDatabase(this.#settings, true).catch((error) => {
      this.#heavy = undefined;
      throw error;
    });
    return this.#heavy;
  }

  /** Bytes that statements of a kind have together. */
  memoryBytes(heavy: boolean): number {
    return memoryBytes(this.#settings, heavy);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const heavy = await this.#heavy?.catch((): undefined => undefined);
    await heavy?.[Symbol.asyncDispose]();
    await this.#small[Symbol.asyncDispose]();
  }
}

/** Heavy statements have one connection less, so that all connections together stay few. */
function openDatabase(settings: DatabaseSettings, heavy: boolean): Promise<DuckDb> {
  const { duckdbConnections, duckdbThreads, maxQueuedQueries, queryTimeoutMs } = settings;
  return DuckDb.open({
    memoryLimitBytes: memoryBytes(settings, heavy),
    threads: duckdbThreads,
    maxConcurrent: heavy ? Math.max(1, duckdbConnections - 1) : duckdbConnections,
    maxQueued: maxQueuedQueries,
    queueTimeoutMs: queryTimeoutMs,
    tempDirectory: `${settings.workDirectory}/duckdb${heavy ? '-heavy' : ''}`,
    onConnect: sessionSettings('UTC'),
  });
}

/** Bytes that statements of a kind have together. */
export function memoryBytes(
  { duckdbMemoryBytes }: Pick<DatabaseSettings, 'duckdbMemoryBytes'>,
  heavy: boolean,
): number {
  const least = Math.min(smallNeedsBytes, duckdbMemoryBytes / 2);
  const small = Math.floor(Math.max(duckdbMemoryBytes * smallPart, least));
  return heavy ? duckdbMemoryBytes - small : small;
}
