import duckdb from '@duckdb/node-bindings';
import type { ColumnBatch } from '@tessera/columnar';
import { type AdmissionLimits, AdmissionQueue, type Turn } from './admission-queue.ts';
import type { Parameter } from './bind-parameters.ts';
import { DuckDbConnection, type QueryOptions } from './connection.ts';
import { databaseClosed, duckdbFailure } from './errors.ts';

export interface DuckDbOptions extends Partial<AdmissionLimits> {
  /** Database file; absent: in memory. */
  readonly path?: string;
  readonly memoryLimitBytes?: number;
  /** Threads of DuckDB itself. With 1 each query runs wholly on the libuv thread that it was given to. */
  readonly threads?: number;
  /** Where what does not fit into memory is spilled to; absent: nothing is spilled, OUT_OF_MEMORY instead. */
  readonly tempDirectory?: string;
  /** Further settings of the database, by DuckDB's names. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Statements run on each new connection. */
  readonly onConnect?: readonly string[];
}

/**
 * What PostgreSQL means where DuckDB can be told: integer division truncates, NULLs are the largest values.
 * Extensions are never looked for on the network.
 */
const postgresSettings = {
  integer_division: 'true',
  default_null_order: 'nulls_last_on_asc_first_on_desc',
  preserve_insertion_order: 'true',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
};

/**
 * A DuckDB database behind a bounded pool of connections.
 *
 * The binding works on libuv's threads, which file reads, DNS and crypto share: keep `maxConcurrent` below
 * UV_THREADPOOL_SIZE (4 unless the environment says otherwise before the process starts).
 */
export class DuckDb implements AsyncDisposable {
  readonly #database: duckdb.Database;
  readonly #queue: AdmissionQueue;
  readonly #onConnect: readonly string[];
  readonly #idle: DuckDbConnection[] = [];
  readonly #busy = new Set<DuckDbConnection>();
  readonly #own = new Set<DuckDbConnection>();
  #closing: Promise<void> | undefined;
  #allReturned: (() => void) | undefined;

  private constructor(database: duckdb.Database, options: DuckDbOptions) {
    this.#database = database;
    this.#onConnect = options.onConnect ?? [];
    this.#queue = new AdmissionQueue({
      maxConcurrent: options.maxConcurrent ?? 3,
      maxQueued: options.maxQueued ?? 1_000,
      ...(options.maxQueuedPerFlow && { maxQueuedPerFlow: options.maxQueuedPerFlow }),
      queueTimeoutMs: options.queueTimeoutMs ?? 30_000,
    });
  }

  static async open(options: DuckDbOptions = {}): Promise<DuckDb> {
    const config = duckdb.create_config();
    for (const [name, value] of Object.entries(settingsOf(options))) {
      duckdb.set_config(config, name, value);
    }
    try {
      return new DuckDb(await duckdb.open(options.path ?? ':memory:', config), options);
    } catch (error) {
      throw duckdbFailure(error);
    }
  }

  /** All rows of one statement as one batch, on any connection. */
  run(
    sql: string,
    parameters: readonly Parameter[] = [],
    options: QueryOptions = {},
  ): Promise<ColumnBatch> {
    const { signal, flow } = options;
    return this.session((connection) => connection.run(sql, parameters, options), signal, { flow });
  }

  /** The rows of one statement in batches, computed as they are asked for. Holds a connection until it ends. */
  async *stream(
    sql: string,
    parameters: readonly Parameter[] = [],
    options: QueryOptions = {},
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    const connection = await this.#take(options.signal, options);
    try {
      yield* connection.stream(sql, parameters, options);
    } finally {
      this.#giveBack(connection);
    }
  }

  /** As `stream`, but computed as a whole first: see `DuckDbConnection.batches`. */
  async *batches(
    sql: string,
    parameters: readonly Parameter[] = [],
    options: QueryOptions = {},
  ): AsyncGenerator<ColumnBatch, void, undefined> {
    const connection = await this.#take(options.signal, options);
    try {
      yield* connection.batches(sql, parameters, options);
    } finally {
      this.#giveBack(connection);
    }
  }

  /** A connection outside the queue, for work that must not wait for queries; closed with the database. */
  async connect(): Promise<DuckDbConnection> {
    if (this.#closing) throw databaseClosed();
    const connection = await this.#connect();
    this.#own.add(connection);
    return connection;
  }

  /** Statements without results. */
  execute(sql: string, options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.session((connection) => connection.execute(sql, options), options.signal);
  }

  /** Several statements on one connection: for temporary tables and transactions, which `work` cleans up itself. */
  async session<T>(
    work: (connection: DuckDbConnection) => Promise<T>,
    signal?: AbortSignal,
    turn?: Turn,
  ): Promise<T> {
    const connection = await this.#take(signal, turn);
    try {
      return await work(connection);
    } finally {
      this.#giveBack(connection);
    }
  }

  /** How many statements run and wait. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#queue.working, waiting: this.#queue.waiting };
  }

  /** Stops what runs, then closes the database. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #take(signal: AbortSignal | undefined, turn?: Turn): Promise<DuckDbConnection> {
    if (this.#closing) throw databaseClosed();
    await this.#queue.admit(signal, turn);
    try {
      if (this.#closing) throw databaseClosed();
      const connection = this.#idle.pop() ?? (await this.#connect());
      this.#busy.add(connection);
      return connection;
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  async #connect(): Promise<DuckDbConnection> {
    const connection = new DuckDbConnection(await duckdb.connect(this.#database));
    for (const sql of this.#onConnect) await connection.execute(sql);
    return connection;
  }

  #giveBack(connection: DuckDbConnection): void {
    this.#busy.delete(connection);
    this.#idle.push(connection);
    this.#leave();
  }

  #leave(): void {
    this.#queue.release();
    if (this.#queue.working === 0) this.#allReturned?.();
  }

  async #close(): Promise<void> {
    if (this.#queue.working > 0) {
      const returned = new Promise<void>((resolve) => {
        this.#allReturned = resolve;
      });
      const interrupt = setInterval(() => {
        for (const connection of this.#busy) connection.interrupt();
      }, 5);
      await returned;
      clearInterval(interrupt);
    }
    for (const connection of [...this.#idle, ...this.#own]) connection.close();
    duckdb.close_sync(this.#database);
  }
}

function settingsOf(options: DuckDbOptions): Record<string, string> {
  const { memoryLimitBytes, threads, tempDirectory } = options;
  return {
    ...postgresSettings,
    ...(memoryLimitBytes === undefined ? {} : { memory_limit: `${memoryLimitBytes}B` }),
    ...(threads === undefined ? {} : { threads: String(threads) }),
    temp_directory: tempDirectory ?? '',
    ...options.settings,
  };
}
