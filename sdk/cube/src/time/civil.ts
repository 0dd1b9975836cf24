import type { Grain } from '../model-spec.ts';

/**
 * Calendar arithmetic without a zone: proleptic Gregorian, microseconds since 1970-01-01 00:00 on a clock that
 * knows no daylight saving, weeks from Monday. As PostgreSQL's `timestamp` counts, for any year.
 */
export const microsPerMinute = 60_000_000n;
export const microsPerHour = 60n * microsPerMinute;
export const microsPerDay = 24n * microsPerHour;

/** Microseconds of a grain that is always equally long; months and longer are counted in months instead. */
const fixedMicros = {
  minute: microsPerMinute,
  hour: microsPerHour,
  day: microsPerDay,
  week: 7n * microsPerDay,
} as const;
const monthsOf = { month: 1n, quarter: 3n, year: 12n } as const;

/** 1970-01-01 was a Thursday; the Monday before it is day -3. */
const firstMonday = -3n * microsPerDay;

export const grains: readonly Grain[] = [
  'minute',
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
];

export interface CivilDate {
  readonly year: bigint;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
}

/** The quotient rounded towards minus infinity. */
export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

/** Days since 1970-01-01 of a date (Howard Hinnant's `days_from_civil`). */
export function daysOf({ year, month, day }: CivilDate): bigint {
  const y = month <= 2 ? year - 1n : year;
  const era = floorDiv(y, 400n);
  const yearOfEra = y - era * 400n;
  const dayOfYear = BigInt(Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1);
  const dayOfEra = yearOfEra * 365n + yearOfEra / 4n - yearOfEra / 100n + dayOfYear;
  return era * 146_097n + dayOfEra - 719_468n;
}

/** The date of a day since 1970-01-01. */
export function civilOf(days: bigint): CivilDate {
  const z = days + 719_468n;
  const era = floorDiv(z, 146_097n);
  const dayOfEra = Number(z - era * 146_097n);
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36524) -
      Math.floor(dayOfEra / 146096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const year = BigInt(yearOfEra) + era * 400n + (month <= 2 ? 1n : 0n);
  return { year, month, day };
}

export function daysInMonth(year: bigint, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function isLeapYear(year: bigint): boolean {
  return year % 4n === 0n && (year % 100n !== 0n || year % 400n === 0n);
}

/** Which period of a grain, counted from the one that holds 1970-01-01, a time falls in. */
export function periodOf(grain: Grain, micros: bigint): bigint {
  if (isMonthly(grain)) {
    const { year, month } = civilOf(floorDiv(micros, microsPerDay));
    return floorDiv((year - 1970n) * 12n + BigInt(month - 1), monthsOf[grain]);
  }
  const origin = grain === 'week' ? firstMonday : 0n;
  return floorDiv(micros - origin, fixedMicros[grain]);
}

/** Where a period begins: the inverse of `periodOf`. */
export function periodStart(grain: Grain, period: bigint): bigint {
  if (isMonthly(grain)) return startOfMonth(period * monthsOf[grain]);
  return period * fixedMicros[grain] + (grain === 'week' ? firstMonday : 0n);
}

/** `date_trunc` on a `timestamp`. */
export function floorCivil(grain: Grain, micros: bigint): bigint {
  return periodStart(grain, periodOf(grain, micros));
}

/** Adds calendar months as PostgreSQL does: the day is cut to the length of the month it lands in. */
export function addMonths(micros: bigint, months: bigint): bigint {
  const days = floorDiv(micros, microsPerDay);
  const { year, month, day } = civilOf(days);
  const index = year * 12n + BigInt(month - 1) + months;
  const target = { year: floorDiv(index, 12n), month: Number(modulo(index, 12n)) + 1 };
  const cut = Math.min(day, daysInMonth(target.year, target.month));
  return daysOf({ ...target, day: cut }) * microsPerDay + (micros - days * microsPerDay);
}

/** True when every period of `coarse` is made of whole periods of `fine`. */
export function nests(fine: Grain, coarse: Grain): boolean {
  if (fine === coarse) return true;
  if (grains.indexOf(fine) > grains.indexOf(coarse)) return false;
  return fine !== 'week';
}

function startOfMonth(monthsSince1970: bigint): bigint {
  const year = 1970n + floorDiv(monthsSince1970, 12n);
  const month = Number(modulo(monthsSince1970, 12n)) + 1;
  return daysOf({ year, month, day: 1 }) * microsPerDay;
}

function modulo(a: bigint, b: bigint): bigint {
  return a - floorDiv(a, b) * b;
}

function isMonthly(grain: Grain): grain is keyof typeof monthsOf {
  return grain in monthsOf;
}
