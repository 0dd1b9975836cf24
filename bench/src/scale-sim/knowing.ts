import {
  type Configuration,
  configurationsOf,
  type OraclePlan,
  rescaleSeconds,
  type Scenario,
  sustainedLoad,
  tickSeconds,
} from '@tessera/flink-simulator';
import type { ScalingStrategy } from '@tessera/plugin';
import {
  type Parallelism,
  type ScalingDecision,
  type ScalingInput,
  sameParallelism,
} from '@tessera/scaling';

/** Lets the simulated job follow the oracle's schedule: what the oracle claims, against what comes of it. */
export class FollowedPlan implements ScalingStrategy<null> {
  readonly #plan: OraclePlan;
  readonly #segmentMs: number;

  constructor(plan: OraclePlan, segmentSeconds: number) {
    this.#plan = plan;
    this.#segmentMs = segmentSeconds * 1000;
  }

  decide({ nowMs, parallelism }: ScalingInput): ScalingDecision<null> {
    const { schedule } = this.#plan;
    const at = Math.min(schedule.length - 1, Math.floor(nowMs / this.#segmentMs));
    return towards(schedule[at]!, parallelism, null);
  }
}

interface Fluid {
  readonly nowMs: number;
  /** Unread, in seconds of nominal load. */
  readonly lag: number;
  /** Slot-hours that a smaller size would have saved since one was enough. */
  readonly wasted: number;
}

/** A backlog is worked off in so long. */
const catchUpSeconds = 1_800;
/** Of the objective, what is used. */
const used = 0.9;
/** What is enough is told by so much of the past, beside what is known of the future. */
const pastSeconds = 300;
const decisionSeconds = 30;

/**
 * Knows what the job can do at every size, and the load until a change that is begun now or at the next decision is
 * over; nothing later. It grows when it would be too late at the next decision. It shrinks when a smaller size would have saved
 * what a rescale costs, the best that can be done by who does not know how long it will be enough (ski rental).
 */
export class JustInTime implements ScalingStrategy<Fluid> {
  readonly #scenario: Scenario;
  readonly #rescaleCost: number;
  readonly #sizes: readonly Configuration[];

  constructor(scenario: Scenario, rescaleCost: number) {
    this.#scenario = scenario;
    this.#rescaleCost = rescaleCost;
    const peak = scenario.trace.load.reduce((a, b) => Math.max(a, b), 0);
    this.#sizes = configurationsOf(scenario.job, peak);
  }

  decide(input: ScalingInput, before?: Fluid): ScalingDecision<Fluid> {
    const { nowMs, parallelism } = input;
    const { job, maxLagMs } = this.#scenario;
    const capacity = sustainedLoad(job, parallelism);
    const lag = this.#lagAt(input, capacity, before);
    const down = rescaleSeconds(job, parallelism, parallelism);
    const now = nowMs / 1000;
    const ahead = this.#arriving(now, now + decisionSeconds + down);
    const load = ahead / (decisionSeconds + down);
    const backlog = Math.max(0, lag + (load - capacity) * decisionSeconds) + load * down;
    const seconds = (nowMs - (before?.nowMs ?? nowMs)) / 1000;
    if (load > capacity && backlog > (load * maxLagMs * used) / 1000) {
      const size = this.#enoughFor(load + backlog / catchUpSeconds);
      return towards(size, parallelism, { nowMs, lag, wasted: 0 });
    }
    const past = this.#arriving(now - pastSeconds, now) / pastSeconds;
    const enough = this.#enoughFor(Math.max(load, past) + (lag + load * down) / catchUpSeconds);
    const saved = slotsOf(this.#sizes, parallelism, capacity) - enough.slots;
    if (saved <= 0) return towards(undefined, parallelism, { nowMs, lag, wasted: 0 });
    const wasted = (before?.wasted ?? 0) + (saved * seconds) / 3600;
    const isDue = wasted >= this.#rescaleCost;
    return towards(isDue ? enough : undefined, parallelism, {
      nowMs,
      lag,
      wasted: isDue ? 0 : wasted,
    });
  }

  /** The true backlog: what arrived since the last decision less what was read, and nothing is while the job is down. */
  #lagAt({ nowMs, rescales }: ScalingInput, capacity: number, before: Fluid | undefined): number {
    const { load, startTick } = this.#scenario.trace;
    if (before === undefined) {
      return load.subarray(0, startTick).reduce((sum, each) => sum + each * tickSeconds, 0);
    }
    const last = rescales.at(-1);
    const isNew = last !== undefined && last.startedMs + last.downtimeMs > before.nowMs;
    const readingMs = nowMs - before.nowMs - (isNew ? last.downtimeMs : 0);
    const arrived = this.#arriving(before.nowMs / 1000, nowMs / 1000);
    return Math.max(0, before.lag + arrived - (capacity * readingMs) / 1000);
  }

  /** Seconds of nominal load that arrive between two times. */
  #arriving(fromSeconds: number, toSeconds: number): number {
    const { load, startTick } = this.#scenario.trace;
    const tick = (seconds: number) => startTick + Math.round(seconds / tickSeconds);
    const part = load.subarray(Math.max(0, tick(fromSeconds)), tick(toSeconds));
    const mean = part.reduce((sum, each) => sum + each, 0) / Math.max(1, part.length);
    return mean * (toSeconds - fromSeconds);
  }

  #enoughFor(load: number): Configuration {
    return this.#sizes.find((size) => size.load >= load) ?? this.#sizes.at(-1)!;
  }
}

/** The slots of a size that may be none of those worth having: of the first that does as much. */
function slotsOf(
  sizes: readonly Configuration[],
  parallelism: Parallelism,
  capacity: number,
): number {
  const same = sizes.find((size) => sameParallelism(size.parallelism, parallelism));
  return (same ?? sizes.find(({ load }) => load >= capacity) ?? sizes.at(-1)!).slots;
}

function towards<Learned>(
  size: Configuration | undefined,
  parallelism: Parallelism,
  learned: Learned,
): ScalingDecision<Learned> {
  const reasons = [{ code: 'KNOWN', message: 'It knows the load and the job.' }];
  if (size === undefined || sameParallelism(size.parallelism, parallelism)) {
    return { action: { kind: 'hold' }, reasons, options: [], learned };
  }
  const action = { kind: 'rescale', parallelism: size.parallelism } as const;
  return { action, reasons, options: [], learned };
}
