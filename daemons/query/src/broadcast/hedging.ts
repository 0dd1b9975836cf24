/** How long a call may take before another replica is asked as well. */
export interface HedgingOptions {
  /** Bounds of what is learnt. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Before enough calls were seen. */
  readonly firstDelayMs: number;
  /** Hedges per call, over time: the extra work that is allowed. */
  readonly ratio: number;
  /** Hedges that may come at once. */
  readonly burst: number;
  /** A call that takes so long is given up for slow also where no hedge is left. */
  readonly stalledMs: number;
}

export const hedgingDefaults: HedgingOptions = {
  minDelayMs: 10,
  maxDelayMs: 1_000,
  firstDelayMs: 200,
  ratio: 0.1,
  burst: 10,
  stalledMs: 5_000,
};

const rememberedCalls = 128;
/** Calls before the first look at what they took, and between two. */
const callsPerLook = 16;
const quantile = 0.95;

/** Learns from recent calls when one is late, and keeps hedges to a share of all calls. Knows no clock. */
export class Hedging {
  readonly #options: HedgingOptions;
  readonly #durationsMs: number[] = [];
  #next = 0;
  #delayMs: number | undefined;
  #allowed: number;

  constructor(options: HedgingOptions = hedgingDefaults) {
    this.#options = options;
    this.#allowed = options.burst;
  }

  get stalledMs(): number {
    return this.#options.stalledMs;
  }

  /** A first call was made: it earns a part of a hedge. */
  called(): void {
    this.#allowed = Math.min(this.#options.burst, this.#allowed + this.#options.ratio);
  }

  answered(durationMs: number): void {
    this.#durationsMs[this.#next] = durationMs;
    this.#next = (this.#next + 1) % rememberedCalls;
    if (this.#next % callsPerLook === 0) this.#delayMs = this.#learnt();
  }

  /** Twice what all but the slowest calls took. */
  delayMs(): number {
    return this.#delayMs ?? this.#options.firstDelayMs;
  }

  #learnt(): number {
    const { minDelayMs, maxDelayMs } = this.#options;
    const sorted = this.#durationsMs.toSorted((a, b) => a - b);
    const late = 2 * sorted[Math.floor(quantile * (sorted.length - 1))]!;
    return Math.min(maxDelayMs, Math.max(minDelayMs, late));
  }

  /** Takes one hedge, or says that there is none left. */
  take(): boolean {
    if (this.#allowed < 1) return false;
    this.#allowed -= 1;
    return true;
  }
}
