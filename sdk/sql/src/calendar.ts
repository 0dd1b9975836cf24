/** Days and microseconds of the proleptic Gregorian calendar, in integers only. */
export const microsPerDay = 86_400_000_000n;

/** Days from 1970-01-01 to a date, `undefined` when there is no such day. */
export function daysOf(year: number, month: number, day: number): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  const y = month > 2 ? year : year - 1;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function daysInMonth(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** The date of a day number. */
export function dateOf(days: number): {
  readonly year: number;
  readonly month: number;
  readonly day: number;
} {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** `2020-01-31`. Years before 1 as in ISO 8601: `0000` is 1 BC, `-0043` is 44 BC. */
export function formatDate(days: number): string {
  const { year, month, day } = dateOf(days);
  const two = (n: number) => `${n}`.padStart(2, '0');
  const shown = `${Math.abs(year)}`.padStart(4, '0');
  return `${year < 0 ? '-' : ''}${shown}-${two(month)}-${two(day)}`;
}

/** `10:20:30.000001`, without a fraction when it is zero. */
export function formatTime(micros: bigint): string {
  const two = (n: bigint) => `${n}`.padStart(2, '0');
  const seconds = micros / 1_000_000n;
  const fraction = micros % 1_000_000n;
  const text = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return fraction === 0n ? text : `${text}.${`${fraction}`.padStart(6, '0').replace(/0+$/, '')}`;
}

/** `2020-01-31 10:20:30`. */
export function formatTimestamp(micros: bigint): string {
  const rest = ((micros % microsPerDay) + microsPerDay) % microsPerDay;
  return `${formatDate(Number((micros - rest) / microsPerDay))} ${formatTime(rest)}`;
}

/** What the zone's clocks are ahead of UTC when they show `localMicros` (the earlier reading when that is twice). */
export function zoneOffsetMicros(localMicros: bigint, timeZone: string): bigint {
  const first = offsetAt(localMicros, timeZone);
  return first === 0n && isUtc(timeZone) ? 0n : offsetAt(localMicros - first, timeZone);
}

/** What the zone's clocks are ahead of UTC at an instant. */
export function offsetAt(instantMicros: bigint, timeZone: string): bigint {
  if (isUtc(timeZone)) return 0n;
  const fraction = ((instantMicros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(Number((instantMicros - fraction) / 1000n));
  const beforeChrist = parts.some(({ type, value }) => type === 'era' && value.startsWith('B'));
  const part = (kind: string) => Number(parts.find((p) => p.type === kind)?.value ?? '0');
  const year = beforeChrist ? 1 - part('year') : part('year');
  const days = daysOf(year, part('month'), part('day')) ?? 0;
  const seconds = BigInt((part('hour') * 60 + part('minute')) * 60 + part('second'));
  const local = BigInt(days) * microsPerDay + seconds * 1_000_000n;
  return local - (instantMicros - fraction);
}

const isUtc = (timeZone: string) => /^(utc|etc\/utc|gmt)$/i.test(timeZone);
