import { civilFromDays, infiniteDays, infiniteMicros, splitMicros } from './calendar.ts';
import type { Interval, Value } from './column-batch.ts';
import { type DataType, heldScale } from './data-type.ts';

/**
 * A value as PostgreSQL's text output shows it (ISO dates, intervals in the `postgres` style, timestamptz in UTC).
 * An unconstrained numeric is shown without trailing zeros, because the scale that PostgreSQL would have
 * chosen for display is not kept. NULL has no text: callers show it as they need to.
 */
export function formatValue(type: DataType, value: NonNullable<Value>): string {
  switch (type.kind) {
    case 'boolean':
      return value ? 't' : 'f';
    case 'numeric':
      return type.scale === undefined
        ? trimFraction(formatScaled(value as bigint, heldScale(type)))
        : formatScaled(value as bigint, type.scale);
    case 'real':
      return formatFloat(value as number, true);
    case 'double':
      return formatFloat(value as number, false);
    case 'date':
      return formatDate(value as number);
    case 'time':
      return formatTime(value as bigint);
    case 'timestamp':
      return formatTimestamp(value as bigint, '');
    case 'timestamptz':
      return formatTimestamp(value as bigint, '+00');
    case 'interval':
      return formatInterval(value as Interval);
    case 'bytes':
      return `\\x${Buffer.from(value as Uint8Array).toString('hex')}`;
    default:
      return String(value);
  }
}

/** An unscaled integer with `scale` digits after the point. */
export function formatScaled(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  const negative = unscaled < 0n;
  const digits = (negative ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

function trimFraction(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Shortest digits that read back as the same float; exponents where C's `%g` has them. */
function formatFloat(value: number, single: boolean): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponentText] = shortest(value, single).split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= (single ? 6 : 15)) {
    const sign = exponent < 0 ? '-' : '+';
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const negative = mantissa.startsWith('-');
  const digits = mantissa.replace(/[-.]/g, '');
  return `${negative ? '-' : ''}${placePoint(digits, exponent)}`;
}

/** In exponent form; for a float4 the fewest digits that round to it. */
function shortest(value: number, single: boolean): string {
  if (!single) return value.toExponential();
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits);
    if (Math.fround(Number(text)) === value) return text;
  }
  return value.toExponential();
}

function placePoint(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length <= exponent + 1) return digits.padEnd(exponent + 1, '0');
  return `${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

function formatDate(days: number): string {
  if (days >= infiniteDays) return 'infinity';
  if (days <= -infiniteDays) return '-infinity';
  const { text, era } = dateParts(days);
  return text + era;
}

function dateParts(days: number): { readonly text: string; readonly era: string } {
  const { year, month, day } = civilFromDays(days);
  const shown = year > 0 ? year : 1 - year;
  return {
    text: `${String(shown).padStart(4, '0')}-${two(month)}-${two(day)}`,
    era: year > 0 ? '' : ' BC',
  };
}

function formatTime(micros: bigint): string {
  const total = Number(micros);
  const seconds = Math.floor(total / 1_000_000);
  const fraction = total % 1_000_000;
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return fraction === 0
    ? clock
    : `${clock}.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
}

function formatTimestamp(micros: bigint, zone: string): string {
  if (micros >= infiniteMicros) return 'infinity';
  if (micros <= -infiniteMicros) return '-infinity';
  const split = splitMicros(micros);
  const { text, era } = dateParts(split.days);
  return `${text} ${formatTime(split.micros)}${zone}${era}`;
}

function formatInterval({ months, days, micros }: Interval): string {
  const parts: string[] = [];
  let negativeBefore = false;
  const add = (count: number, unit: string) => {
    if (count === 0) return;
    const plus = negativeBefore && count > 0 ? '+' : '';
    parts.push(`${plus}${count} ${unit}${count === 1 ? '' : 's'}`);
    negativeBefore = count < 0;
  };
  add(Math.trunc(months / 12), 'year');
  add(months % 12, 'mon');
  add(days, 'day');
  if (micros !== 0n || parts.length === 0) {
    const sign = micros < 0n ? '-' : negativeBefore ? '+' : '';
    parts.push(sign + formatTime(micros < 0n ? -micros : micros));
  }
  return parts.join(' ');
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
