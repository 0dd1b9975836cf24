/** Types, columns and batches of columns: how rows are held, merged, shown and put on the wire. */
export {
  type Column,
  type ColumnBatch,
  type ColumnValues,
  type Interval,
  isNull,
  type Value,
  valueAt,
} from './column-batch.ts';
export {
  type DataType,
  type Field,
  type Schema,
  type TypeKind,
  unconstrainedScale,
} from './data-type.ts';
