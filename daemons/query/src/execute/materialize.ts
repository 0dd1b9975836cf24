import type { Column, ColumnBatch, ColumnValues, DataType, Schema, Value } from '@tessera/columnar';

/** A column of `rowCount` values of one type; `at(i)` gives the i-th, `null` for NULL. */
export function materialize(type: DataType, rowCount: number, at: (i: number) => Value): Column {
  const values = emptyValues(type, rowCount);
  let validity: Uint8Array | undefined;
  for (let i = 0; i < rowCount; i++) {
    const value = at(i);
    if (value === null) {
      validity ??= new Uint8Array((rowCount + 7) >> 3).fill(0xff);
      validity[i >> 3]! &= ~(1 << (i & 7));
      if (Array.isArray(values)) (values as Value[])[i] = placeholder(type);
    } else {
      (values as Value[])[i] = type.kind === 'boolean' ? Number(value) : value;
    }
  }
  return validity === undefined ? { type, values } : { type, values, validity };
}

function emptyValues(type: DataType, rowCount: number): ColumnValues {
  switch (type.kind) {
    case 'boolean':
      return new Uint8Array(rowCount);
    case 'smallint':
      return new Int16Array(rowCount);
    case 'integer':
    case 'date':
      return new Int32Array(rowCount);
    case 'bigint':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return new BigInt64Array(rowCount);
    case 'real':
      return new Float32Array(rowCount);
    case 'double':
      return new Float64Array(rowCount);
    default:
      return new Array(rowCount) as ColumnValues;
  }
}

/** What stands in an array at a NULL's place, so that arrays hold one type only. */
function placeholder(type: DataType): Value {
  switch (type.kind) {
    case 'numeric':
      return 0n;
    case 'bytes':
      return new Uint8Array(0);
    case 'interval':
      return { months: 0, days: 0, micros: 0n };
    default:
      return '';
  }
}

/** Rows `rows` of a column, in that order. */
export function gather(column: Column, rows: Int32Array): Column {
  const values = emptyValues(column.type, rows.length) as unknown[];
  const source = column.values as unknown[];
  for (let i = 0; i < rows.length; i++) values[i] = source[rows[i]!];
  if (column.validity === undefined) {
    return { type: column.type, values: values as unknown as ColumnValues };
  }
  const validity = new Uint8Array((rows.length + 7) >> 3);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if ((column.validity[row >> 3]! >> (row & 7)) & 1) validity[i >> 3]! |= 1 << (i & 7);
  }
  return { type: column.type, values: values as unknown as ColumnValues, validity };
}

/** Rows [start, end) of a batch. */
export function slice(batch: ColumnBatch, start: number, end: number): ColumnBatch {
  if (start === 0 && end >= batch.rowCount) return batch;
  const rows = Int32Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i);
  return {
    schema: batch.schema,
    rowCount: rows.length,
    columns: batch.columns.map((column) => gather(column, rows)),
  };
}

export function emptyBatch(schema: Schema): ColumnBatch {
  return {
    schema,
    rowCount: 0,
    columns: schema.map(({ type }) => materialize(type, 0, () => null)),
  };
}
