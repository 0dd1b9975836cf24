/** What can be set of the query daemon. */
export interface QueryConfig {
  /** Small statements that run at the same time; heavy ones never have their places. */
  readonly maxRunningQueries: number;
  /** Heavy statements that run at the same time. */
  readonly maxHeavyQueries: number;
  /** Predicted work from which on a statement is heavy, milliseconds. */
  readonly heavyQueryMs: number;
  /** Statements that may wait for a place, of small ones and of heavy ones. */
  readonly maxQueuedQueries: number;
  /** Statements of one user (of one connection, where access is not controlled) that may wait for a place. */
  readonly maxQueuedPerUser: number;
  /** Time limit of a statement that sets none, from admission to the last row; also the most that one may set. */
  readonly queryTimeoutMs: number;
  /** Rows that an answer may have. */
  readonly maxResultRows: number;
  /** Bytes that an answer, and each table read for it through a connector, may have in memory. */
  readonly maxResultBytes: number;
  /** Bytes of rows that one statement may hold: partial results, tables read through connectors, its answer until it is sent. */
  readonly maxQueryMemoryBytes: number;
  /** Bytes of rows that all statements may hold together. DuckDB's memory comes on top. */
  readonly maxMemoryBytes: number;
  /** Memory of DuckDB, which runs push-down and residuals: a quarter of it for small statements, the rest for heavy ones. */
  readonly duckdbMemoryBytes: number;
  /** Small statements in DuckDB at the same time, and beside them one less of heavy ones: in all below UV_THREADPOOL_SIZE. */
  readonly duckdbConnections: number;
  /** Threads of DuckDB for small statements, and as many for heavy ones. */
  readonly duckdbThreads: number;
  /** For so long the versions of the sources' tables count as known. */
  readonly freshnessIntervalMs: number;
  /** How long a connector may take to tell a version. */
  readonly versionTimeoutMs: number;
  /** Plans kept by text and by meaning. */
  readonly maxCachedPlans: number;
  /** Queries and shapes of queries that the log keeps. */
  readonly maxLoggedQueries: number;
  /** Where plugins and DuckDB put temporary files. */
  readonly workDirectory: string;
  /** Where connector packages are looked up when a source's own folder has none. */
  readonly pluginDirectory?: string;
}

export const queryDefaults = {
  maxRunningQueries: 16,
  maxHeavyQueries: 2,
  heavyQueryMs: 100,
  maxQueuedQueries: 1_000,
  maxQueuedPerUser: 250,
  queryTimeoutMs: 300_000,
  maxResultRows: 10_000_000,
  maxResultBytes: 512 * 1024 * 1024,
  maxQueryMemoryBytes: 1024 * 1024 * 1024,
  maxMemoryBytes: 2 * 1024 * 1024 * 1024,
  duckdbMemoryBytes: 1024 * 1024 * 1024,
  duckdbConnections: 3,
  duckdbThreads: 2,
  freshnessIntervalMs: 1_000,
  versionTimeoutMs: 10_000,
  maxCachedPlans: 2_000,
  maxLoggedQueries: 1_000,
} as const satisfies Omit<QueryConfig, 'workDirectory'>;
