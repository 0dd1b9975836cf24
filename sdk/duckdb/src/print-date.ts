import type { DataType } from '@tessera/columnar';
import { type Expr, toCharPieces } from '@tessera/sql';
import { quoteText } from './quote.ts';

/** extract(field from x) as an exact number. */
export function printExtract(field: string, text: string, from: DataType): string {
  const decimal = (whole: string, unit = '') => `(CAST(${whole} AS DECIMAL(19, 0))${unit})`;
  switch (field) {
    case 'second':
      return decimal(`extract(microseconds FROM ${text})`, ` * '0.000001'::DECIMAL(7, 6)`);
    case 'milliseconds':
      return decimal(`extract(microseconds FROM ${text})`, ` * '0.001'::DECIMAL(4, 3)`);
    case 'epoch':
      return printEpoch(text, from);
    default:
      return decimal(`extract(${field} FROM ${text})`);
  }
}

function printEpoch(text: string, from: DataType): string {
  const unit = `'0.000001'::DECIMAL(7, 6)`;
  if (from.kind === 'date')
    return `CAST(epoch_us(CAST(${text} AS TIMESTAMP)) // 1000000 AS DECIMAL(19, 0))`;
  if (from.kind === 'time') return `(CAST(epoch_us(${text}) AS DECIMAL(19, 0)) * ${unit})`;
  if (from.kind !== 'interval') return `(CAST(epoch_us(${text}) AS DECIMAL(19, 0)) * ${unit})`;
  // A year has 365.25 days, a month 30.
  const part = (field: string) => `CAST(extract(${field} FROM ${text}) AS BIGINT)`;
  const years = `(${part('year')} * 31557600)`;
  const days = `(${part('month')} * 2592000 + ${part('day')} * 86400 + ${part('hour')} * 3600 + ${part('minute')} * 60)`;
  return `(CAST((${years} + ${days}) * 1000000 + ${part('microseconds')} AS DECIMAL(19, 0)) * ${unit})`;
}

/** date_trunc; DuckDB's own has PostgreSQL's weeks and quarters. */
export function printDateTrunc(field: string, text: string, type: DataType): string {
  const target =
    type.kind === 'timestamptz'
      ? 'TIMESTAMPTZ'
      : type.kind === 'interval'
        ? 'INTERVAL'
        : 'TIMESTAMP';
  return `date_trunc('${field}', CAST(${text} AS ${target}))`;
}

const strftime: Readonly<Record<string, string>> = {
  YYYY: '%Y',
  YY: '%y',
  IYYY: '%G',
  MM: '%m',
  DD: '%d',
  DDD: '%j',
  HH24: '%H',
  HH12: '%I',
  HH: '%I',
  MI: '%M',
  SS: '%S',
  US: '%f',
  IW: '%V',
  ID: '%u',
  Mon: '%b',
  Dy: '%a',
  FMMonth: '%B',
  FMDay: '%A',
  FMMM: '%-m',
  FMDD: '%-d',
  AM: '%p',
  PM: '%p',
};

/** to_char(timestamp, format), piece by piece. */
export function printToChar(text: string, format: Expr): string {
  const value = `CAST(${text} AS TIMESTAMP)`;
  const literal = format.kind === 'literal' ? String(format.value) : '';
  const pieces = (toCharPieces(literal) ?? []).map(({ pattern, text: plain }) =>
    pattern === undefined ? quoteText(plain ?? '') : charPiece(pattern, value),
  );
  return pieces.length === 0 ? `''` : `(${pieces.join(' || ')})`;
}

function charPiece(pattern: string, value: string): string {
  const direct = strftime[pattern];
  if (direct !== undefined) return `strftime(${value}, '${direct}')`;
  // Full names are padded with blanks to nine characters.
  const padded = (code: string) => `rpad(strftime(${value}, '${code}'), 9, ' ')`;
  switch (pattern) {
    case 'Month':
      return padded('%B');
    case 'MONTH':
      return `upper(${padded('%B')})`;
    case 'month':
      return `lower(${padded('%B')})`;
    case 'Day':
      return padded('%A');
    case 'DAY':
      return `upper(${padded('%A')})`;
    case 'day':
      return `lower(${padded('%A')})`;
    case 'MON':
      return `upper(strftime(${value}, '%b'))`;
    case 'mon':
      return `lower(strftime(${value}, '%b'))`;
    case 'DY':
      return `upper(strftime(${value}, '%a'))`;
    case 'dy':
      return `lower(strftime(${value}, '%a'))`;
    case 'MS':
      return `left(strftime(${value}, '%f'), 3)`;
    case 'Q':
      return `CAST(extract(quarter FROM ${value}) AS VARCHAR)`;
    default:
      return `CAST(extract(dow FROM ${value}) + 1 AS VARCHAR)`;
  }
}
