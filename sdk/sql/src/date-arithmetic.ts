import type { Interval } from '@tessera/columnar';
import { dateOf, daysOf, microsPerDay } from './calendar.ts';

/** PostgreSQL's days, from 4714-11-24 BC to 5874897-12-31, as days from 1970-01-01. */
const firstDay = -2_440_588;
const lastDay = 2_145_042_905;
/** Timestamps begin with the same day. PostgreSQL's end in 294276; 64 bits from 1970 on end in January 294247. */
const firstMicros = BigInt(firstDay) * microsPerDay;
const lastMicros = 2n ** 63n - 2n;

/** More months than these lead out of the range of timestamps from any day in it. */
const mostMonths = 12 * 300_000;

/** A date so many days later, `undefined` when there is no such date. */
export function addDays(date: number, days: number): number | undefined {
  const sum = date + days;
  return sum >= firstDay && sum <= lastDay ? sum : undefined;
}

/**
 * Months first (a day past the month's end becomes its last), then days, then the time; `undefined` when there is no
 * such timestamp.
 */
export function addInterval(micros: bigint, interval: Interval, sign: 1 | -1): bigint | undefined {
  const timeOfDay = ((micros % microsPerDay) + microsPerDay) % microsPerDay;
  const { year, month, day } = dateOf(Number((micros - timeOfDay) / microsPerDay));
  const months = year * 12 + month - 1 + sign * interval.months;
  if (Math.abs(months) > mostMonths) return undefined;
  const [y, m] = [Math.floor(months / 12), (((months % 12) + 12) % 12) + 1];
  let days = daysOf(y, m, day);
  for (let d = day - 1; days === undefined; d--) days = daysOf(y, m, d);
  const sum =
    BigInt(days + sign * interval.days) * microsPerDay + timeOfDay + BigInt(sign) * interval.micros;
  return sum >= firstMicros && sum <= lastMicros ? sum : undefined;
}
