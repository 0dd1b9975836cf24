import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { readCancelled } from './errors.ts';

export type Row = Readonly<Record<string, unknown>>;

/** One small DuckDB for all reading of a connector; each call has its own connection, interrupted by its signal. */
export class Database implements AsyncDisposable {
  readonly #memoryLimitBytes: number;
  readonly #workDirectory: string;
  #instance: Promise<DuckDBInstance> | undefined;

  constructor(options: { readonly memoryLimitBytes: number; readonly workDirectory: string }) {
    this.#memoryLimitBytes = options.memoryLimitBytes;
    this.#workDirectory = options.workDirectory;
  }

  async use<T>(
    signal: AbortSignal,
    work: (connection: DuckDBConnection) => Promise<T>,
  ): Promise<T> {
    if (signal.aborted) throw readCancelled();
    const connection = await this.connect();
    const interrupt = () => connection.interrupt();
    signal.addEventListener('abort', interrupt);
    try {
      return await work(connection);
    } catch (error) {
      throw signal.aborted ? readCancelled() : error;
    } finally {
      signal.removeEventListener('abort', interrupt);
      connection.closeSync();
    }
  }

  rows(sql: string, signal: AbortSignal): Promise<Row[]> {
    return this.use(signal, async (connection) => rowsOf(connection, sql));
  }

  async connect(): Promise<DuckDBConnection> {
    this.#instance ??= DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.floor(this.#memoryLimitBytes / 1024)}KiB`,
      temp_directory: `${this.#workDirectory}/temp`,
    });
    const connection = await (await this.#instance).connect();
    await connection.run(`SET TimeZone = 'UTC'`);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    (await this.#instance)?.closeSync();
    this.#instance = undefined;
  }
}

export async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Row[]> {
  return (await connection.runAndReadAll(sql)).getRowObjects() as Row[];
}
