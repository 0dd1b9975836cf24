import {
  type Column,
  type ColumnBatch,
  type DataType,
  heldScale,
  isNull,
  type Value,
  valueAt,
} from '@tessera/columnar';
import {
  type CodedColumn,
  codedColumn,
  codesOf,
  Dictionary,
  type NumberColumn,
  type TileColumn,
} from '@tessera/columnar/tile';
import { type DuckDbConnection, quoteName, quoteText } from '@tessera/duckdb';
import { distinctNumbers } from './distinct-numbers.ts';
import type { SegmentTile } from './layout-tiles.ts';

/** More different texts than this make a layout stay on disk. */
const maxWords = 1 << 20;
/** Searching more words than this one by one costs more than it saves. */
const maxMappedWords = 256;

/** Makes tiles of Parquet files, on one connection of its own. */
export class TileLoader {
  readonly #connection: DuckDbConnection;
  readonly #name: string;

  /** `name` tells loaders of one database apart. */
  constructor(connection: DuckDbConnection, name: string) {
    this.#connection = connection;
    this.#name = name;
  }

  /** Undefined: the file has a column that tiles cannot hold. */
  async load(path: string, signal: AbortSignal): Promise<SegmentTile | undefined> {
    const file = `read_parquet(${quoteText(path)})`;
    const columns = await this.#columns(file, signal);
    if (columns === undefined) return undefined;
    const types: string[] = [];
    try {
      const sources = await this.#sources(file, columns, types, signal);
      return sources && (await this.#fill(file, columns, sources, signal));
    } finally {
      for (const type of types) await this.#connection.execute(`DROP TYPE IF EXISTS ${type}`);
    }
  }

  /** Rows of files and about how many bytes they will take, from their footers. */
  async measure(
    paths: readonly string[],
  ): Promise<{ readonly rowCount: number; readonly bytes: number }> {
    const list = paths.map((path) => quoteText(path)).join(', ');
    const sql = `SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata([${list}])`;
    const rowCount = Number((await this.#rows(sql))[0]![0]);
    const columns = await this.#rows(`DESCRIBE SELECT * FROM read_parquet([${list}])`);
    const perRow = columns.reduce((sum, [, type]) => sum + expectedBytes(type as string), 0);
    return { rowCount, bytes: rowCount * perRow };
  }

  /** Rows of a Parquet file, by its footer. @throws FILE_CORRUPT when it is no Parquet file. */
  async countRows(path: string): Promise<bigint> {
    const sql = `SELECT num_rows FROM parquet_file_metadata(${quoteText(path)})`;
    return (await this.#rows(sql))[0]![0] as bigint;
  }

  /** Columns of a snapshot, by name, in the types asked for. */
  async loadSnapshot(
    path: string,
    fields: readonly { readonly name: string; readonly type: DataType }[],
  ): Promise<ColumnBatch> {
    const names = fields.map(({ name }) => quoteName(name));
    const schema = fields.map((field) => ({ ...field, nullable: true }));
    const list = names.length === 0 ? '1 AS none' : names.join(', ');
    const sql = `SELECT ${list} FROM read_parquet(${quoteText(path)})`;
    return this.#connection.run(sql, [], names.length === 0 ? {} : { schema });
  }

  async #columns(file: string, signal: AbortSignal): Promise<readonly FileColumn[] | undefined> {
    const { schema } = await this.#connection.run(`SELECT * FROM ${file} LIMIT 0`, [], { signal });
    const columns = schema.map(({ name, type }) => ({ name, type }));
    return columns.every(({ type }) => holdable.has(type.kind)) ? columns : undefined;
  }

  async #sources(
    file: string,
    columns: readonly FileColumn[],
    types: string[],
    signal: AbortSignal,
  ): Promise<readonly ColumnSource[] | undefined> {
    const bounds = await this.#bounds(file, columns, signal);
    const sources: ColumnSource[] = [];
    for (const column of columns) {
      if (column.type.kind === 'text') {
        const source = await this.#words(file, column, types, signal);
        if (source === undefined) return undefined;
        sources.push(source);
      } else sources.push({ ...column, ...numberSource(column, bounds.get(column.name)) });
    }
    return sources;
  }

  /** Of each exact number column the value farthest from 0, without its point. */
  async #bounds(
    file: string,
    columns: readonly FileColumn[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, bigint>> {
    const exact = columns.filter(({ type }) => type.kind === 'bigint' || type.kind === 'numeric');
    if (exact.length === 0) return new Map();
    const items = exact.flatMap(({ name }) => [
      `min(${quoteName(name)})`,
      `max(${quoteName(name)})`,
    ]);
    const schema = exact.flatMap(({ name, type }) => [
      { name: `low ${name}`, type, nullable: true },
      { name: `high ${name}`, type, nullable: true },
    ]);
    const batch = await this.#connection.run(`SELECT ${items.join(', ')} FROM ${file}`, [], {
      signal,
      schema,
    });
    const values = batch.columns.map((column) => valueAt(column, 0) as bigint | null);
    const largest = new Map<string, bigint>();
    exact.forEach(({ name }, i) => {
      const [low, high] = [values[i * 2] ?? 0n, values[i * 2 + 1] ?? 0n];
      largest.set(name, -low > high ? -low : high);
    });
    return largest;
  }

  async #words(
    file: string,
    { name, type }: FileColumn,
    types: string[],
    signal: AbortSignal,
  ): Promise<ColumnSource | undefined> {
    const column = quoteName(name);
    const distinct = `SELECT DISTINCT ${column} AS word FROM ${file} WHERE ${column} IS NOT NULL`;
    const ordered = `${distinct} ORDER BY word LIMIT ${maxWords + 1}`;
    const schema = [{ name: 'word', type, nullable: false }];
    const words = await this.#connection.run(ordered, [], { signal, schema });
    if (words.rowCount > maxWords) return undefined;
    const dictionary = Dictionary.of(words.columns[0]!);
    const held = words.rowCount < 32_767 ? 'SMALLINT' : 'INTEGER';
    if (words.rowCount === 0) return { name, type, dictionary, sql: `0::${held}` };
    if (words.rowCount <= maxMappedWords) {
      // DuckDB applies a function once to each text of a Parquet dictionary, but a cast to each row.
      const list = (words.columns[0]!.values as string[]).map(quoteText).join(', ');
      const codes = Array.from({ length: words.rowCount }, (_, i) => i + 1).join(', ');
      const code = `map([${list}], [${codes}]::${held}[])[${column}]`;
      return { name, type, dictionary, sql: `coalesce(${code}, 0)::${held}` };
    }
    const typeName = quoteName(`words of ${this.#name} ${types.length}`);
    await this.#connection.execute(`CREATE TYPE ${typeName} AS ENUM (${distinct} ORDER BY word)`, {
      signal,
    });
    types.push(typeName);
    const code = `enum_code(${column}::${typeName})::INTEGER + 1`;
    return { name, type, dictionary, sql: `coalesce(${code}, 0)::${held}` };
  }

  async #fill(
    file: string,
    columns: readonly FileColumn[],
    sources: readonly ColumnSource[],
    signal: AbortSignal,
  ): Promise<SegmentTile> {
    const count = await this.#rows(`SELECT count(*) FROM ${file}`, signal);
    const rowCount = Number(count[0]![0]);
    const list = sources.map(({ sql, name }) => `${sql} AS ${quoteName(name)}`).join(', ');
    const buffers = new Map<string, Buffered>();
    let offset = 0;
    for await (const batch of this.#connection.batches(`SELECT ${list} FROM ${file}`, [], {
      signal,
    })) {
      sources.forEach(({ name }, i) => {
        buffers.set(name, append(buffers.get(name), batch.columns[i]!, { rowCount, offset }));
      });
      offset += batch.rowCount;
    }
    const tileColumns = new Map<string, TileColumn>();
    const dictionaries = new Map<string, Dictionary>();
    for (const source of sources) {
      const made = columnOf(source, buffers.get(source.name));
      tileColumns.set(source.name, made.column);
      if (made.dictionary !== undefined) dictionaries.set(source.name, made.dictionary);
    }
    const types = new Map(columns.map(({ name, type }) => [name, type]));
    return { tile: { rowCount, columns: tileColumns }, dictionaries, types };
  }

  async #rows(sql: string, signal?: AbortSignal): Promise<Value[][]> {
    const batch = await this.#connection.run(sql, [], { signal });
    return Array.from({ length: batch.rowCount }, (_, row) =>
      batch.columns.map((column) => valueAt(column, row)),
    );
  }
}

interface FileColumn {
  readonly name: string;
  readonly type: DataType;
}

/** How a column is read: an expression whose values DuckDB has in the array that is wanted. */
interface ColumnSource extends FileColumn {
  readonly sql: string;
  /** Of texts, whose codes are read. */
  readonly dictionary?: Dictionary;
  readonly largest?: bigint;
}

const holdable: ReadonlySet<DataType['kind']> = new Set([
  'boolean',
  'smallint',
  'integer',
  'bigint',
  'real',
  'double',
  'numeric',
  'text',
  'date',
  'time',
  'timestamp',
  'timestamptz',
]);

/** Products of longer fractions would leave the 38 digits of a decimal. */
const maxScale = 17;

function numberSource(
  { name, type }: FileColumn,
  largest: bigint | undefined,
): Pick<ColumnSource, 'sql' | 'largest'> {
  const column = quoteName(name);
  if (type.kind === 'real') return { sql: `${column}::DOUBLE` };
  const scale = heldScale(type);
  if (largest === undefined) return { sql: column };
  if (largest >= 2n ** 63n || scale > maxScale) return { sql: column, largest };
  const held = largest < 2n ** 31n ? 'INTEGER' : largest <= 2n ** 53n ? 'DOUBLE' : 'BIGINT';
  const unscaled =
    scale === 0 ? column : `(${column}::DECIMAL(19, ${scale}) * ${10n ** BigInt(scale)})`;
  const whole = held === 'INTEGER' ? unscaled : `${unscaled}::BIGINT`;
  return { sql: `${whole}::${held}`, largest };
}

interface Buffered {
  readonly values: Int16Array | Int32Array | Float64Array | BigInt64Array | Uint8Array | bigint[];
  nulls: Uint8Array | undefined;
}

function append(
  held: Buffered | undefined,
  column: Column,
  { rowCount, offset }: { readonly rowCount: number; readonly offset: number },
): Buffered {
  const source = column.values as Buffered['values'];
  const buffer = held ?? {
    values: new (source.constructor as new (length: number) => Buffered['values'])(rowCount),
    nulls: undefined,
  };
  if (ArrayBuffer.isView(buffer.values)) {
    (buffer.values as Uint8Array).set(source as Uint8Array, offset);
  } else {
    for (let row = 0; row < source.length; row++)
      buffer.values[offset + row] = source[row] as bigint;
  }
  if (column.validity !== undefined) {
    buffer.nulls ??= new Uint8Array(rowCount);
    for (let row = 0; row < source.length; row++) {
      if (isNull(column, row)) buffer.nulls[offset + row] = 1;
    }
  }
  return buffer;
}

const numberKinds: ReadonlySet<DataType['kind']> = new Set(['bigint', 'numeric', 'real', 'double']);

function columnOf(
  { type, dictionary, largest }: ColumnSource,
  buffered: Buffered | undefined,
): { readonly column: TileColumn; readonly dictionary?: Dictionary } {
  const { values, nulls } = buffered ?? { values: new Float64Array(0), nulls: undefined };
  if (dictionary !== undefined) {
    const codes = codesOf(values as Int32Array, dictionary.size);
    return { column: codedColumn(codes), dictionary };
  }
  if (numberKinds.has(type.kind)) {
    const column: NumberColumn = {
      kind: 'numbers',
      values: values as NumberColumn['values'],
      ...(nulls === undefined ? {} : { nulls }),
      ...(largest === undefined ? {} : { largest }),
    };
    return { column };
  }
  const raw = { values: values as Int32Array, ...(nulls === undefined ? {} : { nulls }) };
  const distinct = distinctNumbers(type, [raw]);
  const column: CodedColumn = codedColumn(distinct.codes(raw));
  return { column, dictionary: distinct.dictionary };
}

/** What a value will probably take: codes of two bytes for what is grouped by, eight for a number. */
function expectedBytes(type: string): number {
  return /^(BIGINT|DOUBLE|FLOAT|DECIMAL|HUGEINT)/.test(type) ? 8 : 2;
}
