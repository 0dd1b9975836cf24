import type { EnsembleState, ScalingInput } from '@tessera/scaling';
import type { Situation } from './choose.ts';
import type { ForecastConfig } from './config.ts';
import type { ForecastLearned } from './learned.ts';
import type { Size } from './sizes.ts';

/** Steps of the load that a smaller size must have been enough for, and in which levels that come back are looked for. */
const heldSteps = 12;
const recurringSteps = 18;
/** A higher level is another one, and not noise of this one, when it is so many usual differences away. */
const newsWobbles = 4;
/** A load for which the job has grown has gone when it is so many usual differences away. */
const leftWobbles = 6;
const farAway = 2;
/** In paces. */
const wantedPaces = 60;
/** Of past steps, those that a smaller size must be enough for by how far they were from their forecast. */
const usualShare = 0.9;
/** Share of the slots that the first change of a job may leave until an hour of its load is known. */
const firstShare = 0.67;

/** Neither while a backlog is worked off nor soon after another change. */
export function mayShrink(
  { rescales, nowMs, runningSinceMs }: ScalingInput,
  { lag, delaySeconds, current, maxLagSeconds, courses }: Situation,
  { calmLagBudget, settleMs }: ForecastConfig,
): boolean {
  const load = courses[0]!.load[0]!;
  // What waited when the metrics were read has been worked off since, as far as the size allows.
  const waiting = lag - Math.max(0, current.capacity - load) * delaySeconds;
  const isCalm = waiting <= load * maxLagSeconds * calmLagBudget;
  return isCalm && (rescales.length === 0 || nowMs - runningSinceMs > settleMs);
}

/**
 * The load for which the job was given more is still there, as far as noise lets tell: what noise has brought it brings
 * again within the hour.
 */
export function isStillWanted(
  { grown, samples, paceMs, wobble }: ForecastLearned,
  { courses }: Situation,
): boolean {
  if (grown === undefined || grown.isForBacklog) return false;
  const isRecent = samples.at(-1)!.timeMs - grown.timeMs < wantedPaces * paceMs;
  return isRecent && courses[0]!.load[0]! > grown.rate * (1 - leftWobbles * wobble);
}

/** A smaller size must have been enough for the load lately, and the first one must be worth it. */
export function isEnough(
  { slots, capacity }: Size,
  { load: { values }, wobble, ensemble }: ForecastLearned,
  { current, courses }: Situation,
  isFirst: boolean,
): boolean {
  if (isFirst && values.length < heldSteps && slots > current.slots * firstShare) return false;
  const now = courses[0]!.load[0]!;
  const peak = values.length < heldSteps ? firstPeak(values, now) : recentPeak(values, now, wobble);
  return capacity >= Math.max(peak, now * usualRise(ensemble));
}

/** Of a load that is new nobody can tell what is noise of it and what another level, unless that is far away. */
function firstPeak(values: readonly number[], now: number): number {
  return Math.max(now, ...values.filter((value) => value <= now * farAway));
}

/** Nine of ten steps of the load were above their forecast by no more than that factor. */
function usualRise({ errors }: EnsembleState): number {
  const sorted = [...errors[0]!].sort((a, b) => a - b);
  return Math.exp(Math.max(0, sorted[Math.floor(sorted.length * usualShare)] ?? 0));
}

/**
 * The highest that the load was since it came to its present level, or, where it has left for a higher one and come
 * back twice, of that one: it will again.
 */
function recentPeak(values: readonly number[], now: number, wobble: number): number {
  let peak = now;
  let highest = now;
  let visits = 0;
  let wasHigh = false;
  for (let back = 1; back <= Math.min(values.length, recurringSteps); back++) {
    const value = values.at(-back)!;
    const isHigh = value > peak * (1 + newsWobbles * wobble);
    if (!isHigh && visits === 0 && back <= heldSteps) peak = Math.max(peak, value);
    if (isHigh && !wasHigh) visits++;
    if (isHigh) highest = Math.max(highest, value);
    wasHigh = isHigh;
  }
  return visits >= 2 ? highest : peak;
}
