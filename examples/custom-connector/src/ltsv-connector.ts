import { open, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Code, messageOf, TesseraError } from '@tessera/base';
import {
  batchFromRows,
  type ColumnBatch,
  type Field,
  parseValue,
  type Value,
} from '@tessera/columnar';
import type { SourceVersion } from '@tessera/cube';
import type { Connector, ExternalTable, ScanOffer, Split, TableScan } from '@tessera/plugin';
import type { LtsvConfig } from './plugin.ts';

const rowsPerBatch = 1_000;

/**
 * Tables that are LTSV files: one row per line, `label:value` separated by tabs. A label that a line lacks is NULL; one
 * that the configuration does not name is ignored.
 */
export class LtsvConnector implements Connector {
  readonly #config: LtsvConfig;
  readonly #baseDirectory: string;

  constructor(config: LtsvConfig, baseDirectory: string) {
    this.#config = config;
    this.#baseDirectory = baseDirectory;
  }

  async catalog(): Promise<readonly ExternalTable[]> {
    return Promise.all(
      Object.keys(this.#config.tables).map(async (name) => {
        const { path, fields } = this.#table(name);
        const version = await this.version(name);
        const { size } = await stat(path);
        return { name, columns: fields, version, statistics: { sizeBytes: BigInt(size) } };
      }),
    );
  }

  /** Another size or modification time is another version: segments built from the old one are stale then. */
  async version(table: string): Promise<SourceVersion> {
    const { size, mtimeNs } = await stat(this.#table(table).path, { bigint: true });
    return { known: true, token: `${size}-${mtimeNs}` };
  }

  /** One split, and no predicate taken over: the caller filters. */
  async plan(scan: TableScan): Promise<ScanOffer> {
    const { path } = this.#table(scan.table);
    const { size } = await stat(path);
    const split = { table: scan.table, scan, payload: path, estimatedBytes: BigInt(size) };
    const predicates = scan.predicates.map(() => 'unsupported' as const);
    return { predicates, aggregate: 'unsupported', splits: [split] };
  }

  async *read({ scan }: Split, signal: AbortSignal): AsyncIterable<ColumnBatch> {
    const { path, fields } = this.#table(scan.table);
    const wanted = scan.columns.map((name) => fields.find((field) => field.name === name)!);
    let rows: Value[][] = [];
    let line = 0;
    await using file = await open(path);
    for await (const text of file.readLines({ autoClose: false })) {
      signal.throwIfAborted();
      line++;
      if (text === '') continue;
      rows.push(rowOf(text, wanted, `${path}:${line}`));
      if (rows.length === rowsPerBatch) {
        yield batchFromRows(wanted, rows);
        rows = [];
      }
    }
    signal.throwIfAborted();
    if (rows.length > 0) yield batchFromRows(wanted, rows);
  }

  #table(name: string): { readonly path: string; readonly fields: readonly Field[] } {
    const table = this.#config.tables[name];
    if (table === undefined) throw noSuchTable(name, Object.keys(this.#config.tables));
    const fields = Object.entries(table.columns).map(([column, type]) => ({
      name: column,
      type,
      nullable: true,
    }));
    return { path: resolve(this.#baseDirectory, table.path), fields };
  }
}

function rowOf(text: string, wanted: readonly Field[], place: string): Value[] {
  const values = new Map<string, string>();
  for (const part of text.split('\t')) {
    const colon = part.indexOf(':');
    if (colon > 0) values.set(part.slice(0, colon), part.slice(colon + 1));
  }
  return wanted.map(({ name, type }) => {
    const value = values.get(name);
    if (value === undefined) return null;
    try {
      return parseValue(type, value);
    } catch (cause) {
      throw lineUnreadable(place, name, cause);
    }
  });
}

function noSuchTable(table: string, known: readonly string[]): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'TABLE_NOT_FOUND',
    message: `The source has no table ${table}; its tables are ${known.join(', ')}.`,
    metadata: { table },
  });
}

/** Rows are never dropped in silence: this connector refuses a file with a bad one. */
function lineUnreadable(place: string, label: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'LINE_UNREADABLE',
    message: `${place}: ${label}: ${messageOf(cause)} Correct the line, or declare the column as text.`,
    metadata: { place, label },
    cause,
  });
}
