import type { DuckDBConnection, DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api';
import type { Column, ColumnBatch, ColumnValues, DataType, Field } from '@tessera/columnar';

/** Streams the rows of a SELECT whose columns have the types of `schema`; the next chunk is read when asked for. */
export async function* columnBatches(
  connection: DuckDBConnection,
  sql: string,
  schema: readonly Field[],
  signal: AbortSignal,
): AsyncIterable<ColumnBatch> {
  const result = await connection.stream(sql);
  for (;;) {
    signal.throwIfAborted();
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    yield batchOf(chunk, schema);
  }
}

function batchOf(chunk: DuckDBDataChunk, schema: readonly Field[]): ColumnBatch {
  const columns = schema.map((field, i) => columnOf(chunk.getColumnValues(i), field.type));
  return { schema, rowCount: chunk.rowCount, columns };
}

function columnOf(values: readonly DuckDBValue[], type: DataType): Column {
  const convert = converters[type.kind] as (value: DuckDBValue) => never;
  const out = emptyValues(type, values.length);
  let validity: Uint8Array | undefined;
  for (const [row, value] of values.entries()) {
    if (value === null) {
      validity ??= new Uint8Array(Math.ceil(values.length / 8)).fill(255);
      validity[row >> 3]! &= ~(1 << (row & 7));
      out[row] = placeholder(type) as never;
    } else {
      out[row] = convert(value);
    }
  }
  return validity === undefined ? { type, values: out } : { type, values: out, validity };
}

function emptyValues(type: DataType, length: number): ColumnValues {
  switch (type.kind) {
    case 'boolean':
      return new Uint8Array(length);
    case 'smallint':
      return new Int16Array(length);
    case 'integer':
    case 'date':
      return new Int32Array(length);
    case 'bigint':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return new BigInt64Array(length);
    case 'real':
      return new Float32Array(length);
    case 'double':
      return new Float64Array(length);
    default:
      return [];
  }
}

function placeholder(type: DataType): unknown {
  switch (type.kind) {
    case 'text':
    case 'unknown':
      return '';
    case 'bytes':
      return new Uint8Array();
    case 'interval':
      return { months: 0, days: 0, micros: 0n };
    case 'numeric':
    case 'bigint':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return 0n;
    default:
      return 0;
  }
}

const same = (value: unknown) => value;
const micros = (value: { micros: bigint }) => value.micros;
const converters: Readonly<Record<DataType['kind'], (value: never) => unknown>> = {
  boolean: (value: boolean) => (value ? 1 : 0),
  smallint: same,
  integer: same,
  bigint: same,
  real: same,
  double: same,
  text: same,
  unknown: same,
  date: (value: { days: number }) => value.days,
  time: micros,
  timestamp: micros,
  timestamptz: micros,
  numeric: (value: { value: bigint }) => value.value,
  interval: (value: { months: number; days: number; micros: bigint }) => ({
    months: value.months,
    days: value.days,
    micros: value.micros,
  }),
  bytes: (value: { bytes: Uint8Array }) => value.bytes,
};
