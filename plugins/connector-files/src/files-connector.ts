import { join } from 'node:path';
import { invariant, isTesseraError } from '@tessera/base';
import type { ColumnBatch } from '@tessera/columnar';
import type { SourceVersion } from '@tessera/cube';
import { nativeScanSql, quoteText } from '@tessera/duckdb';
import type {
  Connector,
  ExternalTable,
  NativeLocation,
  PluginLogger,
  ScanOffer,
  Split,
  TableScan,
} from '@tessera/plugin';
import type { FilesConfig } from './config.ts';
import { Database } from './database.ts';
import {
  catalogUnreadable,
  noSuchColumn,
  noSuchTable,
  sourceFileMissing,
  sourceFileUnreadable,
} from './errors.ts';
import { filesOf, formatOf, type SourceFile, versionOf } from './files.ts';
import { filteredScanSql, isTakenOver } from './predicates.ts';
import { findRejects, type Reject, writeRejects } from './rejects.ts';
import { type TableSchema, tableSchema } from './table-schema.ts';

export interface FilesConnectorOptions {
  readonly config: FilesConfig;
  readonly baseDirectory: string;
  readonly workDirectory: string;
  readonly log: PluginLogger;
}

/** What `preview` shows of a table before anything is built on it. */
export interface TablePreview {
  readonly table: string;
  readonly format: string;
  readonly files: readonly string[];
  readonly columns: readonly {
    readonly name: string;
    readonly type: ExternalTable['columns'][number]['type'];
    readonly why: string;
  }[];
  readonly options: Readonly<Record<string, string>>;
  /** First rows that parse. */
  readonly rows: ColumnBatch | undefined;
  readonly rejectedRows: bigint;
  /** Where the rejected rows are listed, when there are any. */
  readonly rejectsFile: string | undefined;
}

/** Reasons of DuckDB's failures that mean: the file is not what it should be. */
const fileFailures = new Set([
  'FILE_MISSING',
  'FILE_CORRUPT',
  'IO_FAILED',
  'CONVERSION_FAILED',
  'DUCKDB_FAILED',
]);

interface KnownSchema {
  readonly token: string;
  readonly files: readonly SourceFile[];
  readonly schema: TableSchema;
}

interface KnownRejects {
  readonly token: string;
  readonly count: bigint;
}

/**
 * Tables that are files. What was learned of a table (schema, rejected rows) is kept as long as its version stays
 * the same.
 */
export class FilesConnector implements Connector, AsyncDisposable {
  readonly #options: FilesConnectorOptions;
  readonly #database: Database;
  readonly #schemas = new Map<string, KnownSchema>();
  readonly #rejects = new Map<string, KnownRejects>();

  constructor(options: FilesConnectorOptions) {
    this.#options = options;
    this.#database = new Database({
      memoryLimitBytes: options.config.memoryLimitBytes,
      workDirectory: options.workDirectory,
    });
  }

  async catalog(signal: AbortSignal): Promise<readonly ExternalTable[]> {
    const tables: ExternalTable[] = [];
    const failures: (readonly [string, unknown])[] = [];
    for (const name of Object.keys(this.#options.config.tables)) {
      try {
        tables.push(await this.#externalTable(name, signal));
      } catch (error) {
        if (isTesseraError(error, 'READ_CANCELLED')) throw error;
        failures.push([name, error]);
      }
    }
    if (failures.length > 0) throw catalogUnreadable(failures);
    return tables;
  }

  async version(table: string, _signal: AbortSignal): Promise<SourceVersion> {
    const config = this.#config(table);
    const { baseDirectory } = this.#options;
    const files = await filesOf(table, config, baseDirectory);
    return versionOf(table, files, baseDirectory, formatOf(table, config));
  }

  /** Types and why, first rows, and how many rows do not parse. */
  async preview(table: string, signal: AbortSignal): Promise<TablePreview> {
    const location = await this.location(table, signal);
    const { schema } = await this.#schema(table, signal);
    let rows: ColumnBatch | undefined;
    const sql = `${nativeScanSql(location)} LIMIT 20`;
    for await (const batch of this.#stream(table, sql, location.columns, signal)) rows ??= batch;
    const rejectedRows = location.rejectedRows ?? 0n;
    return {
      table,
      format: location.format,
      files: location.paths,
      columns: location.columns.map(({ name, type }, i) => ({
        name,
        type,
        why: schema.reasons[i]!,
      })),
      options: location.options,
      rows,
      rejectedRows,
      rejectsFile: rejectedRows > 0n ? this.#rejectsFile(table) : undefined,
    };
  }

  async plan(scan: TableScan, signal: AbortSignal): Promise<ScanOffer> {
    const location = await this.location(scan.table, signal);
    const names = location.columns.map((column) => column.name);
    for (const column of scan.columns) {
      if (!names.includes(column)) throw noSuchColumn(scan.table, column, names);
    }
    const { files } = await this.#schema(scan.table, signal);
    const splits = location.paths.map((path): Split => {
      const file = files.find((candidate) => candidate.path === path);
      const payload = JSON.stringify({ path });
      return {
        table: scan.table,
        scan,
        payload,
        ...(file ? { estimatedBytes: file.sizeBytes } : {}),
      };
    });
    return {
      predicates: scan.predicates.map((predicate) =>
        isTakenOver(predicate) ? 'exact' : 'unsupported',
      ),
      aggregate: 'unsupported',
      splits,
    };
  }

  async *read(split: Split, signal: AbortSignal): AsyncIterable<ColumnBatch> {
    const location = await this.location(split.table, signal);
    const { path } = JSON.parse(split.payload) as { path: string };
    if (!location.paths.includes(path)) throw sourceFileMissing(split.table, path);
    const fields = split.scan.columns.map((name) => {
      const field = location.columns.find((column) => column.name === name);
      invariant(field, `split of ${split.table} was planned with column ${name}`);
      return field;
    });
    const scan = { ...split.scan, predicates: split.scan.predicates.filter(isTakenOver) };
    const sql = filteredScanSql({ ...location, paths: [path] }, scan);
    yield* this.#stream(split.table, sql, fields, signal);
  }

  /** Where the files are and how they are read; text files are checked as a whole first. */
  async location(table: string, signal: AbortSignal): Promise<NativeLocation> {
    const known = await this.#schema(table, signal);
    const { location } = known.schema;
    if (location.format === 'parquet') return { ...location, rejectedRows: 0n };
    const { count } = await this.#checked(table, known, signal);
    const rejects = count === 0n ? 'none' : 'some';
    return { ...location, options: { ...location.options, rejects }, rejectedRows: count };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }

  async #externalTable(table: string, signal: AbortSignal): Promise<ExternalTable> {
    const { files, schema, token } = await this.#schema(table, signal);
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0n);
    const checked = this.#rejects.get(table);
    const rowCount = await this.#parquetRows(table, schema.location, signal);
    return {
      name: table,
      columns: schema.location.columns,
      version: { known: true, token },
      statistics: {
        sizeBytes,
        ...(rowCount === undefined ? {} : { rowCount }),
        ...(checked?.token === token ? { rejectedRows: checked.count } : {}),
      },
    };
  }

  async #parquetRows(
    table: string,
    location: NativeLocation,
    signal: AbortSignal,
  ): Promise<bigint | undefined> {
    if (location.format !== 'parquet') return undefined;
    const list = location.paths.map(quoteText).join(', ');
    const [row] = await this.#attempt(table, () =>
      this.#database.rows(
        `SELECT sum(num_rows)::BIGINT AS row_count FROM parquet_file_metadata([${list}])`,
        signal,
      ),
    );
    return row?.['row_count'] as bigint;
  }

  async #schema(table: string, signal: AbortSignal): Promise<KnownSchema> {
    const config = this.#config(table);
    const { baseDirectory } = this.#options;
    const format = formatOf(table, config);
    const files = await filesOf(table, config, baseDirectory);
    const { token } = await versionOf(table, files, baseDirectory, format);
    const known = this.#schemas.get(table);
    if (known?.token === token) return known;
    const { sampleRows } = this.#options.config;
    const schema = await this.#attempt(table, () =>
      this.#database.use(signal, (statements) =>
        tableSchema(statements, { table, config, format, files, sampleRows }),
      ),
    );
    const entry = { token, files, schema };
    this.#schemas.set(table, entry);
    return entry;
  }

  async #checked(table: string, known: KnownSchema, signal: AbortSignal): Promise<KnownRejects> {
    const before = this.#rejects.get(table);
    if (before?.token === known.token) return before;
    let count = 0n;
    const rejects: Reject[] = [];
    for (const path of known.schema.location.paths) {
      const found = await this.#attempt(table, () =>
        this.#database.use(signal, (statements) =>
          findRejects(statements, { ...known.schema.location, paths: [path] }),
        ),
      );
      count += found.count;
      for (const reject of found.rejects) rejects.push(reject);
    }
    if (count > 0n) {
      const file = this.#rejectsFile(table);
      await writeRejects(file, rejects);
      this.#options.log.warn({ table, rejectedRows: String(count), file }, 'rows rejected');
    }
    const entry = { token: known.token, count };
    this.#rejects.set(table, entry);
    return entry;
  }

  #rejectsFile(table: string): string {
    const name = table.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
    return join(this.#options.workDirectory, 'rejects', `${name}.csv`);
  }

  #config(table: string) {
    const { tables } = this.#options.config;
    const config = tables[table];
    if (config === undefined) throw noSuchTable(table, Object.keys(tables));
    return config;
  }

  async *#stream(
    table: string,
    sql: string,
    schema: NativeLocation['columns'],
    signal: AbortSignal,
  ): AsyncIterable<ColumnBatch> {
    try {
      yield* this.#database.stream(sql, schema, signal);
    } catch (error) {
      throw await this.#failure(table, error);
    }
  }

  async #attempt<T>(table: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#failure(table, error);
    }
  }

  /** A file that vanished meanwhile is missing; any other failure is the file that DuckDB names, or the table's path. */
  async #failure(table: string, error: unknown): Promise<unknown> {
    if (isTesseraError(error) && !fileFailures.has(error.reason)) return error;
    const config = this.#config(table);
    const files = await filesOf(table, config, this.#options.baseDirectory).catch((e) => e);
    if (isTesseraError(files)) return files;
    const message = error instanceof Error ? error.message : '';
    const named = (files as SourceFile[]).find((file) => message.includes(file.path));
    return sourceFileUnreadable(table, named?.path ?? config.path, error);
  }
}
