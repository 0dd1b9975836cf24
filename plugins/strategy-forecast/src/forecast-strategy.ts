import type { ScalingStrategy } from '@tessera/plugin';
import {
  isSource,
  type JobSample,
  latest,
  observedFlow,
  ofAttempt,
  type ScalingDecision,
  type ScalingInput,
  type ScalingReason,
  sameParallelism,
  slotsOf,
  usableSamples,
} from '@tessera/scaling';
import { type Situation, type WeighedSize, Weigher } from './choose.ts';
import type { ForecastConfig } from './config.ts';
import { arrivalRate, arrivalRateNow, isTelling, learnLoad } from './learn-load.ts';
import { learnVertices } from './learn-vertices.ts';
import { type ForecastLearned, nothingLearned, samplesMs } from './learned.ts';
import { type Course, coursesOf, surprise } from './outlook.ts';
import { Sizer, sizesBetween } from './sizes.ts';

const minuteMs = 60_000;
/** What the load is now is the mean of so long. */
const nowMs = 2 * minuteMs;
/** Samples of an attempt before anything is decided by them. */
const fewestSamples = 6;
/** Older news than that is none. */
const staleMs = 5 * minuteMs;
/** A change must be cheaper than none by this share of what a rescale costs. */
const gainShare = 0.2;

const mostRegrets = 8;
const hourMs = 60 * minuteMs;
const regretMs = 4 * hourMs;
/** Minutes. */
const wobbleMemory = 60;

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
    const { samples } = learned;
    const last = samples.at(-1);
    if (last === undefined || samples.length < fewestSamples) {
      return hold(learned, 'WAITING_FOR_METRICS', 'Too few samples since the job was started.');
    }
    if (input.nowMs - last.timeMs > staleMs) {
      return hold(learned, 'METRICS_STALE', 'The newest sample is too old to decide by.');
    }
    const recent = samples.filter(({ timeMs }) => timeMs >= last.timeMs - nowMs);
    const rate = arrivalRateNow(input.topology, samples);
    const flow = observedFlow(input.topology, recent);
    if (rate === undefined || 'missing' in flow) {
      const missing = 'missing' in flow ? flow.missing.join(', ') : 'sources';
      return hold(learned, 'METRICS_MISSING', `There are too few metrics of ${missing}.`);
    }
    const sizer = new Sizer(input.topology, learned.vertices, input.parallelism);
    const situation = this.#situation(input, learned, sizer, { timeMs: last.timeMs, rate });
    return this.#choose(input, learned, sizer, situation);
  }

  #situation(
    input: ScalingInput,
    learned: ForecastLearned,
    sizer: Sizer,
    now: { readonly timeMs: number; readonly rate: number },
  ): Situation {
    const recent = input.rescales.slice(-3).map(({ downtimeMs }) => downtimeMs);
    const downtimeMs = recent.length > 0 ? Math.max(...recent) : this.#config.assumedDowntimeMs;
    return {
      current: sizer.of(input.parallelism),
      lag: lagOf(input, learned.samples),
      delaySeconds: (input.nowMs - now.timeMs) / 1000,
      downSeconds: downtimeMs / 1000,
      maxLagSeconds: input.maxLagMs / 1000,
      shrinkPrice: this.#config.regret ** Math.min(mostRegrets, reversals(input)),
      courses: coursesOf(learned, now, this.#config.horizonMs),
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
    const weigher = new Weigher(this.#config, situation, (rate) => sizer.sustaining(rate).slots);
    const catchUp = lag / (input.maxLagMs / 1000);
    const limit = current.slots + (input.freeSlots ?? Infinity);
    const sizes = sizesBetween(sizer, Math.max(1e-3, lowest * 0.9), highest * 1.5 + catchUp)
      .filter(({ slots }) => slots <= limit)
      .filter(({ parallelism }) => !sameParallelism(parallelism, input.parallelism))
      .filter(({ slots }) => slots >= current.slots || this.#mayShrink(input, situation));
    const stay = weigher.weigh(current, false);
    const weighed = sizes.map((size) => weigher.weigh(size, true));
    const best = weighed.reduce<WeighedSize>((a, b) => (b.cost < a.cost ? b : a), stay);
    const margin = gainShare * this.#config.rescaleCost;
    const chosen = stay.cost - best.cost > margin ? best : stay;
    return decisionOf(learned, [stay, ...weighed], chosen, stay);
  }

  /** Neither while a backlog is worked off nor soon after another change. */
  #mayShrink(input: ScalingInput, situation: Situation): boolean {
    const { lag, delaySeconds, current, maxLagSeconds, courses } = situation;
    const load = courses[0]!.load[0]!;
    // What waited when the metrics were read has been worked off since, as far as the size allows.
    const waiting = lag - Math.max(0, current.capacity - load) * delaySeconds;
    const calm = waiting <= load * maxLagSeconds * this.#config.calmLagBudget;
    const isSettled =
      input.rescales.length === 0 || input.nowMs - input.runningSinceMs > this.#config.settleMs;
    return calm && isSettled;
  }
}

/** Changes to fewer slots of the last hours that were taken back within the hour. */
function reversals({ rescales, topology, nowMs }: ScalingInput): number {
  const changes = rescales
    .filter(({ startedMs }) => startedMs > nowMs - regretMs)
    .map(({ startedMs, from, to }) => ({
      startedMs,
      more: slotsOf(topology, to) - slotsOf(topology, from),
    }));
  return changes.filter(({ startedMs, more }, i) => {
    const before = changes[i - 1];
    return (
      before !== undefined && more > 0 && before.more < 0 && startedMs < before.startedMs + hourMs
    );
  }).length;
}

function learn(input: ScalingInput, before: ForecastLearned): ForecastLearned {
  const { topology, parallelism, runningSinceMs } = input;
  const fresh = usableSamples(before.samples.at(-1), input.samples);
  if (fresh.length === 0 && before.samples.at(-1)?.runningSinceMs === runningSinceMs) return before;
  const all = [...before.samples, ...fresh];
  const last = all.at(-1);
  const window = all.filter(({ timeMs }) => timeMs >= last!.timeMs - samplesMs);
  const withLoad = learnLoad(topology, ofAttempt(window, last?.runningSinceMs ?? 0), before);
  const samples = ofAttempt(window, runningSinceMs);
  const learned = { ...withLoad, samples };
  const newest = samples.at(-1)?.timeMs ?? 0;
  if (newest < before.observedMs + minuteMs || samples.length < fewestSamples) return learned;
  const recent = samples.filter(({ timeMs }) => timeMs >= newest - minuteMs);
  const flow = observedFlow(topology, samples);
  const rate = arrivalRate(
    topology,
    samples.filter(({ timeMs }) => timeMs >= newest - nowMs),
  );
  if ('missing' in flow || recent.length < 3 || rate === undefined) return learned;
  if (!isTelling(rate, learned)) return { ...learned, observedMs: newest };
  const minute = { topology, parallelism, samples: recent, flow, nowMs: newest };
  const off = Math.min(0.5, Math.abs(surprise(learned, { timeMs: newest, rate }) ?? 0));
  return {
    ...learned,
    vertices: learnVertices(minute, before.vertices),
    wobble: Math.max(0.02, before.wobble + (off - before.wobble) / wobbleMemory),
    observedMs: newest,
  };
}

/** Records that wait in front of all sources: the mean of the last samples, as one alone is noisy. */
function lagOf({ topology }: ScalingInput, samples: readonly JobSample[]): number {
  const last = samples.slice(-2);
  return topology.vertices.reduce(
    (sum, { id }) =>
      isSource(topology, id) ? sum + (latest(last, id, (vertex) => vertex.lagRecords) ?? 0) : sum,
    0,
  );
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

function reasonOf(chosen: WeighedSize, stay: WeighedSize): ScalingReason {
  const costs = `${chosen.cost.toFixed(1)} slot-hours against ${stay.cost.toFixed(1)} as it is`;
  if (chosen === stay) return { code: 'CHEAPEST', message: 'No other size is worth the change.' };
  if (chosen.size.slots < stay.size.slots) {
    return { code: 'SLOTS_SAVED', message: `Fewer slots are enough: ${costs}.` };
  }
  return { code: 'LAG_AVERTED', message: `Records would wait too long: ${costs}.` };
}

const hold = (learned: ForecastLearned, code: string, message: string): Decision => ({
  action: { kind: 'hold' },
  reasons: [{ code, message }],
  options: [],
  learned,
});
