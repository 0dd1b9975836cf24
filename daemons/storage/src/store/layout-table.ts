import { valueAt } from '@tessera/columnar';
import { type DuckDbConnection, quoteName, quoteText } from '@tessera/duckdb';
import { heldBytes, heldType, type StoredColumn } from './stored-column.ts';

/** Column of a layout's table that says which segment a row is of. */
export const segmentColumn = 'tessera segment';

/** More different texts than this are held as text. */
const maxWords = 65_536;
/** Decimals below this are held in 64 bits; sums are 128 bits wide in any case. */
const narrowLimit = 10n ** 18n;

/** A file to load: `key` tells segment and content. */
export interface SegmentFile {
  readonly key: string;
  readonly path: string;
}

interface LoadedSegment {
  readonly ordinal: number;
  readonly rowCount: number;
}

/**
 * One layout in memory: all its loaded segments in one table, each in its file's order, one after another. A
 * segment that fits the table's types is appended; otherwise the table is made anew under another name, and
 * scans of the old one end undisturbed.
 */
export class LayoutTable {
  readonly name: string;
  readonly columns: ReadonlyMap<string, StoredColumn>;
  readonly #segments = new Map<string, LoadedSegment>();
  #deadRows = 0;
  #nextOrdinal = 0;
  #leases = 0;
  #onFree: (() => void) | undefined;

  constructor(name: string, columns: readonly StoredColumn[]) {
    this.name = name;
    this.columns = new Map(columns.map((column) => [column.name, column]));
  }

  get segmentKeys(): readonly string[] {
    return [...this.#segments.keys()];
  }

  get rowCount(): number {
    let rows = this.#deadRows;
    for (const { rowCount } of this.#segments.values()) rows += rowCount;
    return rows;
  }

  get bytes(): number {
    return this.rowCount * this.bytesPerRow;
  }

  get bytesPerRow(): number {
    let bytes = 2;
    for (const column of this.columns.values()) bytes += heldBytes(column);
    return bytes;
  }

  /** True when more of the table is of segments that were forgotten than of others. */
  get isMostlyDead(): boolean {
    return this.#deadRows * 2 > this.rowCount;
  }

  has(key: string): boolean {
    return this.#segments.has(key);
  }

  rowsOf(key: string): number | undefined {
    return this.#segments.get(key)?.rowCount;
  }

  add(key: string, rowCount: number): void {
    this.#segments.set(key, { ordinal: this.#nextOrdinal++, rowCount });
  }

  get nextOrdinal(): number {
    return this.#nextOrdinal;
  }

  forget(key: string): void {
    this.#deadRows += this.#segments.get(key)?.rowCount ?? 0;
    this.#segments.delete(key);
  }

  /** A condition on the segment column; undefined when every row is wanted. */
  segmentFilter(keys: readonly string[]): string | undefined {
    const wanted = keys.map((key) => this.#segments.get(key)!.ordinal).sort((a, b) => a - b);
    if (wanted.length === this.#nextOrdinal) return undefined;
    const column = quoteName(segmentColumn);
    const [first, last] = [wanted[0], wanted.at(-1)];
    if (last! - first! + 1 === wanted.length) return `${column} BETWEEN ${first} AND ${last}`;
    return `${column} IN (${wanted.join(', ')})`;
  }

  /** Keeps the table until the returned function is called. */
  lease(): () => void {
    this.#leases++;
    return () => {
      if (--this.#leases === 0) this.#onFree?.();
    };
  }

  /** Resolves when no scan reads the table any more. */
  async free(): Promise<void> {
    if (this.#leases === 0) return;
    await new Promise<void>((resolve) => {
      this.#onFree = resolve;
    });
  }
}

/**
 * Makes tables of layouts, on one connection of its own. A load that fails leaves no table behind. Loaders of one
 * database work side by side, each with another `name`, as long as no two have the same layout in hand.
 */
export class LayoutLoader {
  readonly #connection: DuckDbConnection;
  readonly #name: string;
  #tables = 0;

  constructor(connection: DuckDbConnection, name = 'layout') {
    this.#connection = connection;
    this.#name = name;
  }

  /** The table with these files too: `table` itself when they fit its types, else a new one. */
  async load(
    table: LayoutTable | undefined,
    files: readonly SegmentFile[],
    signal: AbortSignal,
  ): Promise<LayoutTable> {
    const source = parquetSource(files);
    if (table !== undefined && !table.isMostlyDead && (await this.#fits(table, source, signal))) {
      await this.#append(table, files, signal);
      return table;
    }
    return this.#rebuild(table, files, signal);
  }

  /** The caller waits until the table is free. */
  async drop(table: LayoutTable): Promise<void> {
    await this.#connection.dropTable(table.name);
    for (const { held } of table.columns.values()) {
      if (held.kind === 'enum') {
        await this.#connection.execute(`DROP TYPE IF EXISTS ${quoteName(held.typeName)}`);
      }
    }
  }

  /** Rows of files and about how many bytes they will take, from their footers. */
  async measure(
    files: readonly SegmentFile[],
  ): Promise<{ readonly rowCount: number; readonly bytes: number }> {
    const paths = files.map(({ path }) => quoteText(path)).join(', ');
    const sql = `SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata([${paths}])`;
    const rowCount = Number((await this.#rows(sql))[0]![0]);
    const columns = await this.#describe(files);
    const perRow = columns.reduce((sum, { type }) => sum + loadedBytesOf(type), 2);
    return { rowCount, bytes: rowCount * perRow };
  }

  /** Rows of a Parquet file, by its footer. @throws FILE_CORRUPT when it is no Parquet file. */
  async countRows(path: string): Promise<bigint> {
    const sql = `SELECT num_rows FROM parquet_file_metadata(${quoteText(path)})`;
    return (await this.#rows(sql))[0]![0] as bigint;
  }

  /** A plain copy of a snapshot. */
  async loadSnapshot(path: string): Promise<string> {
    const name = `snapshot of ${this.#name} ${++this.#tables}`;
    await this.#connection.execute(
      `CREATE TABLE ${quoteName(name)} AS SELECT * FROM read_parquet(${quoteText(path)})`,
    );
    return name;
  }

  async dropSnapshot(name: string): Promise<void> {
    await this.#connection.dropTable(name);
  }

  async #fits(table: LayoutTable, source: string, signal: AbortSignal): Promise<boolean> {
    const checks = [...table.columns.values()].flatMap((column) => fitCheck(column));
    if (checks.length === 0) return true;
    const [held] = (await this.#rows(`SELECT ${checks.join(' AND ')} FROM ${source}`, signal))[0]!;
    return held !== false;
  }

  async #rebuild(
    old: LayoutTable | undefined,
    files: readonly SegmentFile[],
    signal: AbortSignal,
  ): Promise<LayoutTable> {
    const name = `${this.#name} ${++this.#tables}`;
    const columns: StoredColumn[] = [];
    const source = sourceWith(old, files);
    try {
      for (const { name: column, type } of await this.#describe(files, signal)) {
        columns.push(await this.#choose(`${name} ${columns.length}`, column, type, source, signal));
      }
      const table = new LayoutTable(name, columns);
      const definitions = columns.map((c) => `${quoteName(c.name)} ${heldType(c)}`);
      await this.#connection.execute(
        `CREATE TABLE ${quoteName(name)} (${[`${quoteName(segmentColumn)} USMALLINT`, ...definitions].join(', ')})`,
      );
      for (const key of old?.segmentKeys ?? []) {
        const where = old!.segmentFilter([key]);
        const from = `${quoteName(old!.name)}${where === undefined ? '' : ` WHERE ${where}`}`;
        await this.#insert(table, key, from, signal);
      }
      await this.#append(table, files, signal);
      return table;
    } catch (error) {
      await this.drop(new LayoutTable(name, columns));
      throw error;
    }
  }

  async #append(
    table: LayoutTable,
    files: readonly SegmentFile[],
    signal: AbortSignal,
  ): Promise<void> {
    for (const { key, path } of files) {
      await this.#insert(table, key, `read_parquet(${quoteText(path)})`, signal, wordFromFile);
    }
    // Compresses and writes row groups; not possible while others write, and then not needed yet.
    await this.#connection.execute('CHECKPOINT scratch').catch(() => {});
  }

  async #insert(
    table: LayoutTable,
    key: string,
    from: string,
    signal: AbortSignal,
    item: (column: StoredColumn) => string = castToHeld,
  ): Promise<void> {
    const ordinal = table.nextOrdinal;
    const items = [...table.columns.values()].map(item);
    const select = `SELECT ${[`${ordinal}::USMALLINT`, ...items].join(', ')} FROM ${from}`;
    const inserted = await this.#rows(`INSERT INTO ${quoteName(table.name)} ${select}`, signal);
    table.add(key, Number(inserted[0]![0]));
  }

  async #describe(
    files: readonly SegmentFile[],
    signal?: AbortSignal,
  ): Promise<{ readonly name: string; readonly type: string }[]> {
    const rows = await this.#rows(
      `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${parquetSource(files)})`,
      signal,
    );
    return rows.map(([name, type]) => ({
      name: name as string,
      type: (type as string).replace(/,(?=\d)/, ', '),
    }));
  }

  /** How a column is held, from all the values that the table will have. */
  async #choose(
    typeName: string,
    name: string,
    fileType: string,
    source: string,
    signal: AbortSignal,
  ): Promise<StoredColumn> {
    const plain: StoredColumn = { name, fileType, held: { kind: 'plain' } };
    if (fileType === 'VARCHAR') {
      const words = await this.#words(name, source, signal);
      if (words === undefined) return plain;
      const values = words.map((word) => quoteText(word)).join(', ');
      await this.#connection.execute(`CREATE TYPE ${quoteName(typeName)} AS ENUM (${values})`);
      return { name, fileType, held: { kind: 'enum', typeName, words } };
    }
    const decimal = /^DECIMAL\((\d+), (\d+)\)$/.exec(fileType);
    if (decimal === null || Number(decimal[1]) <= 18 || Number(decimal[2]) > 17) return plain;
    const narrow: StoredColumn = {
      name,
      fileType,
      held: { kind: 'narrow', scale: Number(decimal[2]) },
    };
    const [fits] = (await this.#rows(`SELECT ${fitCheck(narrow)[0]} FROM ${source}`, signal))[0]!;
    return fits === false ? plain : narrow;
  }

  async #words(name: string, source: string, signal: AbortSignal): Promise<string[] | undefined> {
    const column = quoteName(name);
    const rows = await this.#rows(
      `SELECT DISTINCT ${column}::VARCHAR AS word FROM ${source} WHERE ${column} IS NOT NULL
       ORDER BY word LIMIT ${maxWords + 1}`,
      signal,
    );
    if (rows.length === 0 || rows.length > maxWords) return undefined;
    return rows.map(([word]) => word as string);
  }

  async #rows(sql: string, signal?: AbortSignal) {
    const batch = await this.#connection.run(sql, [], { signal });
    return Array.from({ length: batch.rowCount }, (_, row) =>
      batch.columns.map((column) => valueAt(column, row)),
    );
  }
}

const castToHeld = (column: StoredColumn) => `${quoteName(column.name)}::${heldType(column)}`;

/** Searching more words than this one by one costs more than it saves. */
const maxMappedWords = 256;

/**
 * A value of a file as it is held; all texts of the file are known to be words. DuckDB applies a function once to
 * each text of a Parquet dictionary, but a cast to each row, so few words are looked up in a map.
 */
function wordFromFile(column: StoredColumn): string {
  const { held } = column;
  if (held.kind !== 'enum' || held.words.length > maxMappedWords) return castToHeld(column);
  const words = held.words.map(quoteText).join(', ');
  return `map([${words}], [${words}]::${heldType(column)}[])[${quoteName(column.name)}]`;
}

/** What a value will probably take: texts as codes of two bytes, long decimals in 64 bits. */
function loadedBytesOf(fileType: string): number {
  if (fileType === 'VARCHAR') return 2;
  return Math.min(8, heldBytes({ name: '', fileType, held: { kind: 'plain' } }));
}

/** Conditions that hold (or are NULL) when all values of a file fit the way in which a column is held. */
function fitCheck({ name, held }: StoredColumn): string[] {
  const column = quoteName(name);
  switch (held.kind) {
    case 'plain':
      return [];
    case 'enum':
      return [
        `bool_and(${column} IS NULL OR TRY_CAST(${column}::VARCHAR AS ${quoteName(held.typeName)}) IS NOT NULL)`,
      ];
    case 'narrow': {
      const limit = `${narrowLimit / 10n ** BigInt(held.scale)}`;
      return [`(max(${column}) < ${limit} AND min(${column}) > -${limit})`];
    }
  }
}

export function parquetSource(files: readonly { readonly path: string }[]): string {
  return `read_parquet([${files.map(({ path }) => quoteText(path)).join(', ')}])`;
}

/** The live rows of an old table together with those of files, by name. */
function sourceWith(old: LayoutTable | undefined, files: readonly SegmentFile[]): string {
  if (old === undefined || old.segmentKeys.length === 0) return parquetSource(files);
  const where = old.segmentFilter(old.segmentKeys);
  const live = `SELECT * EXCLUDE (${quoteName(segmentColumn)}) FROM ${quoteName(old.name)}${where === undefined ? '' : ` WHERE ${where}`}`;
  const columns = [...old.columns.values()].map(
    (column) => `${quoteName(column.name)}::${column.fileType} AS ${quoteName(column.name)}`,
  );
  return `(SELECT ${columns.join(', ')} FROM (${live}) UNION ALL BY NAME SELECT * FROM ${parquetSource(files)})`;
}
