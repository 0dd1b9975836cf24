import type { Interval } from '@tessera/columnar';

const microsPer = { hour: 3_600_000_000, minute: 60_000_000, second: 1_000_000 } as const;

interface Parts {
  months: number;
  days: number;
  micros: number;
}

/** Adds `amount` of a unit, fractions going to the next smaller unit as in PostgreSQL (a month has 30 days). */
const units: Readonly<Record<string, (parts: Parts, amount: number) => void>> = {
  millennium: (p, n) => addMonths(p, n * 12_000),
  century: (p, n) => addMonths(p, n * 1200),
  decade: (p, n) => addMonths(p, n * 120),
  year: (p, n) => {
    p.months += Math.trunc(Math.round(n * 12 * 1e6) / 1e6);
  },
  quarter: (p, n) => addMonths(p, n * 3),
  month: (p, n) => addMonths(p, n),
  week: (p, n) => addDays(p, n * 7),
  day: (p, n) => addDays(p, n),
  hour: (p, n) => addMicros(p, n * microsPer.hour),
  minute: (p, n) => addMicros(p, n * microsPer.minute),
  second: (p, n) => addMicros(p, n * microsPer.second),
  millisecond: (p, n) => addMicros(p, n * 1000),
  microsecond: (p, n) => addMicros(p, n),
};

function addMonths(parts: Parts, amount: number): void {
  const whole = Math.trunc(amount);
  parts.months += whole;
  if (amount !== whole) addDays(parts, Math.round((amount - whole) * 30 * 1e6) / 1e6);
}

function addDays(parts: Parts, amount: number): void {
  const whole = Math.trunc(amount);
  parts.days += whole;
  addMicros(parts, (amount - whole) * 86_400_000_000);
}

function addMicros(parts: Parts, amount: number): void {
  parts.micros += Math.round(amount);
}

const unitNames: Readonly<Record<string, string>> = {
  y: 'year',
  yr: 'year',
  yrs: 'year',
  mon: 'month',
  mons: 'month',
  w: 'week',
  d: 'day',
  h: 'hour',
  hr: 'hour',
  hrs: 'hour',
  m: 'minute',
  min: 'minute',
  mins: 'minute',
  s: 'second',
  sec: 'second',
  secs: 'second',
  ms: 'millisecond',
  msec: 'millisecond',
  us: 'microsecond',
  usec: 'microsecond',
  centuries: 'century',
  millennia: 'millennium',
};

function unitOf(word: string) {
  const name = unitNames[word] ?? (word in units ? word : word.replace(/s$/, ''));
  return units[name];
}

/**
 * `1 year 2 months 3 days 04:05:06.7`, `1-2` (years-months), ISO 8601 (`P1Y2M3DT4H5M6S`), `… ago`.
 * A number alone counts `bareUnit`s. `undefined` when it is no interval.
 */
export function parseInterval(text: string, bareUnit = 'second'): Interval | undefined {
  const lower = text.trim().toLowerCase();
  const parts: Parts = { months: 0, days: 0, micros: 0 };
  const ago = lower.endsWith(' ago');
  const body = ago ? lower.slice(0, -4).trim() : lower;
  const ok = body.startsWith('p') ? parseIso(body, parts) : parseWords(body, parts, bareUnit);
  if (!ok || !fits(parts)) return undefined;
  const sign = ago ? -1 : 1;
  return {
    months: parts.months * sign + 0,
    days: parts.days * sign + 0,
    micros: BigInt(parts.micros * sign),
  };
}

/** Months and days have 32 bits, whoever holds them. */
function fits({ months, days, micros }: Parts): boolean {
  return Math.max(Math.abs(months), Math.abs(days)) < 2 ** 31 && Number.isSafeInteger(micros);
}

const clock = /^([+-]?)(\d+):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?$/;

function parseWords(body: string, parts: Parts, bareUnit: string): boolean {
  const words = body
    .replace(/([\d.])([a-z])/g, '$1 $2')
    .split(/\s+/)
    .filter(Boolean);
  if (words.length === 0) return false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const time = clock.exec(word);
    const yearMonth = /^([+-]?)(\d+)-(\d+)$/.exec(word);
    if (time !== null) {
      const seconds = (Number(time[2]) * 60 + Number(time[3])) * 60 + Number(time[4] ?? '0');
      addMicros(parts, (time[1] === '-' ? -1 : 1) * seconds * microsPer.second);
    } else if (yearMonth !== null) {
      const months = Number(yearMonth[2]) * 12 + Number(yearMonth[3]);
      parts.months += yearMonth[1] === '-' ? -months : months;
    } else {
      if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(word)) return false;
      const next = words[i + 1];
      const unit = next === undefined || /^[+-]?\d/.test(next) ? units[bareUnit] : unitOf(next);
      if (unit === undefined) return false;
      if (next !== undefined && !/^[+-]?\d/.test(next)) i++;
      unit(parts, Number(word));
    }
  }
  return true;
}

function parseIso(body: string, parts: Parts): boolean {
  const match =
    /^p(?:(-?[\d.]+)y)?(?:(-?[\d.]+)m)?(?:(-?[\d.]+)w)?(?:(-?[\d.]+)d)?(?:t(?:(-?[\d.]+)h)?(?:(-?[\d.]+)m)?(?:(-?[\d.]+)s)?)?$/.exec(
      body,
    );
  if (match === null || body.length < 3) return false;
  const names = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'];
  names.forEach((name, i) => {
    const amount = match[i + 1];
    if (amount !== undefined) units[name]!(parts, Number(amount));
  });
  return true;
}
