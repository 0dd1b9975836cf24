import type { Segment } from '../segment.ts';
import { addMonths, microsPerDay, microsPerHour } from './civil.ts';
import { instantOf, localOf } from './zone.ts';

/** A length of time as users write it: `36h`, `90d`, `8w`, `18m` (months), `6q`, `10y`. */
export interface Retention {
  readonly count: number;
  readonly unit: keyof typeof units;
}

const units = {
  h: { micros: microsPerHour },
  d: { micros: microsPerDay },
  w: { micros: 7n * microsPerDay },
  m: { months: 1n },
  q: { months: 3n },
  y: { months: 12n },
} as const;

/** `undefined` when the text is not a length of time, or zero. */
export function parseRetention(text: string): Retention | undefined {
  const match = /^([1-9][0-9]{0,5})([hdwmqy])$/.exec(text);
  if (match === null) return undefined;
  return { count: Number(match[1]), unit: match[2] as Retention['unit'] };
}

/** The instant before which a segment must end to be dropped: `newest` less the length, by the zone's calendar. */
export function retentionStart(retention: Retention, newest: bigint, zone = 'UTC'): bigint {
  const unit = units[retention.unit];
  const count = BigInt(retention.count);
  if ('micros' in unit && unit.micros === microsPerHour) return newest - count * unit.micros;
  const local = localOf(zone, newest);
  const earlier =
    'months' in unit ? addMonths(local, -count * unit.months) : local - count * unit.micros;
  return instantOf(zone, earlier);
}

/**
 * READY segments that lie wholly before what is retained. `newest` is the time to count back from: now, or
 * the end of the newest segment for data that has stopped growing. Rows without a time are kept.
 */
export function segmentsExpired<S extends Pick<Segment, 'range' | 'state'>>(
  segments: readonly S[],
  retain: Retention | undefined,
  newest: bigint,
  zone = 'UTC',
): S[] {
  if (retain === undefined) return [];
  const start = retentionStart(retain, newest, zone);
  return segments.filter(
    ({ range, state }) => state === 'READY' && range.kind === 'range' && range.end <= start,
  );
}
