import { type Patience, rollOut, type ScalingOption } from '@tessera/scaling';
import type { ForecastConfig } from './config.ts';
import type { Course } from './outlook.ts';
import type { Size } from './sizes.ts';

/** What the queue in front of a job looks like at the time of the last sample. */
export interface Situation {
  readonly current: Size;
  readonly lag: number;
  /** Seconds since that sample. */
  readonly delaySeconds: number;
  readonly downSeconds: number;
  readonly maxLagSeconds: number;
  /** How many times as dear as others changes to fewer slots are: more after such as had to be taken back. */
  readonly shrinkPrice: number;
  readonly courses: readonly Course[];
  /** Of their values. */
  readonly stepSeconds: number;
}

export interface WeighedSize {
  readonly size: Size;
  readonly option: Omit<ScalingOption, 'chosen' | 'rejected'>;
  /** Slot-hours. */
  readonly cost: number;
}

/** Steps after which lateness that is only foreseen counts less: something better is chosen before it lasts. */
const foreseenSteps = 10;

/** Of what the downtime of a change leaves of the objective, how much may be used up before. */
const roomUsed = 0.9;
/** Part of a step by which the age of what waits may seem to grow through noise alone. */
const stirSteps = 1 / 6;

/** What a size costs over the horizon: its slots, the change to it, records that wait too long, and the next change. */
export class Weigher {
  readonly #config: ForecastConfig;
  readonly #situation: Situation;
  /** Slots that each course asks for at its highest, for each record per second. */
  readonly #slotsPerRate: readonly number[];

  constructor(config: ForecastConfig, situation: Situation, slotsFor: (rate: number) => number) {
    this.#config = config;
    this.#situation = situation;
    this.#slotsPerRate = situation.courses.map(({ load }) => {
      const peak = highestOf(load, 0);
      return peak > 0 ? slotsFor(peak) / peak : 0;
    });
  }

  weigh(size: Size, isChange: boolean): WeighedSize {
    const { current, downSeconds, courses, delaySeconds, shrinkPrice } = this.#situation;
    const hours = (courses[0]!.load.length * this.#situation.stepSeconds) / 3600;
    const { rescaleCost } = this.#config;
    const overlap = isChange ? (Math.max(0, current.slots - size.slots) * downSeconds) / 3600 : 0;
    let slots = size.slots * hours + overlap;
    let rescale = isChange ? rescaleCost * (size.slots < current.slots ? shrinkPrice : 1) : 0;
    let lag = 0;
    let maxLagSeconds = 0;
    const isTrimmed = size.slots >= current.slots && isBehind(this.#situation, this.#config);
    // A change that is made later takes its own downtime, and the metrics' delay until its need is seen.
    // One that needs another soon is none to be made.
    const aheadMs = isChange ? this.#config.lastingMs : this.#config.leadMs;
    const leadSeconds = aheadMs / 1000 + downSeconds + delaySeconds;
    courses.forEach(({ weight }, i) => {
      const result = this.#rollOut(size, isChange, i);
      maxLagSeconds = Math.max(maxLagSeconds, result.maxLagSeconds);
      if (isTrimmed) slots -= weight * this.#trimmed(size, i, result.drainedSeconds);
      if (result.firstLateSeconds === Infinity) return;
      if (result.firstLateSeconds <= leadSeconds) {
        lag += weight * this.#lateCost(result.lateSeconds);
        return;
      }
      rescale += weight * rescaleCost;
      slots += weight * this.#moreSlotHours(size, i, result.firstLateSeconds);
    });
    return {
      size,
      option: {
        parallelism: size.parallelism,
        slots: size.slots,
        cost: { slots, rescale, lag },
        maxLagMs: Math.round(maxLagSeconds * 1000),
      },
      cost: slots + rescale + lag,
    };
  }

  /** What a course asks for beyond a size, from when that becomes too small. */
  #moreSlotHours({ slots }: Size, course: number, fromSeconds: number): number {
    const { courses, stepSeconds } = this.#situation;
    const { load } = courses[course]!;
    const perRate = this.#slotsPerRate[course]!;
    let sum = 0;
    for (let step = Math.floor(fromSeconds / stepSeconds); step < load.length; step++) {
      sum += Math.max(0, load[step]! * perRate - slots);
    }
    return (sum * stepSeconds) / 3600;
  }

  /** What a change to what the course asks for saves, once what waited is worked off. */
  #trimmed({ slots }: Size, course: number, drainedSeconds: number): number {
    const { courses, downSeconds, stepSeconds } = this.#situation;
    const { settleMs, rescaleCost } = this.#config;
    const from = Math.max(drainedSeconds, settleMs / 1000) + downSeconds;
    const { load } = courses[course]!;
    const first = Math.min(load.length, Math.ceil(from / stepSeconds));
    const spare = Math.max(0, slots - highestOf(load, first) * this.#slotsPerRate[course]!);
    return Math.max(0, (spare * (load.length - first) * stepSeconds) / 3600 - rescaleCost);
  }

  #lateCost(seconds: number): number {
    const { lag, courses, maxLagSeconds, stepSeconds } = this.#situation;
    const foreseenSeconds = foreseenSteps * stepSeconds;
    const isLate = lag > courses[0]!.load[0]! * maxLagSeconds * this.#config.lagBudget;
    const counted = isLate ? seconds : foreseenSeconds * Math.log1p(seconds / foreseenSeconds);
    return counted * this.#config.lateSecondCost;
  }

  #rollOut(size: Size, isChange: boolean, course: number) {
    const { current, lag, delaySeconds, downSeconds, courses, stepSeconds } = this.#situation;
    return rollOut(
      lag,
      courses[course]!.load,
      {
        capacityBefore: current.capacity,
        capacityAfter: size.capacity,
        beginsSeconds: isChange ? delaySeconds : 0,
        downSeconds: isChange ? downSeconds : 0,
        stepSeconds,
      },
      this.#patience(isChange),
    );
  }

  /**
   * A change is digested within the objective. What waits without one must leave room for the downtime of a change that
   * becomes needed; what waits already may, as long as it does not grow.
   */
  #patience(isChange: boolean): Patience {
    const { maxLagSeconds, downSeconds, lag, courses, stepSeconds } = this.#situation;
    const { lagBudget, calmLagBudget } = this.#config;
    const most = maxLagSeconds * lagBudget;
    const room = (maxLagSeconds - downSeconds) * roomUsed;
    const inTheEnd = Math.min(most, Math.max(maxLagSeconds * calmLagBudget, room));
    if (isChange) return { atFirst: most, inTheEnd };
    const age = lag / Math.max(1e-9, courses[0]!.load[0]!);
    return { atFirst: Math.min(most, Math.max(inTheEnd, age + stirSteps * stepSeconds)), inTheEnd };
  }
}

/** So much waits, or will when a change can be over, that a size is chosen for working it off and not to be kept. */
export function isBehind(situation: Situation, { lagBudget }: ForecastConfig): boolean {
  const { lag, courses, maxLagSeconds } = situation;
  return lag + growthOf(situation) > courses[0]!.load[0]! * maxLagSeconds * lagBudget;
}

/** By how much what waits has grown since it was seen, and will have when a change can be over. */
export function growthOf({ courses, current, delaySeconds, downSeconds }: Situation): number {
  return Math.max(0, courses[0]!.load[0]! - current.capacity) * (delaySeconds + downSeconds);
}

/** From a step on; nothing comes where there is none. */
function highestOf(load: Float64Array, from: number): number {
  let highest = 0;
  for (let step = from; step < load.length; step++) {
    if (load[step]! > highest) highest = load[step]!;
  }
  return highest;
}
