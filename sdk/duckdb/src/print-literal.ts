import type { Interval } from '@tessera/columnar';
import {
  decimalText,
  formatDate,
  formatTime,
  formatTimestamp,
  type LiteralExpr,
} from '@tessera/sql';
import { duckdbType } from './duckdb-type.ts';
import { quoteText } from './quote.ts';

/** A literal with its type: `5` alone would be an ordinal in GROUP BY and ORDER BY. */
export function printLiteral({ type, value }: LiteralExpr): string {
  if (value === null) return `CAST(NULL AS ${duckdbType(type)})`;
  switch (type.kind) {
    case 'boolean':
      return value ? 'true' : 'false';
    case 'text':
    case 'unknown':
      return `${quoteText(String(value))}::VARCHAR`;
    case 'numeric':
      return decimalLiteral(value as bigint, type.scale ?? 20);
    case 'date':
      return `'${formatDate(value as number)}'::DATE`;
    case 'time':
      return `'${formatTime(value as bigint)}'::TIME`;
    case 'timestamp':
      return `'${formatTimestamp(value as bigint)}'::TIMESTAMP`;
    case 'timestamptz':
      return `'${formatTimestamp(value as bigint)}+00'::TIMESTAMPTZ`;
    case 'interval':
      return intervalLiteral(value as Interval);
    case 'bytes':
      return bytesLiteral(value as Uint8Array);
    default:
      return `'${Object.is(value, -0) ? '-0' : value}'::${duckdbType(type)}`;
  }
}

/** As narrow as its digits, so that arithmetic with it stays narrow. */
function decimalLiteral(unscaled: bigint, scale: number): string {
  const text = decimalText(unscaled, scale);
  const digits = `${unscaled < 0n ? -unscaled : unscaled}`.length;
  return `'${text}'::DECIMAL(${Math.max(digits, scale + 1, 1)}, ${scale})`;
}

function intervalLiteral({ months, days, micros }: Interval): string {
  return `(to_months(${months}) + to_days(${days}) + to_microseconds(${micros}))`;
}

function bytesLiteral(bytes: Uint8Array): string {
  const escaped = Array.from(bytes, (b) => `\\x${b.toString(16).padStart(2, '0').toUpperCase()}`);
  return `'${escaped.join('')}'::BLOB`;
}
