import type { ScalingStrategy } from '@tessera/plugin';
import {
  type JobSample,
  observedFlow,
  type ScalingDecision,
  type ScalingInput,
  sameParallelism,
  slotsOf,
} from '@tessera/scaling';
import { growthOf, isBehind, type Situation, type WeighedSize, Weigher } from './choose.ts';
import type { ForecastConfig } from './config.ts';
import { fewestSamples, learn, ratePaces } from './learn.ts';
import { arrivalRateNow } from './learn-load.ts';
import { type ForecastLearned, nothingLearned } from './learned.ts';
import { loadForecast } from './load-forecast.ts';
import { isEnough, isStillWanted, mayShrink } from './may-shrink.ts';
import { type Course, coursesOf } from './outlook.ts';
import { atPace, longestDowntime } from './pace.ts';
import { reasonOf } from './reason.ts';
import { isRefused, levelOf, refusedWith } from './refused-sizes.ts';
import { type Size, Sizer } from './sizes.ts';
import { waitingRecords, waitingTogether } from './waiting.ts';

/** Older news than that is none; in paces, as all of these. */
const stalePaces = 5;
/** A change must be cheaper than none by this share of what a rescale costs. */
const gainShare = 0.2;

const mostRegrets = 8;
const regretPaces = 240;
const reversalPaces = 60;

type Decision = ScalingDecision<ForecastLearned>;

/**
 * Weighs sizes by what they will cost: slots, the change itself, and records that wait too long while the load takes its
 * expected course or a worse one. What vertices can do and how the load goes is learned from the job's own metrics.
 */
export class ForecastStrategy implements ScalingStrategy<ForecastLearned> {
  readonly #config: ForecastConfig;

  constructor(config: ForecastConfig) {
    this.#config = config;
  }

  decide(input: ScalingInput, before: ForecastLearned = nothingLearned): Decision {
    const learned = learn(input, before);
    const { samples, paceMs } = learned;
    const last = samples.at(-1);
    if (last === undefined || samples.length < fewestSamples) {
      return hold(learned, 'WAITING_FOR_METRICS', 'Too few samples since the job was started.');
    }
    if (input.nowMs - last.timeMs > stalePaces * paceMs) {
      return hold(learned, 'METRICS_STALE', 'The newest sample is too old to decide by.');
    }
    const recent = samples.filter(({ timeMs }) => timeMs >= last.timeMs - ratePaces * paceMs);
    const arrival = arrivalRateNow(input.topology, samples, paceMs);
    const flow = observedFlow(input.topology, recent);
    if (arrival === undefined || 'missing' in flow) {
      const missing = 'missing' in flow ? flow.missing.join(', ') : 'sources';
      return hold(learned, 'METRICS_MISSING', `There are too few metrics of ${missing}.`);
    }
    if (arrival.isMoving) {
      return hold(
        learned,
        'LOAD_CHANGING',
        'The load changes just now: where to does not show yet.',
      );
    }
    const { rate } = arrival;
    const sizer = new Sizer(input.topology, learned.vertices, input.parallelism);
    const situation = this.#situation(input, learned, sizer, { timeMs: last.timeMs, rate });
    const decision = this.#choose(input, learned, sizer, situation);
    const { action } = decision;
    const isGrowth =
      action.kind === 'rescale' &&
      slotsOf(input.topology, action.parallelism) > situation.current.slots;
    if (!isGrowth) return decision;
    const isForBacklog = isBehind(situation, this.#config);
    return {
      ...decision,
      learned: {
        ...learned,
        grown: { timeMs: last.timeMs, rate, isForBacklog },
        refused: refusedWith(
          learned,
          { timeMs: input.nowMs, slots: situation.current.slots, level: levelOf(learned, rate) },
          rate,
          lastRescale(input),
        ),
      },
    };
  }

  #situation(
    input: ScalingInput,
    learned: ForecastLearned,
    sizer: Sizer,
    now: { readonly timeMs: number; readonly rate: number },
  ): Situation {
    const { paceMs: stepMs } = learned;
    const config = atPace(this.#config, stepMs);
    const downtimeMs = longestDowntime(input.rescales) ?? config.assumedDowntimeMs;
    return {
      current: sizer.of(input.parallelism),
      lag: waitingRecords(input.topology, learned.samples, learned.vertices),
      delaySeconds: (input.nowMs - now.timeMs) / 1000,
      downSeconds: downtimeMs / 1000,
      maxLagSeconds: input.maxLagMs / 1000,
      shrinkPrice: this.#config.regret ** Math.min(mostRegrets, reversals(input, stepMs)),
      courses: coursesOf(learned, now, { ...config, stepMs }),
      stepSeconds: stepMs / 1000,
    };
  }

  #choose(
    input: ScalingInput,
    learned: ForecastLearned,
    sizer: Sizer,
    situation: Situation,
  ): Decision {
    const { current, courses, lag } = situation;
    const [lowest, highest] = rangeOf(courses);
    if (highest <= 0 && lag === 0) {
      const smallest = sizer.sustaining(0);
      if (smallest.slots >= current.slots) return hold(learned, 'IDLE', 'Nothing arrives.');
    }
    const config = atPace(this.#config, learned.paceMs);
    const weigher = new Weigher(config, situation, (rate) => sizer.sustaining(rate).slots);
    const catchUp = (lag + growthOf(situation)) / (input.maxLagMs / 1000);
    const limit = current.slots + (input.freeSlots ?? Infinity);
    const isCalm = mayShrink(input, situation, config) && !isStillWanted(learned, situation);
    const isFirst = input.rescales.length === 0;
    const level = levelOf(learned, courses[0]!.load[0]!);
    const mayGrow = !isRecovering(input, learned, situation, config);
    const isPossible = (size: Size) =>
      size.slots >= current.slots
        ? mayGrow && size.slots <= limit && !sameParallelism(size.parallelism, input.parallelism)
        : isCalm &&
          size.slots <= current.slots * (1 - config.leastSaving) &&
          !isRefused(size.slots, learned, { timeMs: input.nowMs, level }) &&
          isEnough(size, learned, situation, isFirst);
    const highestSize = highest * 1.5 + catchUp;
    const sizes = sizer.between(Math.max(1e-3, lowest * 0.9), highestSize).filter(isPossible);
    const stay = weigher.weigh(current, false);
    const weighed = sizes.map((size) => weigher.weigh(size, true));
    const best = weighed.reduce<WeighedSize>((a, b) => (b.cost < a.cost ? b : a), stay);
    const margin = gainShare * config.rescaleCost;
    const chosen = stay.cost - best.cost > margin ? best : stay;
    const forecast = loadForecast(courses, {
      stepMs: learned.paceMs,
      weights: learned.weights,
    });
    return { ...decisionOf(learned, [stay, ...weighed], chosen, stay), forecast };
  }
}

/** The latest, and whether it was one to fewer slots. */
function lastRescale({ rescales, topology }: ScalingInput) {
  const last = rescales.at(-1);
  if (last === undefined) return undefined;
  return { ...last, isToFewer: slotsOf(topology, last.to) < slotsOf(topology, last.from) };
}

/**
 * What a restart has left behind says nothing of the load, and goes by itself as long as it becomes less. Single samples
 * are compared by what waits in front of all sources together, which is less noisy than what is furthest behind.
 */
function isRecovering(
  { topology, nowMs, runningSinceMs, maxLagMs }: ScalingInput,
  { samples, paceMs }: ForecastLearned,
  { courses }: Situation,
  { lastingMs, calmLagBudget }: ForecastConfig,
): boolean {
  if (nowMs - runningSinceMs > lastingMs) return false;
  const now = samples.at(-1)!.timeMs;
  const recent = samples.filter(({ timeMs }) => timeMs > now - ratePaces * paceMs);
  const meanLag = (of: readonly JobSample[]) =>
    of.reduce((sum, each) => sum + waitingTogether(topology, [each]), 0) / Math.max(1, of.length);
  const middle = recent.length >> 1;
  const late = meanLag(recent.slice(middle));
  const isMuch = late > (courses[0]!.load[0]! * calmLagBudget * maxLagMs) / 1000;
  return isMuch && late < meanLag(recent.slice(0, middle));
}

/** Changes to fewer slots that were taken back soon, of the latest. */
function reversals({ rescales, topology, nowMs }: ScalingInput, paceMs: number): number {
  const changes = rescales
    .filter(({ startedMs }) => startedMs > nowMs - regretPaces * paceMs)
    .map(({ startedMs, from, to }) => ({
      startedMs,
      more: slotsOf(topology, to) - slotsOf(topology, from),
    }));
  return changes.filter(({ startedMs, more }, i) => {
    const before = changes[i - 1];
    return (
      before !== undefined &&
      more > 0 &&
      before.more < 0 &&
      startedMs < before.startedMs + reversalPaces * paceMs
    );
  }).length;
}

function rangeOf(courses: readonly Course[]): readonly [lowest: number, highest: number] {
  let lowest = Infinity;
  let highest = 0;
  for (const { load } of courses) {
    for (const rate of load) {
      if (rate < lowest) lowest = rate;
      if (rate > highest) highest = rate;
    }
  }
  return [lowest, highest];
}

function decisionOf(
  learned: ForecastLearned,
  weighed: readonly WeighedSize[],
  chosen: WeighedSize,
  stay: WeighedSize,
): Decision {
  const isChange = chosen !== stay;
  const options = weighed.map((each) => ({
    ...each.option,
    chosen: each === chosen,
    ...(each !== chosen && { rejected: each.cost > stay.cost ? 'COSTS_MORE' : 'GAINS_TOO_LITTLE' }),
  }));
  return {
    action: isChange ? { kind: 'rescale', parallelism: chosen.size.parallelism } : { kind: 'hold' },
    reasons: [reasonOf(chosen, stay)],
    options,
    learned,
  };
}

const hold = (learned: ForecastLearned, code: string, message: string): Decision => ({
  action: { kind: 'hold' },
  reasons: [{ code, message }],
  options: [],
  learned,
});
