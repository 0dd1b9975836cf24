import type { DataType, Value } from '@tessera/columnar';
import { unconstrainedScale } from '@tessera/columnar';
import { daysOf, microsPerDay, zoneOffsetMicros } from './calendar.ts';
import { parseInterval } from './parse-interval.ts';

/** The value of a literal's text in a type, `undefined` when the text is not of that type. ISO 8601 dates only. */
export function parseLiteral(text: string, type: DataType, timeZone: string): Value | undefined {
  const trimmed = text.trim();
  switch (type.kind) {
    case 'text':
    case 'unknown':
      return text;
    case 'boolean':
      return parseBoolean(trimmed.toLowerCase());
    case 'smallint':
      return parseInteger(trimmed, 32768n, Number);
    case 'integer':
      return parseInteger(trimmed, 2147483648n, Number);
    case 'bigint':
      return parseInteger(trimmed, 9223372036854775808n, (value) => value);
    case 'numeric':
      return roundedDecimal(trimmed, type.precision, type.scale ?? unconstrainedScale);
    case 'real':
    case 'double':
      return parseFloating(trimmed.toLowerCase(), type.kind);
    case 'date':
      return parseDate(trimmed);
    case 'time':
      return parseTime(trimmed);
    case 'timestamp':
      return parseTimestamp(trimmed)?.micros;
    case 'timestamptz':
      return instantOf(trimmed, timeZone);
    case 'interval':
      return parseInterval(trimmed);
    case 'bytes':
      return parseBytes(trimmed);
  }
}

function parseBoolean(text: string): boolean | undefined {
  if (text === '') return undefined;
  const yes = text === '1' || ['true', 'yes'].some((w) => w.startsWith(text)) || text === 'on';
  const no =
    text === '0' || ['false', 'no'].some((w) => w.startsWith(text)) || ['of', 'off'].includes(text);
  return yes ? true : no ? false : undefined;
}

function parseInteger<T>(text: string, limit: bigint, convert: (v: bigint) => T): T | undefined {
  if (!/^[+-]?\d{1,40}$/.test(text)) return undefined;
  const value = BigInt(text.replace('+', ''));
  return value >= -limit && value < limit ? convert(value) : undefined;
}

/** Digits of a decimal number: unscaled value and scale, at most 38 digits. */
export function parseDecimal(text: string): { unscaled: bigint; scale: number } | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const shift = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const unscaled = shift < 0 ? digits * 10n ** BigInt(-shift) : digits;
  const scale = Math.max(0, shift);
  return magnitude(unscaled) >= 10n ** 38n || scale > 38 ? undefined : { unscaled, scale };
}

const magnitude = (value: bigint) => (value < 0n ? -value : value);

/** Half away from zero, as PostgreSQL rounds numerics. */
export function rescale(unscaled: bigint, from: number, to: number): bigint {
  if (to >= from) return unscaled * 10n ** BigInt(to - from);
  const divisor = 10n ** BigInt(from - to);
  const rounded = (magnitude(unscaled) + divisor / 2n) / divisor;
  return unscaled < 0n ? -rounded : rounded;
}

function roundedDecimal(
  text: string,
  precision: number | undefined,
  scale: number,
): bigint | undefined {
  const decimal = parseDecimal(text);
  if (decimal === undefined) return undefined;
  const value = rescale(decimal.unscaled, decimal.scale, scale);
  return magnitude(value) < 10n ** BigInt(precision ?? 38) ? value : undefined;
}

function parseFloating(text: string, kind: 'real' | 'double'): number | undefined {
  const special: Readonly<Record<string, number>> = {
    nan: Number.NaN,
    infinity: Number.POSITIVE_INFINITY,
    inf: Number.POSITIVE_INFINITY,
    '+infinity': Number.POSITIVE_INFINITY,
    '-infinity': Number.NEGATIVE_INFINITY,
    '-inf': Number.NEGATIVE_INFINITY,
  };
  if (text in special) return special[text];
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(text)) return undefined;
  const value = kind === 'real' ? Math.fround(Number(text)) : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

const datePattern = /^(\d{4,5})-(\d{1,2})-(\d{1,2})$/;
const compactDate = /^(\d{4})(\d{2})(\d{2})$/;

const eraPattern = /\s+(BC|AD)$/i;

/** A date, or the date of a timestamp without its time of day. */
function parseDate(text: string): number | undefined {
  const days = parseDay(text.replace(eraPattern, ''), eraOf(text));
  if (days !== undefined) return days;
  const stamp = parseTimestamp(text);
  return stamp === undefined ? undefined : Number(floorDivide(stamp.micros, microsPerDay));
}

type Era = 'BC' | 'AD' | undefined;

function eraOf(text: string): Era {
  return eraPattern.exec(text)?.[1]?.toUpperCase() as Era;
}

/** The day of a date without its era. There is no year 0: the year before 1 AD is 1 BC. */
function parseDay(text: string, era: Era): number | undefined {
  const match = datePattern.exec(text.replaceAll('/', '-')) ?? compactDate.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  if (year === 0) return undefined;
  return daysOf(era === 'BC' ? 1 - year : year, Number(match[2]), Number(match[3]));
}

const floorDivide = (a: bigint, b: bigint) => (a >= 0n ? a / b : -((-a + b - 1n) / b));

function parseTime(text: string): bigint | undefined {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/.exec(text);
  if (match === null) return undefined;
  const [hour, minute, second] = [match[1], match[2], match[3] ?? '0'].map(Number);
  if (hour! > 24 || minute! > 59 || second! > 60) return undefined;
  const fraction = Math.round(Number(`0.${match[4] ?? '0'}`) * 1e6);
  const micros = BigInt((hour! * 60 + minute!) * 60 + second!) * 1_000_000n + BigInt(fraction);
  return micros > microsPerDay ? undefined : micros;
}

interface Stamp {
  readonly micros: bigint;
  /** Of the text's own zone, `undefined` when it names none. */
  readonly offsetMicros?: bigint;
}

const zonePattern = /\s*(Z|UTC|[+-]\d{1,2}(?::?\d{2})?)$/i;

function parseTimestamp(text: string): Stamp | undefined {
  const match = /^(\S+?)(?:[T\s]+(\d{1,2}:.*))?$/.exec(text.replace(eraPattern, ''));
  if (match === null) return undefined;
  const days = parseDay(match[1]!, eraOf(text));
  const rest = match[2] ?? '00:00';
  const zone = zonePattern.exec(rest)?.[1];
  const time = parseTime(rest.replace(zonePattern, ''));
  if (days === undefined || time === undefined) return undefined;
  const micros = BigInt(days) * microsPerDay + time;
  return zone === undefined ? { micros } : { micros, offsetMicros: offsetOf(zone) };
}

function offsetOf(zone: string): bigint {
  const match = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone);
  if (match === null) return 0n;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? '0');
  return BigInt(match[1] === '-' ? -minutes : minutes) * 60_000_000n;
}

function instantOf(text: string, timeZone: string): bigint | undefined {
  const stamp = parseTimestamp(text);
  if (stamp === undefined) return undefined;
  const offset = stamp.offsetMicros ?? zoneOffsetMicros(stamp.micros, timeZone);
  return stamp.micros - offset;
}

function parseBytes(text: string): Uint8Array | undefined {
  if (!/^\\x([0-9a-f]{2})*$/i.test(text)) return undefined;
  const pairs = text.slice(2).match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
}
