/** Types, columns and batches of columns: how rows are held, merged, shown and put on the wire. */
export { decodeArrow } from './arrow-decode.ts';
export { encodeArrow } from './arrow-encode.ts';
export { batchBytes, concatBatches, sliceBatch, takeColumn, takeRows } from './batch-operations.ts';
export {
  type CivilDate,
  civilFromDays,
  daysFromCivil,
  daysInMonth,
  infiniteDays,
  infiniteMicros,
  microsPerDay,
  splitMicros,
} from './calendar.ts';
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
  allocateValues,
  allValid,
  batchFromRows,
  clearBit,
  columnFromValues,
  emptyBatch,
  rowsOf,
  validityOf,
} from './column-builder.ts';
export { compareText, compareValues, intervalMicros } from './compare-values.ts';
export {
  type DataType,
  type Field,
  formatDataType,
  heldScale,
  type Schema,
  type TypeKind,
  unconstrainedScale,
} from './data-type.ts';
export { badText, outOfRange } from './errors.ts';
export { formatScaled, formatValue } from './format-value.ts';
export { type MergeFunction, mergePartials } from './merge-partials.ts';
export { type NumberedValues, numberValues } from './number-values.ts';
export { parseValue } from './parse-value.ts';
export { rescale } from './rescale.ts';
