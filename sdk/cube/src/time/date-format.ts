import type { Grain } from '../model-spec.ts';
import { civilOf, daysInMonth, daysOf, floorDiv, grains, microsPerDay } from './civil.ts';

/**
 * How an integer or text column spells a time, most significant part first, so that its values sort by time:
 * `yyyyMMdd`, `yyyyMM`, `yyyy`, `yyyyMMddHH`, and for text also with separators, `yyyy-MM-dd HH:mm:ss`.
 */
export interface DateFormat {
  readonly pattern: string;
  readonly parts: readonly FormatPart[];
  /** Length of the finest part: the finest grain of a segment. */
  readonly finest: Grain;
  /** True when there is nothing but digits, so that an integer may be written so. */
  readonly digitsOnly: boolean;
}

interface FormatPart {
  readonly unit: Unit | undefined;
  /** The separator's text, or the letters of the unit. */
  readonly text: string;
}

type Unit = 'yyyy' | 'MM' | 'dd' | 'HH' | 'mm' | 'ss';
const units: readonly Unit[] = ['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss'];
const finestGrains: readonly Grain[] = ['year', 'month', 'day', 'hour', 'minute', 'minute'];
const unitMicros = { HH: 3_600_000_000n, mm: 60_000_000n, ss: 1_000_000n } as const;

/** `undefined` when the pattern is not one of a time, most significant part first. */
export function parseDateFormat(pattern: string): DateFormat | undefined {
  const parts: FormatPart[] = [
    ...pattern.matchAll(/yyyy|MM|dd|HH|mm|ss|[^A-Za-z0-9]+|[A-Za-z0-9]/g),
  ].map(([text]) => ({ unit: units.find((unit) => unit === text), text }));
  const found = parts.flatMap(({ unit }) => unit ?? []);
  const inOrder = found.length > 0 && found.every((unit, i) => unit === units[i]);
  const strange = parts.some(
    ({ unit, text }) => unit === undefined && /[A-Za-z0-9]/.test(text) && text !== 'T',
  );
  if (!inOrder || strange || pattern.length > 32 || parts[0]?.unit !== 'yyyy') return undefined;
  const finest = finestGrains[found.length - 1]!;
  return { pattern, parts, finest, digitsOnly: found.length === parts.length };
}

/** True when values of the format tell the periods of a grain apart. */
export function tells(format: DateFormat, grain: Grain): boolean {
  if (grain === 'week') return grains.indexOf(format.finest) <= grains.indexOf('day');
  return grains.indexOf(format.finest) <= grains.indexOf(grain);
}

/** The first value of the format that is not before a time, as its digits and separators. */
export function formatAtOrAfter(format: DateFormat, micros: bigint): string {
  const shown = formatTime(format, micros);
  return parseTime(format, shown) === micros
    ? shown
    : formatTime(format, nextValue(format, micros));
}

function formatTime(format: DateFormat, micros: bigint): string {
  const days = floorDiv(micros, microsPerDay);
  const rest = micros - days * microsPerDay;
  const { year, month, day } = civilOf(days);
  const value: Record<Unit, bigint> = {
    yyyy: year,
    MM: BigInt(month),
    dd: BigInt(day),
    HH: rest / unitMicros.HH,
    mm: (rest / unitMicros.mm) % 60n,
    ss: (rest / unitMicros.ss) % 60n,
  };
  return format.parts
    .map(({ unit, text }) => (unit ? String(value[unit]).padStart(unit.length, '0') : text))
    .join('');
}

/** The first time after `micros` at which the format's value changes. */
function nextValue(format: DateFormat, micros: bigint): bigint {
  const finest = format.parts.findLast(({ unit }) => unit !== undefined)!.unit!;
  if (finest in unitMicros) {
    const step = unitMicros[finest as keyof typeof unitMicros];
    return (floorDiv(micros, step) + 1n) * step;
  }
  const days = floorDiv(micros, microsPerDay);
  const { year, month } = civilOf(days);
  const next = {
    yyyy: () => daysOf({ year: year + 1n, month: 1, day: 1 }),
    MM: () =>
      month === 12
        ? daysOf({ year: year + 1n, month: 1, day: 1 })
        : daysOf({ year, month: month + 1, day: 1 }),
    dd: () => days + 1n,
  }[finest as 'yyyy' | 'MM' | 'dd']();
  return next * microsPerDay;
}

/**
 * The time that a value stands for: the beginning of what it names. A part that no calendar has (month 13,
 * 31 February) is read as the nearest time before it, so that the order of values is the order of times.
 * `undefined` when the value is not of this format at all.
 */
export function parseTime(format: DateFormat, value: string): bigint | undefined {
  const pattern = format.parts
    .map(({ unit, text }) => (unit ? groupOf(unit) : quoted(text)))
    .join('');
  const match = new RegExp(`^${pattern}$`).exec(value);
  if (match === null) return undefined;
  const [year, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  return clampedTime({ year: BigInt(year!), month, day, hour, minute, second });
}

function groupOf(unit: Unit): string {
  return unit === 'yyyy' ? '(-?[0-9]{1,6})' : '([0-9]{2})';
}

function quoted(text: string): string {
  return text.replace(/[^A-Za-z0-9 ]/g, '\\$&');
}

interface ClockTime {
  readonly year: bigint;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

function clampedTime({ year, month, day, hour, minute, second }: ClockTime): bigint {
  const lastOf = (micros: bigint) => micros - 1n;
  const start = (y: bigint, m: number, d: number) =>
    daysOf({ year: y, month: m, day: d }) * microsPerDay;
  if (month < 1) return lastOf(start(year, 1, 1));
  if (month > 12) return lastOf(start(year + 1n, 1, 1));
  if (day < 1) return lastOf(start(year, month, 1));
  if (day > daysInMonth(year, month))
    return start(year, month, daysInMonth(year, month)) + microsPerDay - 1n;
  const midnight = start(year, month, day);
  if (hour > 23) return lastOf(midnight + microsPerDay);
  const hours = midnight + BigInt(hour) * unitMicros.HH;
  if (minute > 59) return lastOf(hours + unitMicros.HH);
  return hours + BigInt(minute) * unitMicros.mm + BigInt(Math.min(second, 59)) * unitMicros.ss;
}
