import {
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
} from '@duckdb/node-api';
import {
  type Column,
  type ColumnBatch,
  type DataType,
  type Interval,
  unconstrainedScale,
  valueAt,
} from '@tessera/columnar';

/** Rows per DuckDB chunk; its vectors hold no more. */
const chunkRows = 2048;

/** Appends a stream of batches to a table whose columns stand in the order of the batches' schema. */
export async function appendBatches(
  connection: DuckDBConnection,
  table: string,
  batches: AsyncIterable<ColumnBatch>,
  signal: AbortSignal,
): Promise<bigint> {
  const appender = await connection.createAppender(table);
  let rowCount = 0n;
  try {
    for await (const batch of batches) {
      signal.throwIfAborted();
      for (let start = 0; start < batch.rowCount; start += chunkRows) {
        const count = Math.min(chunkRows, batch.rowCount - start);
        const types = batch.columns.map((_, i) => appender.columnType(i));
        const chunk = DuckDBDataChunk.create(types, count);
        batch.columns.forEach((column, i) => {
          chunk.setColumnValues(i, valuesOf(column, start, count));
        });
        appender.appendDataChunk(chunk);
      }
      rowCount += BigInt(batch.rowCount);
    }
  } finally {
    appender.closeSync();
  }
  return rowCount;
}

function valuesOf(column: Column, start: number, count: number): DuckDBValue[] {
  const convert = converterOf(column.type);
  return Array.from({ length: count }, (_, i) => {
    const value = valueAt(column, start + i);
    return value === null ? null : convert(value as never);
  });
}

function converterOf(type: DataType): (value: never) => DuckDBValue {
  switch (type.kind) {
    case 'date':
      return (days: number) => new DuckDBDateValue(days);
    case 'time':
      return (micros: bigint) => new DuckDBTimeValue(micros);
    case 'timestamp':
      return (micros: bigint) => new DuckDBTimestampValue(micros);
    case 'timestamptz':
      return (micros: bigint) => new DuckDBTimestampTZValue(micros);
    case 'numeric': {
      const width = type.precision ?? 38;
      const scale = type.scale ?? (type.precision === undefined ? unconstrainedScale : 0);
      return (unscaled: bigint) => new DuckDBDecimalValue(unscaled, width, scale);
    }
    case 'bytes':
      return (bytes: Uint8Array) => new DuckDBBlobValue(bytes);
    case 'interval':
      return (value: Interval) => new DuckDBIntervalValue(value.months, value.days, value.micros);
    default:
      return (value: DuckDBValue) => value;
  }
}
