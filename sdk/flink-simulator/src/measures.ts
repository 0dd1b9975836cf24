import {
  type JobTopology,
  type LimitedDecision,
  type Parallelism,
  slotsOf,
} from '@tessera/scaling';

/** What a run cost and how well it kept up. */
export interface Measures {
  /** Slots paid for, of old and new attempt while they overlap. */
  readonly slotHours: number;
  readonly subtaskHours: number;
  readonly rescales: number;
  /** Percent of the time in which the oldest unread record waited longer than so many seconds. */
  readonly over30: number;
  readonly over120: number;
  readonly over300: number;
  readonly maxLagSeconds: number;
  /** Changes of direction of a vertex within an hour. */
  readonly thrash: number;
  /** When the last rescale ended, in minutes from the start. */
  readonly settledMinutes: number;
  readonly finalSlots: number;
  /** Decisions in which a limit held a change back. */
  readonly held: number;
  /** Times that the strategy failed; rescales that were taken back. */
  readonly failures: number;
  readonly rollbacks: number;
  readonly days: number;
}

const thrashSeconds = 3600;

export class Meter {
  readonly #topology: JobTopology;
  readonly #tickSeconds: number;
  readonly #turns = new Map<string, { tick: number; direction: number }>();
  #slotTicks = 0;
  #subtaskTicks = 0;
  #ticks = 0;
  readonly #over = [0, 0, 0];
  #maxLag = 0;
  #rescales = 0;
  #thrash = 0;
  #settledTick = 0;
  #slots = 0;
  #held = 0;
  #failures = 0;
  #rollbacks = 0;

  constructor(topology: JobTopology, tickSeconds: number) {
    this.#topology = topology;
    this.#tickSeconds = tickSeconds;
  }

  tick(slots: number, subtasks: number, lagSeconds: number): void {
    this.#ticks++;
    this.#slots = slots;
    this.#slotTicks += slots;
    this.#subtaskTicks += subtasks;
    if (lagSeconds > this.#maxLag) this.#maxLag = lagSeconds;
    if (lagSeconds > 30) this.#over[0]!++;
    if (lagSeconds > 120) this.#over[1]!++;
    if (lagSeconds > 300) this.#over[2]!++;
  }

  decided({ action, effects, condition }: LimitedDecision): void {
    if (effects.some(({ kind }) => kind === 'held')) this.#held++;
    if (condition !== undefined && condition.code !== 'STRATEGY_PAUSED') this.#failures++;
    const isBack = action.kind === 'rescale' && effects.some(({ code }) => code === 'ROLLED_BACK');
    if (isBack) this.#rollbacks++;
  }

  rescaled(from: Parallelism, to: Parallelism): void {
    this.#rescales++;
    this.#settledTick = this.#ticks;
    for (const { id } of this.#topology.vertices) {
      const direction = Math.sign(to[id]! - from[id]!);
      if (direction === 0) continue;
      const last = this.#turns.get(id);
      const sinceTicks = this.#ticks - (last?.tick ?? 0);
      const isSoon = sinceTicks * this.#tickSeconds < thrashSeconds;
      if (last?.direction === -direction && isSoon) this.#thrash++;
      this.#turns.set(id, { tick: this.#ticks, direction });
    }
  }

  measures(): Measures {
    const tickSeconds = this.#tickSeconds;
    const hours = tickSeconds / 3600;
    const percent = (ticks: number) => (100 * ticks) / this.#ticks;
    return {
      slotHours: this.#slotTicks * hours,
      subtaskHours: this.#subtaskTicks * hours,
      rescales: this.#rescales,
      over30: percent(this.#over[0]!),
      over120: percent(this.#over[1]!),
      over300: percent(this.#over[2]!),
      maxLagSeconds: this.#maxLag,
      thrash: this.#thrash,
      settledMinutes: (this.#settledTick * tickSeconds) / 60,
      finalSlots: this.#slots,
      held: this.#held,
      failures: this.#failures,
      rollbacks: this.#rollbacks,
      days: (this.#ticks * tickSeconds) / 86_400,
    };
  }
}

export const subtasksOf = (parallelism: Parallelism): number =>
  Object.values(parallelism).reduce((sum, each) => sum + each, 0);

export const slotsDuring = (topology: JobTopology, a: Parallelism, b: Parallelism): number =>
  Math.max(slotsOf(topology, a), slotsOf(topology, b));
