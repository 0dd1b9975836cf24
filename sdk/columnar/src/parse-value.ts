import {
  daysFromCivil,
  daysInMonth,
  infiniteDays,
  infiniteMicros,
  microsPerDay,
} from './calendar.ts';
import type { Interval, Value } from './column-batch.ts';
import { type DataType, heldScale } from './data-type.ts';
import { badText, outOfRange } from './errors.ts';

/**
 * The value that a text spells, read as PostgreSQL's input functions read the ISO forms (and everything that
 * `formatValue` writes). A numeric with more digits than its scale is rounded half away from zero.
 *
 * @throws INVALID_TEXT_REPRESENTATION when it spells none, NUMERIC_OUT_OF_RANGE when it does not fit.
 */
export function parseValue(type: DataType, text: string): NonNullable<Value> {
  const trimmed = text.trim();
  switch (type.kind) {
    case 'text':
    case 'unknown':
      return text;
    case 'boolean':
      return parseBoolean(type, trimmed);
    case 'smallint':
      return Number(parseInteger(type, trimmed, 16));
    case 'integer':
      return Number(parseInteger(type, trimmed, 32));
    case 'bigint':
      return parseInteger(type, trimmed, 64);
    case 'real':
      return Math.fround(parseFloating(type, trimmed));
    case 'double':
      return parseFloating(type, trimmed);
    case 'numeric':
      return parseNumeric(type, trimmed);
    case 'date':
      return parseDate(type, trimmed);
    case 'time':
      return parseTime(type, trimmed);
    case 'timestamp':
    case 'timestamptz':
      return parseTimestamp(type, trimmed);
    case 'interval':
      return parseInterval(type, trimmed);
    case 'bytes':
      return parseBytes(type, trimmed);
  }
}

function parseBoolean(type: DataType, text: string): boolean {
  const word = text.toLowerCase();
  if (['t', 'true', 'yes', 'y', 'on', '1'].includes(word)) return true;
  if (['f', 'false', 'no', 'n', 'off', '0'].includes(word)) return false;
  throw badText(type, text);
}

function parseInteger(type: DataType, text: string, bits: number): bigint {
  if (!/^[+-]?\d{1,40}$/.test(text)) throw badText(type, text);
  const value = BigInt(text.replace(/^\+/, ''));
  if (BigInt.asIntN(bits, value) !== value) throw outOfRange(type);
  return value;
}

function parseFloating(type: DataType, text: string): number {
  const word = text.toLowerCase();
  if (word === 'nan') return Number.NaN;
  if (/^[+-]?inf(inity)?$/.test(word)) return word.startsWith('-') ? -Infinity : Infinity;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(word)) throw badText(type, text);
  const value = Number(word);
  if (!Number.isFinite(value)) throw outOfRange(type);
  return value;
}

function parseNumeric(type: DataType & { kind: 'numeric' }, text: string): bigint {
  const parts = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  if (parts === null || parts[2]! + parts[3]! === '') throw badText(type, text);
  const digits = BigInt(parts[2]! + parts[3]!);
  const shift = heldScale(type) - parts[3]!.length + Number(parts[4] ?? 0);
  if (shift > 100) throw outOfRange(type);
  const magnitude =
    shift >= 0 ? digits * 10n ** BigInt(shift) : roundedQuotient(digits, 10n ** BigInt(-shift));
  if (magnitude >= 10n ** BigInt(type.precision ?? 38)) throw outOfRange(type);
  return parts[1] === '-' ? -magnitude : magnitude;
}

/** Of two values that are not negative; half rounds up. */
function roundedQuotient(dividend: bigint, divisor: bigint): bigint {
  return (dividend * 2n + divisor) / (divisor * 2n);
}

const datePattern = /^(\d{4,7})-(\d{1,2})-(\d{1,2})( BC)?$/i;

function parseDate(type: DataType, text: string): number {
  if (text === 'infinity') return infiniteDays;
  if (text === '-infinity') return -infiniteDays;
  const parts = datePattern.exec(text);
  if (parts === null) throw badText(type, text);
  const shown = Number(parts[1]);
  const year = parts[4] === undefined ? shown : 1 - shown;
  const [month, day] = [Number(parts[2]), Number(parts[3])];
  if (shown === 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
    throw badText(type, text);
  }
  const days = daysFromCivil({ year, month, day });
  if (Math.abs(days) >= infiniteDays) throw outOfRange(type);
  return days;
}

function parseTime(type: DataType, text: string): bigint {
  const parts = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?$/.exec(text);
  if (parts === null) throw badText(type, text);
  const [hours, minutes, seconds] = [Number(parts[1]), Number(parts[2]), Number(parts[3] ?? 0)];
  const micros =
    BigInt((hours * 60 + minutes) * 60 + seconds) * 1_000_000n +
    BigInt((parts[4] ?? '').padEnd(6, '0'));
  if (minutes > 59 || seconds > 59 || micros > microsPerDay) throw badText(type, text);
  return micros;
}

const timestampPattern = /^([\d-]+)(?:[ T]([\d:.]+))?(Z|[+-]\d{1,2}(?::?\d{2})?)?( BC)?$/i;

/** Without an offset a timestamptz is taken in UTC; a timestamp ignores an offset, as PostgreSQL does. */
function parseTimestamp(type: DataType, text: string): bigint {
  if (text === 'infinity') return infiniteMicros;
  if (text === '-infinity') return -infiniteMicros;
  const parts = timestampPattern.exec(text);
  if (parts === null) throw badText(type, text);
  const days = parseDate(type, parts[1]! + (parts[4] ?? ''));
  const time = parts[2] === undefined ? 0n : parseTime(type, parts[2]);
  const offset = type.kind === 'timestamptz' ? offsetMicros(parts[3]) : 0n;
  const micros = BigInt(days) * microsPerDay + time - offset;
  if (micros >= infiniteMicros || micros <= -infiniteMicros) throw outOfRange(type);
  return micros;
}

function offsetMicros(zone: string | undefined): bigint {
  if (zone === undefined || /^z$/i.test(zone)) return 0n;
  const [, sign, hours, minutes] = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(zone)!;
  const micros = BigInt(Number(hours) * 60 + Number(minutes ?? 0)) * 60_000_000n;
  return sign === '-' ? -micros : micros;
}

const intervalUnits: Readonly<Record<string, Interval>> = {
  year: { months: 12, days: 0, micros: 0n },
  mon: { months: 1, days: 0, micros: 0n },
  month: { months: 1, days: 0, micros: 0n },
  week: { months: 0, days: 7, micros: 0n },
  day: { months: 0, days: 1, micros: 0n },
  hour: { months: 0, days: 0, micros: 3_600_000_000n },
  minute: { months: 0, days: 0, micros: 60_000_000n },
  min: { months: 0, days: 0, micros: 60_000_000n },
  second: { months: 0, days: 0, micros: 1_000_000n },
  sec: { months: 0, days: 0, micros: 1_000_000n },
};

/** Whole counts of units, then an optional clock: `1 year 2 mons -3 days +04:05:06.7`. */
function parseInterval(type: DataType, text: string): Interval {
  let [months, days, micros] = [0, 0, 0n];
  const rest = text.replace(/([+-]?\d+)\s*([a-z]+)/gi, (_, count: string, name: string) => {
    const unit = intervalUnits[name.toLowerCase().replace(/s$/, '')];
    if (unit === undefined) throw badText(type, text);
    months += Number(count) * unit.months;
    days += Number(count) * unit.days;
    micros += BigInt(count.replace(/^\+/, '')) * unit.micros;
    return '';
  });
  const clock = rest.trim();
  if (clock !== '') micros += parseClock(type, text, clock);
  else if (rest === text) throw badText(type, text);
  return { months, days, micros };
}

function parseClock(type: DataType, text: string, clock: string): bigint {
  const parts = /^([+-]?)(\d{1,9}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?$/.exec(clock);
  if (parts === null) throw badText(type, text);
  const seconds = (BigInt(parts[2]!) * 60n + BigInt(parts[3]!)) * 60n + BigInt(parts[4] ?? 0);
  const micros = seconds * 1_000_000n + BigInt((parts[5] ?? '').padEnd(6, '0'));
  return parts[1] === '-' ? -micros : micros;
}

function parseBytes(type: DataType, text: string): Uint8Array {
  if (!/^\\x([0-9a-f]{2})*$/i.test(text)) throw badText(type, text);
  return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
}
