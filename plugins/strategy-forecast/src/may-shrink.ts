import type { EnsembleState, ScalingInput } from '@tessera/scaling';
import type { Situation } from './choose.ts';
import type { ForecastConfig } from './config.ts';
import type { ForecastLearned } from './learned.ts';
import type { Size } from './sizes.ts';

/** Steps of the load until which little is known of it. */
const knownSteps = 12;
/** In which levels that come back are looked for. */
const recurringSteps = 18;
/** A higher level is another one, and not noise of this one, when it is so many usual differences away. */
const newsWobbles = 4;
/** When it has come twice it is one that comes back, from so many on. */
const returnWobbles = 2.5;
/** Of the courses that are weighed, so much must be seen through by a smaller size. */
const aheadShare = 0.25;
/** Steps by whose surprises it is told what noise there is: three hours of them. */
const surpriseSteps = 36;
/** A load for which the job has grown has gone when it is so many usual differences away. */
const leftWobbles = 6;
const farAway = 2.5;
/** In paces. */
const wantedPaces = 60;
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

/**
 * A smaller size must be enough for what is expected for a while, and for as much more as has come lately; for a level
 * that comes back; and the first one must be worth it.
 */
export function isEnough(
  { slots, capacity }: Size,
  { load: { values }, wobble, ensemble }: ForecastLearned,
  { current, courses }: Situation,
  isFirst: boolean,
): boolean {
  const isKnown = values.length >= knownSteps;
  if (isFirst && !isKnown && slots > current.slots * firstShare) return false;
  const now = courses[0]!.load[0]!;
  const before = isKnown ? recurringPeak(values, now, wobble) : firstPeak(values, now);
  return capacity >= Math.max(before, expectedPeak(courses) * surprise(ensemble, wobble));
}

/** Of a load that is new nobody can tell what is noise of it and what another level, unless that is far away. */
function firstPeak(values: readonly number[], now: number): number {
  return Math.max(now, ...values.filter((value) => value <= now * farAway));
}

/** The highest that is expected as long as a smaller size must be enough. */
function expectedPeak([middle]: Situation['courses']): number {
  const { load } = middle!;
  return load.subarray(0, Math.ceil(load.length * aheadShare)).reduce((a, b) => Math.max(a, b), 0);
}

/** By what factor the load was above its forecast when it was so by most: through noise, and not as it jumped. */
function surprise({ errors }: EnsembleState, wobble: number): number {
  const jump = Math.log1p(newsWobbles * wobble);
  const noise = errors[0]!.slice(-surpriseSteps).filter((error) => error <= jump);
  return Math.exp(Math.max(0, ...noise));
}

/** The highest of a higher level to which the load has gone and come back twice lately: it will again. */
function recurringPeak(values: readonly number[], now: number, wobble: number): number {
  const higher = now * (1 + returnWobbles * wobble);
  const recent = values.slice(-recurringSteps);
  const visits = recent.filter((value, i) => value > higher && !(recent[i - 1]! > higher)).length;
  return visits >= 2 ? Math.max(...recent) : now;
}
