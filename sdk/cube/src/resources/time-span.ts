/** Spans of time as people write them: `500ms`, `10s`, `5m`, `1h`. */

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
/** Those that are printed, the largest first. */
const printed = ['h', 'm', 's'] as const;

/** Milliseconds of a text such as `10s`; `undefined` when it is none. */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * units[match[2] as keyof typeof units];
}

/** In the largest unit of which it is a whole number: the one way in which each is printed. Parts of a millisecond are rounded. */
export function printTimeSpan(spanMs: number): string {
  const ms = Math.round(spanMs);
  const unit = printed.find((one) => ms > 0 && ms % units[one] === 0) ?? 'ms';
  return `${ms / units[unit]}${unit}`;
}
