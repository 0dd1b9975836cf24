import { unreachable } from '@tessera/base';
import type { Column, ColumnBatch, ColumnValues, Interval, Value } from './column-batch.ts';
import { valueAt } from './column-batch.ts';
import type { DataType, Schema } from './data-type.ts';

/** A column from single values; `null` is NULL. */
export function columnFromValues(type: DataType, values: readonly Value[]): Column {
  const held = allocateValues(type, values.length);
  const validity = validityOf(values);
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    if (value !== null) held[row] = typeof value === 'boolean' ? Number(value) : (value as never);
  }
  return validity === undefined ? { type, values: held } : { type, values: held, validity };
}

/** A batch from rows of values in the order of the schema. */
export function batchFromRows(schema: Schema, rows: readonly (readonly Value[])[]): ColumnBatch {
  const columns = schema.map((field, i) =>
    columnFromValues(
      field.type,
      rows.map((row) => row[i]!),
    ),
  );
  return { schema, rowCount: rows.length, columns };
}

/** The rows of a batch as values: for tests, messages and small results. */
export function rowsOf(batch: ColumnBatch): Value[][] {
  return Array.from({ length: batch.rowCount }, (_, row) =>
    batch.columns.map((column) => valueAt(column, row)),
  );
}

export function emptyBatch(schema: Schema): ColumnBatch {
  return {
    schema,
    rowCount: 0,
    columns: schema.map(({ type }) => ({ type, values: allocateValues(type, 0) })),
  };
}

/** Values of a type's array form; what is at a NULL's place is the type's zero. */
export function allocateValues(type: DataType, length: number): ColumnValues {
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
    case 'numeric':
      return new Array<bigint>(length).fill(0n);
    case 'text':
    case 'unknown':
      return new Array<string>(length).fill('');
    case 'bytes':
      return new Array<Uint8Array>(length).fill(noBytes);
    case 'interval':
      return new Array<Interval>(length).fill(noInterval);
    default:
      return unreachable(type, 'type');
  }
}

/** One bit per value, 1 where it is not null; undefined when none is. */
export function validityOf(values: readonly Value[]): Uint8Array | undefined {
  let validity: Uint8Array | undefined;
  for (let row = 0; row < values.length; row++) {
    if (values[row] !== null) continue;
    validity ??= allValid(values.length);
    clearBit(validity, row);
  }
  return validity;
}

export function allValid(length: number): Uint8Array {
  return new Uint8Array((length + 7) >> 3).fill(255);
}

export function clearBit(bits: Uint8Array, index: number): void {
  bits[index >> 3]! &= ~(1 << (index & 7));
}

const noBytes = new Uint8Array(0);
const noInterval: Interval = { months: 0, days: 0, micros: 0n };
