import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance, type DuckDBResultReader } from '@duckdb/node-api';
import { quoteText, sessionSettings } from '@tessera/duckdb';
import { type FailureContext, failureOf } from './errors.ts';

export interface SessionOptions {
  readonly workDirectory: string;
  readonly memoryLimitBytes: number;
  readonly maxTempBytes?: number | undefined;
  readonly threads?: number | undefined;
  /** IANA zone in which timestamptz is cut into grains; default UTC. */
  readonly timeZone?: string | undefined;
}

export type Row = Readonly<Record<string, unknown>>;

/**
 * One DuckDB database of one unit of work, with its own bounds, in a folder that goes away with it. An abort of
 * the signal interrupts what runs. Every failure leaves as a `TesseraError`.
 */
export class Session implements AsyncDisposable {
  /** True while statements read the source: then an unreadable file means that the source changed. */
  readingSource = false;
  readonly #directory: string;
  readonly #instance: DuckDBInstance;
  readonly #owner: boolean;
  readonly #connection: DuckDBConnection;
  readonly #options: SessionOptions;
  readonly #signal: AbortSignal;
  #keepsInFile = false;
  readonly #interrupt = () => this.#connection.interrupt();

  private constructor(
    directory: string,
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    options: SessionOptions,
    signal: AbortSignal,
    owner: boolean,
  ) {
    this.#owner = owner;
    this.#directory = directory;
    this.#instance = instance;
    this.#connection = connection;
    this.#options = options;
    this.#signal = signal;
    signal.addEventListener('abort', this.#interrupt);
  }

  static async open(options: SessionOptions, signal: AbortSignal): Promise<Session> {
    await mkdir(options.workDirectory, { recursive: true });
    const directory = await mkdtemp(join(options.workDirectory, 'build-'));
    const config: Record<string, string> = {
      memory_limit: `${Math.floor(options.memoryLimitBytes / 1024)}KiB`,
      temp_directory: join(directory, 'temp'),
      preserve_insertion_order: 'false',
    };
    if (options.threads !== undefined) config['threads'] = String(options.threads);
    try {
      const instance = await DuckDBInstance.create(':memory:', config);
      const connection = await instance.connect();
      const settings = settingsOf(options);
      if (options.maxTempBytes !== undefined) {
        // As a setting of the new database it would be ignored.
        const kibibytes = Math.floor(options.maxTempBytes / 1024);
        settings.push(`SET max_temp_directory_size = '${kibibytes}KiB'`);
      }
      await connection.run(settings.join('; '));
      return new Session(directory, instance, connection, options, signal, true);
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw failureOf(error, contextOf(options, signal, false));
    }
  }

  /** A second connection to the same tables, for work beside this one's; closed before it. */
  async branch(): Promise<Session> {
    return this.attempt(async () => {
      const connection = await this.#instance.connect();
      const settings = settingsOf(this.#options);
      if (this.#keepsInFile) settings.push(useFile);
      await connection.run(settings.join('; '));
      return new Session(
        this.#directory,
        this.#instance,
        connection,
        this.#options,
        this.#signal,
        false,
      );
    });
  }

  get connection(): DuckDBConnection {
    return this.#connection;
  }

  get workDirectory(): string {
    return this.#directory;
  }

  /** Share of the running statement that is done, 0 to 1; 0 when DuckDB cannot tell. */
  get progress(): number {
    const { percentage } = this.#connection.progress;
    return percentage > 0 ? Math.min(1, percentage / 100) : 0;
  }

  async run(sql: string): Promise<void> {
    await this.attempt(() => this.#connection.run(sql));
  }

  async rows(sql: string): Promise<Row[]> {
    const reader: DuckDBResultReader = await this.attempt(() =>
      this.#connection.runAndReadAll(sql),
    );
    return reader.getRowObjects() as Row[];
  }

  /** Runs anything whose failures are those of this unit of work. */
  async attempt<T>(work: () => Promise<T>): Promise<T> {
    try {
      this.#signal.throwIfAborted();
      return await work();
    } catch (error) {
      throw failureOf(error, contextOf(this.#options, this.#signal, this.readingSource));
    }
  }

  /** Sets a session variable such as `threads`. */
  async set(name: string, value: string): Promise<void> {
    await this.run(`SET ${name} = ${quoteText(value)}`);
  }

  /** Whether tables are read and written in the order of their rows from now on, or only where a statement sorts. */
  async keepOrder(on: boolean): Promise<void> {
    await this.run(`SET GLOBAL preserve_insertion_order = ${on}`);
  }

  /** New tables are kept in a file from now on: smaller in memory, slower to write. */
  async keepTablesInFile(): Promise<void> {
    const file = join(this.#directory, 'build.duckdb');
    await this.run(`ATTACH ${quoteText(file)} AS build; ${useFile}`);
    this.#keepsInFile = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener('abort', this.#interrupt);
    this.#connection.closeSync();
    if (!this.#owner) return;
    this.#instance.closeSync();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** What the memory has is still found by its name. */
const useFile = `SET search_path = 'build.main,memory.main'`;

const settingsOf = ({ timeZone }: SessionOptions) => [
  ...sessionSettings(timeZone),
  'SET integer_division = true',
];

function contextOf(
  options: SessionOptions,
  signal: AbortSignal,
  readingSource: boolean,
): FailureContext {
  return {
    signal,
    directory: options.workDirectory,
    memoryLimitBytes: options.memoryLimitBytes,
    readingSource,
  };
}
