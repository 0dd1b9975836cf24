import { invariant } from '@tessera/base';
import type { Value } from '@tessera/columnar';
import { and, call, type Expr, lit, type } from '@tessera/sql';
import { partitionValueInvalid } from '../errors.ts';
import type { Partition } from '../model.ts';
import type { SegmentRange } from '../segment.ts';
import { floorDiv, microsPerDay } from './civil.ts';
import { type DateFormat, formatAtOrAfter, parseDateFormat, parseTime } from './date-format.ts';

/**
 * Which rows of the fact belong to a range, as a predicate on the partition column's own type, so that any
 * source can use its indexes and statistics for it. Never NULL for a row of the range; ranges that do not
 * overlap give predicates that do not. `undefined`: all rows.
 */
export function partitionPredicate(partition: Partition, range: SegmentRange): Expr | undefined {
  if (range.kind === 'all') return undefined;
  if (range.kind === 'null') return call('is_null', type.boolean, [partition.column]);
  const from = boundLiteral(partition, range.start);
  const to = boundLiteral(partition, range.end);
  return and(
    from && call('>=', type.boolean, [partition.column, from]),
    to && call('<', type.boolean, [partition.column, to]),
  );
}

/** The first value of the column that is not before a time; `undefined`: the column can hold no such value. */
function boundLiteral(partition: Partition, micros: bigint): Expr | undefined {
  const columnType = partition.column.type;
  switch (columnType.kind) {
    case 'date':
      return lit.date(Number(-floorDiv(-micros, microsPerDay)));
    case 'timestamp':
      return lit.timestamp(micros);
    case 'timestamptz':
      return lit.timestamptz(micros);
    case 'smallint':
    case 'integer':
      return lit.int(Number(formatAtOrAfter(formatOf(partition), micros)));
    case 'bigint':
      return lit.bigint(BigInt(formatAtOrAfter(formatOf(partition), micros)));
    default:
      return textBound(formatOf(partition), micros);
  }
}

/** Text sorts by time only while years have four digits: from year 0 and up to year 9999. */
function textBound(format: DateFormat, micros: bigint): Expr | undefined {
  const text = formatAtOrAfter(format, micros);
  return /^[0-9]{4}([^0-9]|$)/.test(text) ||
    (format.digitsOnly && text.length === format.pattern.length)
    ? lit.text(text)
    : undefined;
}

/**
 * A value of the partition column as microseconds, the scale on which ranges are counted: `undefined` for NULL.
 * @throws FAILED_PRECONDITION PARTITION_VALUE_INVALID for a value that is not of the column's format
 */
export function partitionMicros(partition: Partition, value: Value): bigint | undefined {
  if (value === null) return undefined;
  switch (partition.column.type.kind) {
    case 'date':
      return BigInt(value as number) * microsPerDay;
    case 'timestamp':
    case 'timestamptz':
      return value as bigint;
    default: {
      const format = formatOf(partition);
      const text = format.digitsOnly
        ? String(value).padStart(format.pattern.length, '0')
        : String(value);
      const micros = parseTime(format, text);
      if (micros === undefined) throw partitionValueInvalid(String(value), format.pattern);
      return micros;
    }
  }
}

function formatOf(partition: Partition): DateFormat {
  const format = partition.format === undefined ? undefined : parseDateFormat(partition.format);
  invariant(format, `partition column of type ${partition.column.type.kind} has a checked format`);
  return format;
}
