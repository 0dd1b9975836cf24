import type { Random } from '@tessera/base';
import type { ScalingStrategy } from '@tessera/plugin';
import {
  type Circumstances,
  type DecisionRecord,
  decideWithin,
  defaultLimits,
  type JobSample,
  type JobTopology,
  type LimitedDecision,
  limitDecision,
  nothingRemembered,
  type ObservedRescale,
  type Parallelism,
  reasonNotToAsk,
  type ScalingInput,
  type ScalingLimits,
  type StrategyOutcome,
  type StrategyUse,
  slotsOf,
  strategyThrew,
} from '@tessera/scaling';
import { Dataflow } from './dataflow.ts';
import { rescaleSeconds, type SimulatedJob, topologyOf } from './job.ts';
import { LagAge } from './lag-age.ts';
import { type Measures, Meter, slotsDuring, subtasksOf } from './measures.ts';
import { randomFor } from './noise.ts';
import { type Imperfections, Observer } from './observe.ts';
import { minutely, type Timing } from './timing.ts';
import type { Trace } from './traces.ts';

/** Everything that a run depends on beside the strategy. */
export interface Scenario {
  readonly seed: number;
  readonly trace: Trace;
  readonly job: SimulatedJob;
  readonly imperfections: Imperfections;
  readonly initial: Parallelism;
  readonly maxLagMs: number;
  readonly crashes: Crashes;
  /** `minutely` when absent. */
  readonly timing?: Timing;
}

/** TaskManagers that die. */
export interface Crashes {
  /** On average, at random times. */
  readonly perDay: number;
  /** Seconds until the job runs again. */
  readonly downSeconds: number;
  /** One more dies then. */
  readonly atSeconds?: number;
}

/** One point of a run, for plots. */
export interface Moment {
  readonly hour: number;
  /** Records per second into all sources. */
  readonly load: number;
  readonly lagSeconds: number;
  /** Paid for; while it is rescaled, those of the larger of two sizes. */
  readonly slots: number;
  readonly parallelism: Parallelism;
}

export interface RunOptions {
  /** What holds around the strategy; the defaults when absent. */
  readonly limits?: ScalingLimits;
  /** Called with every decision, and with its input. */
  readonly onDecision?: (input: ScalingInput, decision: LimitedDecision) => void;
  /** Writes decisions down, which takes several times as long. */
  readonly recording?: Recording;
  /** Called once a minute, or as the timing says. */
  readonly onMoment?: (moment: Moment) => void;
}

export interface Recording {
  readonly strategy: Omit<StrategyUse, 'learnedBefore'>;
  record(record: DecisionRecord): void;
}

const rememberedRescales = 16;

/** Runs a strategy through a scenario. The same arguments give the same measures. */
export function simulate(
  scenario: Scenario,
  strategy: ScalingStrategy,
  options: RunOptions = {},
): Measures {
  return new Run(scenario, strategy, options).run();
}

/** A rescale on its way. */
interface Rescale {
  readonly to: Parallelism;
  readonly downAtTick: number;
  readonly upAtTick: number;
  readonly fails: boolean;
}

class Run {
  readonly #scenario: Scenario;
  readonly #timing: Timing;
  readonly #strategy: ScalingStrategy;
  readonly #options: RunOptions;
  readonly #topology: JobTopology;
  readonly #flow: Dataflow;
  readonly #observer: Observer;
  readonly #meter: Meter;
  readonly #fate: Random;
  /** By number of the source's vertex. */
  readonly #lags: ReadonlyMap<number, LagAge>;
  readonly #undelivered: JobSample[] = [];
  #delivered: JobSample[] = [];
  #rescales: ObservedRescale[] = [];
  #rescale: Rescale | undefined;
  #parallelism: Parallelism;
  #runningSinceTick: number;
  #downUntilTick = 0;
  #slots: number;
  #memory = nothingRemembered;
  #learned: unknown;

  constructor(scenario: Scenario, strategy: ScalingStrategy, options: RunOptions) {
    const { job, trace, seed, imperfections, initial, timing = minutely } = scenario;
    this.#scenario = scenario;
    this.#timing = timing;
    this.#strategy = strategy;
    this.#options = options;
    this.#topology = topologyOf(job);
    this.#flow = new Dataflow(job, timing.tickSeconds);
    this.#observer = new Observer(job, imperfections, seed);
    this.#meter = new Meter(this.#topology, timing.tickSeconds);
    this.#fate = randomFor(seed, 'fate');
    this.#lags = lagsOf(job, trace, timing.tickSeconds);
    this.#parallelism = initial;
    this.#runningSinceTick = trace.startTick;
    this.#slots = slotsOf(this.#topology, initial);
    this.#flow.start(initial);
    for (const [v, lag] of this.#lags) this.#flow.waiting[v] = lag.arrivedBefore(trace.startTick);
  }

  run(): Measures {
    const { load, startTick } = this.#scenario.trace;
    const { tickSeconds, sampleTicks, decisionTicks } = this.#timing;
    for (let tick = startTick; tick < load.length; tick++) {
      this.#arrive(tick);
      this.#crash(tick);
      this.#proceed(tick);
      if (this.#isDown(tick)) this.#flow.rateIn.fill(0);
      else this.#flow.step(tick, tickSeconds);
      this.#measure(tick);
      if (tick % sampleTicks === 0) this.#observe(tick);
      const isAsked = tick % decisionTicks === 0 && this.#rescale === undefined;
      if (isAsked && !this.#isDown(tick)) this.#decide(tick);
    }
    return this.#meter.measures();
  }

  #isDown(tick: number): boolean {
    const rescale = this.#rescale;
    return tick < this.#downUntilTick || (rescale !== undefined && tick >= rescale.downAtTick);
  }

  #arrive(tick: number): void {
    const load = this.#scenario.trace.load[tick]! * this.#timing.tickSeconds;
    for (const v of this.#lags.keys()) {
      this.#flow.waiting[v]! += load * this.#scenario.job.vertices[v]!.nominalRate!;
    }
  }

  #crash(tick: number): void {
    const { perDay, downSeconds, atSeconds } = this.#scenario.crashes;
    const { tickSeconds } = this.#timing;
    const happens = this.#fate.next() < (perDay * tickSeconds) / 86_400;
    const isDue = atSeconds !== undefined && this.#timeMs(tick) === atSeconds * 1000;
    if ((!happens && !isDue) || this.#isDown(tick)) return;
    this.#readAgain();
    this.#downUntilTick = tick + Math.ceil(downSeconds / tickSeconds);
    this.#restart(this.#downUntilTick);
  }

  /** What was read since the last checkpoint is read again. */
  #readAgain(): void {
    const age = this.#fate.next() * this.#scenario.job.rescale.checkpointSeconds;
    for (const v of this.#lags.keys()) {
      this.#flow.waiting[v]! += Math.min(this.#flow.rateIn[v]! * age, this.#flow.recordsIn[v]!);
    }
  }

  #restart(upAtTick: number): void {
    this.#flow.start(this.#parallelism);
    this.#runningSinceTick = upAtTick;
  }

  #proceed(tick: number): void {
    const rescale = this.#rescale;
    if (rescale === undefined) return;
    if (tick === rescale.downAtTick && this.#scenario.job.rescale.inPlace) this.#readAgain();
    if (tick < rescale.upAtTick) return;
    this.#rescale = undefined;
    const from = this.#parallelism;
    if (!rescale.fails) this.#parallelism = rescale.to;
    this.#restart(tick);
    this.#slots = slotsOf(this.#topology, this.#parallelism);
    this.#meter.rescaled(from, this.#parallelism);
    const startedMs = this.#timeMs(rescale.downAtTick);
    const downtimeMs = this.#timeMs(tick) - startedMs;
    const observed = { startedMs, downtimeMs, from, to: this.#parallelism };
    this.#rescales = [...this.#rescales, observed].slice(-rememberedRescales);
  }

  #measure(tick: number): void {
    let lagSeconds = 0;
    for (const [v, lag] of this.#lags) {
      lagSeconds = Math.max(lagSeconds, lag.secondsAfter(tick, this.#flow.waiting[v]!));
    }
    this.#meter.tick(this.#slots, subtasksOf(this.#parallelism), lagSeconds);
    if (tick % this.#timing.momentTicks !== 0) return;
    const hour = this.#timeMs(tick) / 3_600_000;
    const load = this.#scenario.trace.load[tick]! * nominalRate(this.#scenario.job);
    const [slots, parallelism] = [this.#slots, this.#parallelism];
    this.#options.onMoment?.({ hour, load, lagSeconds, slots, parallelism });
  }

  #observe(tick: number): void {
    const timeMs = this.#timeMs(tick + 1);
    if (!this.#isDown(tick) && tick >= this.#runningSinceTick + this.#timing.quietTicks) {
      const runningSinceMs = this.#timeMs(this.#runningSinceTick);
      const observation = { timeMs, runningSinceMs, parallelism: this.#parallelism };
      const sample = this.#observer.read(this.#flow, observation);
      if (sample !== undefined) this.#undelivered.push(sample);
    }
    const known = timeMs - this.#scenario.imperfections.delaySeconds * 1000;
    while (this.#undelivered.length > 0 && this.#undelivered[0]!.timeMs <= known) {
      this.#delivered.push(this.#undelivered.shift()!);
    }
  }

  #decide(tick: number): void {
    const input: ScalingInput = {
      nowMs: this.#timeMs(tick + 1),
      topology: this.#topology,
      parallelism: this.#parallelism,
      runningSinceMs: this.#timeMs(this.#runningSinceTick),
      samples: this.#delivered,
      rescales: this.#rescales,
      maxLagMs: this.#scenario.maxLagMs,
    };
    this.#delivered = [];
    const decision = this.#limited({
      input,
      limits: this.#options.limits ?? defaultLimits,
      memory: this.#memory,
    });
    this.#memory = decision.memory;
    this.#meter.decided(decision);
    this.#options.onDecision?.(input, decision);
    if (decision.action.kind === 'rescale') this.#begin(tick + 1, decision.action.parallelism);
  }

  /** By the same code as in production; what was learned goes through JSON only where it is recorded. */
  #limited(circumstances: Circumstances): LimitedDecision {
    const { recording } = this.#options;
    if (recording !== undefined) return this.#recorded(circumstances, recording);
    const outcome = reasonNotToAsk(circumstances) ?? this.#ask(circumstances.input);
    const decision = limitDecision(outcome, circumstances);
    if (outcome.kind === 'decided' && decision.condition === undefined) {
      this.#learned = outcome.decision.learned;
    }
    return decision;
  }

  #ask(input: ScalingInput): StrategyOutcome {
    try {
      return { kind: 'decided', decision: this.#strategy.decide(input, this.#learned) };
    } catch (error) {
      return strategyThrew(error);
    }
  }

  #recorded(circumstances: Circumstances, recording: Recording): LimitedDecision {
    const learned = this.#learned as string | undefined;
    const strategy = {
      ...recording.strategy,
      ...(learned !== undefined && { learnedBefore: learned }),
    };
    const by = { job: this.#scenario.job.name, strategy };
    const decided = decideWithin(by, circumstances, this.#strategy);
    this.#learned = decided.learned;
    recording.record(decided.record);
    return decided.record.result;
  }

  #begin(tick: number, to: Parallelism): void {
    const { rescale } = this.#scenario.job;
    const { tickSeconds } = this.#timing;
    const grows = slotsOf(this.#topology, to) > slotsOf(this.#topology, this.#parallelism);
    const downAtTick = tick + (grows ? Math.ceil(rescale.provisionSeconds / tickSeconds) : 0);
    const fails = this.#fate.next() < rescale.failChance;
    const needed = rescaleSeconds(this.#scenario.job, this.#parallelism, to);
    const seconds = needed * (fails ? 2 : 1);
    const upAtTick = downAtTick + Math.max(1, Math.ceil(seconds / tickSeconds));
    this.#rescale = { to, downAtTick, upAtTick, fails };
    this.#slots = slotsDuring(this.#topology, to, this.#parallelism);
  }

  #timeMs(tick: number): number {
    return (tick - this.#scenario.trace.startTick) * this.#timing.tickSeconds * 1000;
  }
}

const nominalRate = (job: SimulatedJob): number =>
  job.vertices.reduce((sum, { nominalRate = 0 }) => sum + nominalRate, 0);

function lagsOf(job: SimulatedJob, trace: Trace, tickSeconds: number): ReadonlyMap<number, LagAge> {
  const lags = new Map<number, LagAge>();
  job.vertices.forEach(({ nominalRate }, v) => {
    if (nominalRate === undefined) return;
    lags.set(
      v,
      new LagAge(
        trace.load.map((load) => load * nominalRate),
        tickSeconds,
      ),
    );
  });
  return lags;
}
