import { type Patience, rollOut, rolloutStepSeconds, type ScalingOption } from '@tessera/scaling';
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
}

export interface WeighedSize {
  readonly size: Size;
  readonly option: Omit<ScalingOption, 'chosen' | 'rejected'>;
  /** Slot-hours. */
  readonly cost: number;
}

/** Seconds after which lateness that is only foreseen counts less: something better is chosen before it lasts. */
const foreseenSeconds = 600;

/** Of what the downtime of a change leaves of the objective, how much may be used up before. */
const roomUsed = 0.9;
/** Seconds by which the age of what waits may seem to grow through noise alone. */
const stirSeconds = 10;

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
      const peak = load.reduce((a, b) => Math.max(a, b), 0);
      return peak > 0 ? slotsFor(peak) / peak : 0;
    });
  }

  weigh(size: Size, isChange: boolean): WeighedSize {
    const { current, downSeconds, courses, delaySeconds, shrinkPrice } = this.#situation;
    const hours = (courses[0]!.load.length * rolloutStepSeconds) / 3600;
    const { rescaleCost } = this.#config;
    const overlap = isChange ? (Math.max(0, current.slots - size.slots) * downSeconds) / 3600 : 0;
    let slots = size.slots * hours + overlap;
    let rescale = isChange ? rescaleCost * (size.slots < current.slots ? shrinkPrice : 1) : 0;
    let lag = 0;
    let maxLagSeconds = 0;
    // A change that is made later takes its own downtime, and the metrics' delay until its need is seen.
    // One that needs another soon is none to be made.
    const aheadMs = isChange ? this.#config.lastingMs : this.#config.leadMs;
    const leadSeconds = aheadMs / 1000 + downSeconds + delaySeconds;
    courses.forEach(({ weight }, i) => {
      const result = this.#rollOut(size, isChange, i);
      maxLagSeconds = Math.max(maxLagSeconds, result.maxLagSeconds);
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
    const { load } = this.#situation.courses[course]!;
    const perRate = this.#slotsPerRate[course]!;
    let sum = 0;
    for (let step = Math.floor(fromSeconds / rolloutStepSeconds); step < load.length; step++) {
      sum += Math.max(0, load[step]! * perRate - slots);
    }
    return (sum * rolloutStepSeconds) / 3600;
  }

  #lateCost(seconds: number): number {
    const { lag, courses, maxLagSeconds } = this.#situation;
    const isLate = lag > courses[0]!.load[0]! * maxLagSeconds * this.#config.lagBudget;
    const counted = isLate ? seconds : foreseenSeconds * Math.log1p(seconds / foreseenSeconds);
    return counted * this.#config.lateSecondCost;
  }

  #rollOut(size: Size, isChange: boolean, course: number) {
    const { current, lag, delaySeconds, downSeconds, courses } = this.#situation;
    return rollOut(
      lag,
      courses[course]!.load,
      {
        capacityBefore: current.capacity,
        capacityAfter: size.capacity,
        beginsSeconds: isChange ? delaySeconds : 0,
        downSeconds: isChange ? downSeconds : 0,
      },
      this.#patience(isChange),
    );
  }

  /**
   * A change is digested within the objective. What waits without one must leave room for the downtime of a change that
   * becomes needed; what waits already may, as long as it does not grow.
   */
  #patience(isChange: boolean): Patience {
    const { maxLagSeconds, downSeconds, lag, courses } = this.#situation;
    const { lagBudget, calmLagBudget } = this.#config;
    const most = maxLagSeconds * lagBudget;
    const room = (maxLagSeconds - downSeconds) * roomUsed;
    const inTheEnd = Math.min(most, Math.max(maxLagSeconds * calmLagBudget, room));
    if (isChange) return { atFirst: most, inTheEnd };
    const age = lag / Math.max(1e-9, courses[0]!.load[0]!);
    return { atFirst: Math.min(most, Math.max(inTheEnd, age + stirSeconds)), inTheEnd };
  }
}
