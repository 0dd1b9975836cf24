import duckdb from '@duckdb/node-bindings';
import {
  allocateValues,
  allValid,
  type Column,
  type ColumnBatch,
  type ColumnValues,
  clearBit,
  type DataType,
  type Field,
  heldScale,
  rescale,
  type Schema,
} from '@tessera/columnar';
import { typeUnsupported } from './errors.ts';
import { readBlobs, readStrings } from './read-strings.ts';

/** Rows of one chunk and where they go in the column that is being filled. */
export interface RowRange {
  readonly rowCount: number;
  /** Row of the column at which the chunk's first row is put. */
  readonly offset: number;
  readonly isValid: (row: number) => boolean;
}

/**
 * Reads the chunks of results of one shape into batches. Everything is copied: DuckDB frees or reuses its
 * memory. With a `schema` the values come in the types it declares (integers and decimals exactly, else
 * NUMERIC_OUT_OF_RANGE), with its names; without one in the types closest to DuckDB's.
 */
export class ResultReader {
  readonly schema: Schema;
  readonly #columns: readonly ColumnReader[];

  constructor(result: duckdb.Result, schema?: Schema) {
    const count = duckdb.column_count(result);
    this.#columns = Array.from({ length: count }, (_, i) => {
      const name = duckdb.column_name(result, i);
      return columnReader(name, duckdb.column_logical_type(result, i), schema?.[i]);
    });
    this.schema = this.#columns.map(({ field }) => field);
  }

  /** True when the result has the columns that this reader was made for. */
  fits(result: duckdb.Result): boolean {
    return (
      duckdb.column_count(result) === this.#columns.length &&
      this.#columns.every(({ typeId }, i) => duckdb.column_type(result, i) === typeId)
    );
  }

  read(chunks: readonly duckdb.DataChunk[]): ColumnBatch {
    const sizes = chunks.map((chunk) => duckdb.data_chunk_get_size(chunk));
    const rowCount = sizes.reduce((sum, size) => sum + size, 0);
    const columns = this.#columns.map((reader, i) =>
      readColumn(reader, chunks, sizes, i, rowCount),
    );
    return { schema: this.schema, rowCount, columns };
  }
}

interface ColumnReader {
  readonly field: Field;
  readonly typeId: duckdb.Type;
  /** Bytes of one value in a vector. */
  readonly width: number;
  readonly fill: (data: Buffer, range: RowRange, values: ColumnValues) => void;
}

function readColumn(
  { field, width, fill }: ColumnReader,
  chunks: readonly duckdb.DataChunk[],
  sizes: readonly number[],
  index: number,
  rowCount: number,
): Column {
  const values = allocateValues(field.type, rowCount);
  let validity: Uint8Array | undefined;
  let offset = 0;
  for (let i = 0; i < chunks.length; i++) {
    const size = sizes[i]!;
    const vector = duckdb.data_chunk_get_vector(chunks[i]!, index);
    const bits = duckdb.vector_get_validity(vector, ((size + 63) >> 6) * 8) as Uint8Array | null;
    const isValid =
      bits === null ? always : (row: number) => ((bits[row >> 3]! >> (row & 7)) & 1) === 1;
    if (bits !== null) {
      for (let row = 0; row < size; row++) {
        if (isValid(row)) continue;
        validity ??= allValid(rowCount);
        clearBit(validity, offset + row);
      }
    }
    const view = duckdb.vector_get_data(vector, size * width);
    const data = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
    fill(data, { rowCount: size, offset, isValid }, values);
    offset += size;
  }
  return validity === undefined
    ? { type: field.type, values }
    : { type: field.type, values, validity };
}

const always = () => true;

function columnReader(name: string, logical: duckdb.LogicalType, declared?: Field): ColumnReader {
  const typeId = duckdb.get_type_id(logical);
  const source = sourceOf(name, logical, typeId);
  const field = declared ?? { name, type: source.type, nullable: true };
  return { field, typeId, width: source.width, fill: source.reader(field.type) };
}

interface Source {
  readonly type: DataType;
  readonly width: number;
  /** How values are read when they are wanted as `wanted`. */
  readonly reader: (wanted: DataType) => ColumnReader['fill'];
}

/** Copies arrays whose layout is the same on both sides; floats are also widened or rounded to what is wanted. */
function copied(kind: Exclude<DataType['kind'], 'numeric'>, width: number): Source {
  return {
    type: { kind },
    width,
    reader: (wanted) => {
      if (wanted.kind !== kind && isFloat(wanted.kind) && isFloat(kind)) return floats(width);
      return (data, { offset }, values) => {
        const target = values as Uint8Array;
        new Uint8Array(target.buffer, target.byteOffset).set(data, offset * width);
      };
    },
  };
}

const isFloat = (kind: DataType['kind']) => kind === 'real' || kind === 'double';

function floats(width: number): ColumnReader['fill'] {
  return (data, { rowCount, offset }, values) => {
    for (let row = 0; row < rowCount; row++) {
      values[offset + row] = width === 4 ? data.readFloatLE(row * 4) : data.readDoubleLE(row * 8);
    }
  };
}

function sourceOf(name: string, logical: duckdb.LogicalType, typeId: duckdb.Type): Source {
  const { Type } = duckdb;
  switch (typeId) {
    case Type.BOOLEAN:
      return copied('boolean', 1);
    case Type.FLOAT:
      return copied('real', 4);
    case Type.DOUBLE:
      return copied('double', 8);
    case Type.DATE:
      return copied('date', 4);
    case Type.TIME:
      return copied('time', 8);
    case Type.TIMESTAMP:
      return copied('timestamp', 8);
    case Type.TIMESTAMP_TZ:
      return copied('timestamptz', 8);
    case Type.TIMESTAMP_S:
      return scaledTimestamp((value) => value * 1_000_000n);
    case Type.TIMESTAMP_MS:
      return scaledTimestamp((value) => value * 1_000n);
    case Type.TIMESTAMP_NS:
      return scaledTimestamp((value) => (value - (((value % 1_000n) + 1_000n) % 1_000n)) / 1_000n);
    case Type.VARCHAR:
      return strings;
    case Type.BLOB:
      return blobs;
    case Type.INTERVAL:
      return intervals;
    case Type.UUID:
      return uuids;
    case Type.SQLNULL:
      return nulls;
    case Type.ENUM:
      return enumSource(logical);
    case Type.DECIMAL:
      return decimalSource(logical);
    default: {
      const integer = integerSources[typeId];
      if (integer === undefined) throw typeUnsupported(name, Type[typeId] ?? String(typeId));
      return integer;
    }
  }
}

/** Values that are integers in DuckDB, with `scale` digits after the point, wanted as any exact or inexact number. */
function integers(
  type: DataType,
  width: number,
  at: (data: Buffer, position: number) => number | bigint,
  same: boolean,
): Source {
  return {
    type,
    width,
    reader: (wanted) => {
      if (same && wanted.kind === type.kind) {
        return copied(type.kind as 'integer', width).reader(wanted);
      }
      const convert = rescale(wanted, heldScale(type));
      return (data, { rowCount, offset, isValid }, values) => {
        for (let row = 0; row < rowCount; row++) {
          if (isValid(row)) values[offset + row] = convert(at(data, row * width)) as never;
        }
      };
    },
  };
}

const int128At = (data: Buffer, at: number) =>
  (data.readBigInt64LE(at + 8) << 64n) | data.readBigUInt64LE(at);
const uint128At = (data: Buffer, at: number) =>
  (data.readBigUInt64LE(at + 8) << 64n) | data.readBigUInt64LE(at);
const numeric = (precision: number, scale: number): DataType => ({
  kind: 'numeric',
  precision,
  scale,
});

const integerSources: Readonly<Partial<Record<duckdb.Type, Source>>> = {
  [duckdb.Type.TINYINT]: integers({ kind: 'smallint' }, 1, (d, at) => d.readInt8(at), false),
  [duckdb.Type.SMALLINT]: integers({ kind: 'smallint' }, 2, (d, at) => d.readInt16LE(at), true),
  [duckdb.Type.INTEGER]: integers({ kind: 'integer' }, 4, (d, at) => d.readInt32LE(at), true),
  [duckdb.Type.BIGINT]: integers({ kind: 'bigint' }, 8, (d, at) => d.readBigInt64LE(at), true),
  [duckdb.Type.UTINYINT]: integers({ kind: 'smallint' }, 1, (d, at) => d.readUInt8(at), false),
  [duckdb.Type.USMALLINT]: integers({ kind: 'integer' }, 2, (d, at) => d.readUInt16LE(at), false),
  [duckdb.Type.UINTEGER]: integers({ kind: 'bigint' }, 4, (d, at) => d.readUInt32LE(at), false),
  [duckdb.Type.UBIGINT]: integers(numeric(20, 0), 8, (d, at) => d.readBigUInt64LE(at), false),
  [duckdb.Type.HUGEINT]: integers(numeric(38, 0), 16, int128At, false),
  [duckdb.Type.UHUGEINT]: integers(numeric(39, 0), 16, uint128At, false),
};

function decimalSource(logical: duckdb.LogicalType): Source {
  const type = numeric(duckdb.decimal_width(logical), duckdb.decimal_scale(logical));
  switch (duckdb.decimal_internal_type(logical)) {
    case duckdb.Type.SMALLINT:
      return integers(type, 2, (d, at) => d.readInt16LE(at), false);
    case duckdb.Type.INTEGER:
      return integers(type, 4, (d, at) => d.readInt32LE(at), false);
    case duckdb.Type.BIGINT:
      return integers(type, 8, (d, at) => d.readBigInt64LE(at), false);
    default:
      return integers(type, 16, int128At, false);
  }
}

function enumSource(logical: duckdb.LogicalType): Source {
  const words = Array.from({ length: duckdb.enum_dictionary_size(logical) }, (_, i) =>
    duckdb.enum_dictionary_value(logical, i),
  );
  const internal = duckdb.enum_internal_type(logical);
  const width = internal === duckdb.Type.UTINYINT ? 1 : internal === duckdb.Type.USMALLINT ? 2 : 4;
  return {
    type: { kind: 'text' },
    width,
    reader:
      () =>
      (data, { rowCount, offset, isValid }, values) => {
        for (let row = 0; row < rowCount; row++) {
          if (isValid(row)) values[offset + row] = words[data.readUIntLE(row * width, width)]!;
        }
      },
  };
}

function scaledTimestamp(toMicros: (value: bigint) => bigint): Source {
  return {
    type: { kind: 'timestamp' },
    width: 8,
    reader:
      () =>
      (data, { rowCount, offset, isValid }, values) => {
        for (let row = 0; row < rowCount; row++) {
          if (isValid(row)) values[offset + row] = toMicros(data.readBigInt64LE(row * 8));
        }
      },
  };
}

const strings: Source = {
  type: { kind: 'text' },
  width: 16,
  reader: () => (data, range, values) => readStrings(data, range, values as string[]),
};

const blobs: Source = {
  type: { kind: 'bytes' },
  width: 16,
  reader: () => (data, range, values) => readBlobs(data, range, values as Uint8Array[]),
};

const intervals: Source = {
  type: { kind: 'interval' },
  width: 16,
  reader:
    () =>
    (data, { rowCount, offset, isValid }, values) => {
      for (let row = 0; row < rowCount; row++) {
        if (!isValid(row)) continue;
        values[offset + row] = {
          months: data.readInt32LE(row * 16),
          days: data.readInt32LE(row * 16 + 4),
          micros: data.readBigInt64LE(row * 16 + 8),
        };
      }
    },
};

/** DuckDB flips a UUID's first bit so that its order as a signed number is the order of its text. */
const uuids: Source = {
  type: { kind: 'text' },
  width: 16,
  reader:
    () =>
    (data, { rowCount, offset, isValid }, values) => {
      for (let row = 0; row < rowCount; row++) {
        if (!isValid(row)) continue;
        const hex = (uint128At(data, row * 16) ^ (1n << 127n)).toString(16).padStart(32, '0');
        values[offset + row] = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
      }
    },
};

/** `SELECT NULL`: a column of NULLs only, of whatever type is wanted. */
const nulls: Source = { type: { kind: 'unknown' }, width: 4, reader: () => () => {} };
