import type { DataType } from '@tessera/columnar';
import { isExact } from '@tessera/sql';
import { duckdbType } from './duckdb-type.ts';

/** `cast(x as to)` with PostgreSQL's rounding and spelling. */
export function printCast(text: string, from: DataType, to: DataType): string {
  const plain = `CAST(${text} AS ${duckdbType(to)})`;
  const floating = from.kind === 'double' || from.kind === 'real';
  if (floating && to.kind === 'numeric') {
    // PostgreSQL keeps 15 (6 for real) significant digits.
    const digits = from.kind === 'double' ? 15 : 6;
    return `CAST(printf('%.${digits}g', CAST(${text} AS DOUBLE)) AS ${duckdbType(to)})`;
  }
  if (floating && to.kind === 'text') return floatText(text);
  if (from.kind === 'numeric' && to.kind === 'double') return decimalToDouble(text, from);
  if (from.kind === 'numeric' && to.kind === 'real') {
    return `CAST(${decimalToDouble(text, from)} AS FLOAT)`;
  }
  if (to.kind === 'numeric' && to.precision === undefined && isExact(from)) {
    return from.kind === 'numeric' ? plain : `CAST(${text} AS DECIMAL(${integerDigits(from)}, 0))`;
  }
  return plain;
}

const integerDigits = (type: DataType) =>
  type.kind === 'smallint' ? 5 : type.kind === 'integer' ? 10 : 19;

/** Up to 15 digits DuckDB's own division is rounded right; beyond that the text is. */
function decimalToDouble(text: string, from: DataType): string {
  const narrow = from.kind === 'numeric' && (from.precision ?? 38) <= 15;
  return narrow ? `CAST(${text} AS DOUBLE)` : `CAST(CAST(${text} AS VARCHAR) AS DOUBLE)`;
}

/** NaN has a sign in DuckDB. */
function floatText(text: string): string {
  const digits = `regexp_replace(CAST(${text} AS VARCHAR), '\\.0$', '')`;
  return `replace(regexp_replace(${digits}, '^-?nan$', 'NaN'), 'inf', 'Infinity')`;
}
