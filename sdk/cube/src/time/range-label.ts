import type { Grain } from '../model-spec.ts';
import type { SegmentRange } from '../segment.ts';
import { civilOf, daysOf, floorDiv, grains, microsPerDay, microsPerMinute } from './civil.ts';
import { isDaily, isMidnight, periodAt } from './period.ts';
import { localOf } from './zone.ts';

/**
 * The id of a segment: readable, unique among the ranges of one cube, and a valid resource id.
 *
 * | range | label |
 * | --- | --- |
 * | a year, quarter, month, ISO week, day | `1992`, `1992-q1`, `1992-01`, `1992-w05`, `1992-01-31` |
 * | an hour, a minute | `1992-01-31t07`, `1992-01-31t07-30`; of a zone other than UTC the instant, `1992-01-31t06-00z` |
 * | any other | `1992-01-01_1992-03-15`, both bounds in UTC |
 * | rows without a time, everything | `null`, `all` |
 */
export function rangeLabel(range: SegmentRange, zone = 'UTC'): string {
  if (range.kind !== 'range') return range.kind;
  const grain = grainOf(range, zone);
  if (grain === undefined) return `${timeLabel(range.start)}_${timeLabel(range.end)}`;
  if (isDaily(grain)) return dailyLabel(grain, localOf(zone, range.start));
  if (zone !== 'UTC') return `${timeLabel(range.start, true)}z`;
  return grain === 'minute'
    ? timeLabel(range.start, true)
    : timeLabel(range.start, true).slice(0, -3);
}

/** The coarsest grain of which the range is one whole period. */
export function grainOf(
  range: { readonly start: bigint; readonly end: bigint },
  zone: string,
): Grain | undefined {
  return grains.toReversed().find((grain) => {
    const period = periodAt(grain, range.start, zone);
    return period.start === range.start && period.end === range.end;
  });
}

function dailyLabel(grain: Grain, localStart: bigint): string {
  // Noon names the day without doubt, also where a change of clocks skips midnight.
  const { year, month, day } = civilOf(floorDiv(localStart + microsPerDay / 2n, microsPerDay));
  switch (grain) {
    case 'year':
      return yearLabel(year);
    case 'quarter':
      return `${yearLabel(year)}-q${Math.ceil(month / 3)}`;
    case 'month':
      return `${yearLabel(year)}-${two(month)}`;
    case 'week':
      return weekLabel(daysOf({ year, month, day }));
    default:
      return `${yearLabel(year)}-${two(month)}-${two(day)}`;
  }
}

/** ISO 8601: a week belongs to the year of its Thursday. */
function weekLabel(someDay: bigint): string {
  const monday = floorDiv(someDay + 3n, 7n) * 7n - 3n;
  const { year } = civilOf(monday + 3n);
  const firstDay = daysOf({ year, month: 1, day: 1 });
  return `${yearLabel(year)}-w${two(Number((monday + 3n - firstDay) / 7n) + 1)}`;
}

/** An instant as the labels have it: the day, with the time of day where it is not midnight. */
export function timeLabel(micros: bigint, withTime = !isMidnight(micros)): string {
  const days = floorDiv(micros, microsPerDay);
  const { year, month, day } = civilOf(days);
  const date = `${yearLabel(year)}-${two(month)}-${two(day)}`;
  if (!withTime) return date;
  const rest = micros - days * microsPerDay;
  const minutes = Number(rest / microsPerMinute);
  const time = `${date}t${two(Math.floor(minutes / 60))}-${two(minutes % 60)}`;
  const fraction = rest % microsPerMinute;
  if (fraction === 0n) return time;
  const seconds = String(fraction).padStart(8, '0');
  return `${time}-${seconds.slice(0, 2)}.${seconds.slice(2)}`;
}

/** Astronomical year 0 is 1 BC. */
function yearLabel(year: bigint): string {
  return year > 0n ? String(year).padStart(4, '0') : `bc${String(1n - year).padStart(4, '0')}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
