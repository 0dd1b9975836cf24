import duckdb from '@duckdb/node-bindings';
import {
  type Column,
  type ColumnBatch,
  type DataType,
  heldScale,
  type Interval,
  isNull,
  outOfRange,
} from '@tessera/columnar';

/**
 * Appends the rows of batches to a table whose columns are `duckdbType` of the batches' types, in order, in
 * chunks of DuckDB's vector size. Nothing is appended when it throws.
 */
export function appendBatches(
  connection: duckdb.Connection,
  table: string,
  batches: Iterable<ColumnBatch>,
): void {
  const appender = duckdb.appender_create_ext(connection, null, null, table);
  try {
    const types = Array.from({ length: duckdb.appender_column_count(appender) }, (_, i) =>
      duckdb.appender_column_type(appender, i),
    );
    for (const batch of batches) {
      for (let start = 0; start < batch.rowCount; start += duckdb.vector_size()) {
        const chunk = duckdb.create_data_chunk(types);
        const rowCount = Math.min(duckdb.vector_size(), batch.rowCount - start);
        duckdb.data_chunk_set_size(chunk, rowCount);
        batch.columns.forEach((column, i) => {
          writeVector(duckdb.data_chunk_get_vector(chunk, i), column, start, rowCount);
        });
        duckdb.append_data_chunk(appender, chunk);
      }
    }
  } catch (error) {
    duckdb.appender_clear(appender);
    throw error;
  } finally {
    duckdb.appender_close_sync(appender);
  }
}

function writeVector(vector: duckdb.Vector, column: Column, start: number, rowCount: number): void {
  writeValidity(vector, column, start, rowCount);
  switch (column.type.kind) {
    case 'text':
    case 'unknown':
      eachValue(column, start, rowCount, (value, i) => {
        duckdb.vector_assign_string_element(vector, i, value as string);
      });
      break;
    case 'bytes':
      eachValue(column, start, rowCount, (value, i) => {
        duckdb.vector_assign_string_element_len(vector, i, value as Uint8Array);
      });
      break;
    default: {
      const bytes = fixedWidth(column, start, rowCount);
      const { buffer, byteOffset, byteLength } = bytes;
      duckdb.copy_data_to_vector(vector, 0, buffer as ArrayBuffer, byteOffset, byteLength);
    }
  }
}

function writeValidity(
  vector: duckdb.Vector,
  column: Column,
  start: number,
  rowCount: number,
): void {
  if (column.validity === undefined) return;
  const bits = new Uint8Array(((rowCount + 63) >> 6) * 8).fill(255);
  for (let i = 0; i < rowCount; i++) {
    if (isNull(column, start + i)) bits[i >> 3]! &= ~(1 << (i & 7));
  }
  duckdb.vector_ensure_validity_writable(vector);
  duckdb.copy_data_to_vector_validity(vector, 0, bits.buffer, 0, bits.byteLength);
}

function eachValue(
  column: Column,
  start: number,
  rowCount: number,
  visit: (value: unknown, index: number) => void,
): void {
  for (let i = 0; i < rowCount; i++) {
    if (!isNull(column, start + i)) visit(column.values[start + i], i);
  }
}

function fixedWidth(column: Column, start: number, rowCount: number): Uint8Array {
  const { values } = column;
  if (ArrayBuffer.isView(values)) {
    const part = (values as Int32Array).subarray(start, start + rowCount);
    return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
  }
  if (column.type.kind === 'interval') return intervalBytes(column, start, rowCount);
  return decimalBytes(column, column.type, start, rowCount);
}

function intervalBytes(column: Column, start: number, rowCount: number): Uint8Array {
  const bytes = Buffer.alloc(rowCount * 16);
  eachValue(column, start, rowCount, (value, i) => {
    const { months, days, micros } = value as Interval;
    bytes.writeInt32LE(months, i * 16);
    bytes.writeInt32LE(days, i * 16 + 4);
    bytes.writeBigInt64LE(micros, i * 16 + 8);
  });
  return bytes;
}

/** DuckDB holds a decimal in 16, 32, 64 or 128 bits, by its width. */
function decimalBytes(column: Column, type: DataType, start: number, rowCount: number): Uint8Array {
  const precision = (type.kind === 'numeric' ? type.precision : undefined) ?? 38;
  const limit = 10n ** BigInt(Math.max(precision, heldScale(type)));
  const bits = precision <= 4 ? 16 : precision <= 9 ? 32 : precision <= 18 ? 64 : 128;
  const bytes = Buffer.alloc((rowCount * bits) / 8);
  eachValue(column, start, rowCount, (held, i) => {
    const value = held as bigint;
    if (value >= limit || value <= -limit) throw outOfRange(type);
    if (bits === 16) bytes.writeInt16LE(Number(value), i * 2);
    else if (bits === 32) bytes.writeInt32LE(Number(value), i * 4);
    else if (bits === 64) bytes.writeBigInt64LE(value, i * 8);
    else {
      bytes.writeBigUInt64LE(BigInt.asUintN(64, value), i * 16);
      bytes.writeBigInt64LE(value >> 64n, i * 16 + 8);
    }
  });
  return bytes;
}
