import { timeZoneUnknown } from '../errors.ts';
import { daysOf, floorDiv } from './civil.ts';

/**
 * Time zones. A zone turns an instant into what its clocks show and back; the rules are those of the
 * platform's time zone database, read through `Intl`. Microseconds on both sides.
 */
const microsPerSecond = 1_000_000n;
/** What `Intl` can format, in seconds; times beyond it have the offset at the bound. */
const boundSeconds = 8_640_000_000_000n;

const formats = new Map<string, Intl.DateTimeFormat>();
const maxFormats = 256;

/** @throws TIME_ZONE_UNKNOWN when the platform does not know the zone. */
export function checkTimeZone(zone: string): void {
  if (zone !== 'UTC') formatOf(zone);
}

/** What the zone's clocks show at an instant, as microseconds since 1970-01-01 00:00 on those clocks. */
export function localOf(zone: string, instant: bigint): bigint {
  return instant + offsetAt(zone, instant);
}

/**
 * The instant at which the zone's clocks show `local`. A time that a change of clocks skips is read with
 * the offset before the change; of a time shown twice the later instant is meant (as PostgreSQL reads both).
 */
export function instantOf(zone: string, local: bigint): bigint {
  if (zone === 'UTC') return local;
  const day = 86_400n * microsPerSecond;
  const before = offsetAt(zone, local - day);
  const after = offsetAt(zone, local + day);
  // The smaller offset gives the later instant.
  const [late, early] = before < after ? [before, after] : [after, before];
  const shown = [late, early].find((offset) => localOf(zone, local - offset) === local);
  return local - (shown ?? before);
}

/** How far the zone's clocks are ahead of UTC at an instant, in microseconds. */
function offsetAt(zone: string, instant: bigint): bigint {
  if (zone === 'UTC') return 0n;
  const seconds = clamp(floorDiv(instant, microsPerSecond));
  return (shownSeconds(formatOf(zone), seconds) - seconds) * microsPerSecond;
}

function clamp(seconds: bigint): bigint {
  const bound = boundSeconds - 200_000n;
  return seconds > bound ? bound : seconds < -bound ? -bound : seconds;
}

function shownSeconds(format: Intl.DateTimeFormat, seconds: bigint): bigint {
  const field: Partial<Record<string, number>> = {};
  let beforeChrist = false;
  for (const { type, value } of format.formatToParts(Number(seconds) * 1000)) {
    if (type === 'era') beforeChrist = value.startsWith('B');
    else if (type !== 'literal') field[type] = Number(value);
  }
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = field;
  const days = daysShown(beforeChrist ? 1 - year : year, month, day);
  return days * 86_400n + BigInt(hour * 3600 + minute * 60 + second);
}

function daysShown(year: number, month: number, day: number): bigint {
  return daysOf({ year: BigInt(year), month, day });
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  if (formats.size >= maxFormats) formats.clear();
  const format = newFormat(zone);
  formats.set(zone, format);
  return format;
}

function newFormat(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US-u-ca-gregory', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw timeZoneUnknown(zone);
  }
}
