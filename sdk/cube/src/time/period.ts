import type { Grain } from '../model-spec.ts';
import {
  floorDiv,
  microsPerDay,
  microsPerHour,
  microsPerMinute,
  periodOf,
  periodStart,
} from './civil.ts';
import { instantOf, localOf } from './zone.ts';

/**
 * Periods of a grain on a time line: half-open, without gap or overlap, never empty. In zone `UTC` (also used
 * for values that have no zone) they are those of the calendar. In another zone, days and longer begin when
 * its clocks show midnight; hours and minutes count from the beginning of their day, so a change of clocks
 * shortens or lengthens the last one only and a day is always made of whole hours.
 */
export interface Period {
  readonly start: bigint;
  readonly end: bigint;
}

/** The period that holds an instant. */
export function periodAt(grain: Grain, instant: bigint, zone: string): Period {
  if (zone === 'UTC') {
    const period = periodOf(grain, instant);
    return { start: periodStart(grain, period), end: periodStart(grain, period + 1n) };
  }
  if (grain === 'hour' || grain === 'minute') return withinDay(grain, instant, zone);
  return calendarPeriodAt(grain, instant, zone);
}

/** The period that begins where this one ends. */
export function nextPeriod(grain: Grain, period: Period, zone: string): Period {
  return periodAt(grain, period.end, zone);
}

function calendarPeriodAt(grain: Grain, instant: bigint, zone: string): Period {
  const boundary = (period: bigint) => instantOf(zone, periodStart(grain, period));
  let first = periodOf(grain, localOf(zone, instant));
  while (boundary(first) > instant) first -= 1n;
  while (boundary(first + 1n) <= instant) first += 1n;
  return { start: boundary(first), end: boundary(first + 1n) };
}

function withinDay(grain: 'hour' | 'minute', instant: bigint, zone: string): Period {
  const day = calendarPeriodAt('day', instant, zone);
  const length = grain === 'hour' ? microsPerHour : microsPerMinute;
  const start = day.start + floorDiv(instant - day.start, length) * length;
  const end = start + length;
  if (end > day.end) return { start, end: day.end };
  return { start, end };
}

/** True for grains that count whole days. */
export function isDaily(grain: Grain): boolean {
  return grain !== 'hour' && grain !== 'minute';
}

export function isMidnight(micros: bigint): boolean {
  return floorDiv(micros, microsPerDay) * microsPerDay === micros;
}
