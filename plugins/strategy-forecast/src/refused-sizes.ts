import type { ObservedRescale } from '@tessera/scaling';
import type { ForecastLearned, RefusedSize } from './learned.ts';

/** Of the load, to be called a level. */
const levelSteps = 12;
/** A level that is lower by so much is another one. */
const lowerBy = 0.05;
/** In paces: a size that was too small so soon after it was taken is refused, and for so long. */
const soonPaces = 60;
const refusedPaces = 4_320;
/** Sizes that are larger by no more than that share are refused with it. */
const littleMore = 0.1;
const mostRefused = 8;
/** A load so many usual differences above that of the hour is another one: what was too small for it was not for that. */
const newsWobbles = 4;

/** Records per second of the last hour, as far as it is known. */
export function levelOf({ load: { values } }: Pick<ForecastLearned, 'load'>, rate: number): number {
  const recent = values.slice(-levelSteps);
  return recent.length === 0 ? rate : recent.reduce((sum, each) => sum + each, 0) / recent.length;
}

/**
 * What is refused once a job is given more slots than `left`, which it was perhaps given lately instead of more.
 *
 * @param rate of the records for which it is given more
 */
export function refusedWith(
  { refused, paceMs, wobble }: Pick<ForecastLearned, 'refused' | 'paceMs' | 'wobble'>,
  left: RefusedSize,
  rate: number,
  lastRescale: (ObservedRescale & { readonly isToFewer: boolean }) | undefined,
): readonly RefusedSize[] {
  const isSoon =
    lastRescale?.isToFewer === true && left.timeMs - lastRescale.startedMs < soonPaces * paceMs;
  const isNews = rate > left.level * (1 + newsWobbles * wobble);
  return isSoon && !isNews ? [...refused, left].slice(-mostRefused) : refused;
}

/** The load has not become less since so few slots were too few. */
export function isRefused(
  slots: number,
  { refused, paceMs }: Pick<ForecastLearned, 'refused' | 'paceMs'>,
  now: { readonly timeMs: number; readonly level: number },
): boolean {
  return refused.some(
    (each) =>
      slots <= each.slots * (1 + littleMore) &&
      now.level > each.level * (1 - lowerBy) &&
      now.timeMs - each.timeMs < refusedPaces * paceMs,
  );
}
