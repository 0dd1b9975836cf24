import { rollOut, rolloutStepSeconds, type ScalingOption } from '@tessera/scaling';
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

/** What a size costs over the horizon: its slots, the change to it, records that wait too long, and the next change. */
export class Weigher {
  readonly #config: ForecastConfig;
  readonly #situation: Situation;
  /** Slots that each course asks for at its highest. */
  readonly #peakSlots: readonly number[];

  constructor(config: ForecastConfig, situation: Situation, slotsFor: (rate: number) => number) {
    this.#config = config;
    this.#situation = situation;
    this.#peakSlots = situation.courses.map(({ load }) =>
      slotsFor(load.reduce((a, b) => Math.max(a, b), 0)),
    );
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
      const left = hours - result.firstLateSeconds / 3600;
      rescale += weight * rescaleCost;
      slots += weight * Math.max(0, this.#peakSlots[i]! - size.slots) * left;
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

  #lateCost(seconds: number): number {
    const { lag, courses, maxLagSeconds } = this.#situation;
    const isLate = lag > courses[0]!.load[0]! * maxLagSeconds * this.#config.lagBudget;
    const counted = isLate ? seconds : foreseenSeconds * Math.log1p(seconds / foreseenSeconds);
    return counted * this.#config.lateSecondCost;
  }

  #rollOut(size: Size, isChange: boolean, course: number) {
    const { current, lag, delaySeconds, downSeconds, maxLagSeconds, courses } = this.#situation;
    return rollOut(
      lag,
      courses[course]!.load,
      {
        capacityBefore: current.capacity,
        capacityAfter: size.capacity,
        beginsSeconds: isChange ? delaySeconds : 0,
        downSeconds: isChange ? downSeconds : 0,
      },
      {
        atFirst: maxLagSeconds * this.#config.lagBudget,
        inTheEnd: maxLagSeconds * this.#config.calmLagBudget,
      },
    );
  }
}
