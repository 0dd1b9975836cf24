import { invariant } from '@tessera/base';
import { type Column, type ColumnBatch, type ColumnValues, isNull } from './column-batch.ts';
import { allocateValues, allValid, clearBit, emptyBatch } from './column-builder.ts';
import type { Schema } from './data-type.ts';

/** All rows in order; every batch has the columns of `schema`. Copies, unless there is just one batch with rows. */
export function concatBatches(schema: Schema, batches: readonly ColumnBatch[]): ColumnBatch {
  const filled = batches.filter((batch) => batch.rowCount > 0);
  if (filled.length === 0) return emptyBatch(schema);
  if (filled.length === 1) return { ...filled[0]!, schema };
  const rowCount = filled.reduce((sum, batch) => sum + batch.rowCount, 0);
  const columns = schema.map((field, i) => {
    const parts = filled.map((batch) => batch.columns[i]!);
    invariant(
      parts.every((part) => part !== undefined && part.type.kind === field.type.kind),
      `column ${field.name} differs between batches`,
    );
    return concatColumns(field.type, parts, rowCount);
  });
  return { schema, rowCount, columns };
}

function concatColumns(type: Column['type'], parts: readonly Column[], rowCount: number): Column {
  const values = allocateValues(type, rowCount);
  const validity = parts.some((part) => part.validity) ? allValid(rowCount) : undefined;
  let offset = 0;
  for (const part of parts) {
    copyInto(values, part.values, offset);
    if (validity && part.validity) {
      for (let row = 0; row < part.values.length; row++) {
        if (isNull(part, row)) clearBit(validity, offset + row);
      }
    }
    offset += part.values.length;
  }
  return validity === undefined ? { type, values } : { type, values, validity };
}

function copyInto(target: ColumnValues, source: ColumnValues, offset: number): void {
  if (ArrayBuffer.isView(target)) (target as Uint8Array).set(source as Uint8Array, offset);
  else for (let i = 0; i < source.length; i++) target[offset + i] = source[i] as never;
}

/** Rows `[start, end)`. Copies. */
export function sliceBatch(batch: ColumnBatch, start: number, end: number): ColumnBatch {
  const from = Math.min(Math.max(0, start), batch.rowCount);
  const to = Math.min(Math.max(from, end), batch.rowCount);
  const columns = batch.columns.map((column) => {
    const values = column.values.slice(from, to) as ColumnValues;
    if (column.validity === undefined) return { type: column.type, values };
    const validity = allValid(to - from);
    for (let row = from; row < to; row++) if (isNull(column, row)) clearBit(validity, row - from);
    return { type: column.type, values, validity };
  });
  return { schema: batch.schema, rowCount: to - from, columns };
}

/** The rows at `indexes`, in that order. */
export function takeRows(batch: ColumnBatch, indexes: ArrayLike<number>): ColumnBatch {
  const rowCount = indexes.length;
  const columns = batch.columns.map((column) => takeColumn(column, indexes));
  return { schema: batch.schema, rowCount, columns };
}

export function takeColumn(column: Column, indexes: ArrayLike<number>): Column {
  const values = allocateValues(column.type, indexes.length);
  const validity = column.validity ? allValid(indexes.length) : undefined;
  for (let i = 0; i < indexes.length; i++) {
    values[i] = column.values[indexes[i]!] as never;
    if (validity && isNull(column, indexes[i]!)) clearBit(validity, i);
  }
  return validity === undefined
    ? { type: column.type, values }
    : { type: column.type, values, validity };
}

/** About how many bytes a batch holds, for limits on results and caches. */
export function batchBytes(batch: ColumnBatch): number {
  let bytes = 0;
  for (const column of batch.columns) {
    bytes += column.validity?.byteLength ?? 0;
    bytes += valuesBytes(column.values);
  }
  return bytes;
}

function valuesBytes(values: ColumnValues): number {
  if (ArrayBuffer.isView(values)) return values.byteLength;
  let bytes = values.length * 16;
  for (const value of values) {
    if (typeof value === 'string') bytes += value.length;
    else if (value instanceof Uint8Array) bytes += value.length;
  }
  return bytes;
}
