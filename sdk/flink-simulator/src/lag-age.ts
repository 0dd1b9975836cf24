/**
 * How long the oldest record that a source has not read has been waiting: the delay that a reader sees,
 * whatever the rates are.
 */
export class LagAge {
  readonly #arrived: Float64Array;
  readonly #tickSeconds: number;
  #head = 0;

  constructor(arrivals: Float64Array, tickSeconds: number) {
    this.#tickSeconds = tickSeconds;
    this.#arrived = new Float64Array(arrivals.length + 1);
    for (let tick = 0; tick < arrivals.length; tick++) {
      this.#arrived[tick + 1] = this.#arrived[tick]! + arrivals[tick]! * tickSeconds;
    }
  }

  /** Records that have arrived before this tick begins. */
  arrivedBefore(tick: number): number {
    return this.#arrived[tick]!;
  }

  /** Seconds, when a tick ends and so many of all records are still unread. */
  secondsAfter(tick: number, unread: number): number {
    const end = tick + 1;
    const read = this.#arrived[end]! - unread;
    if (unread <= this.#arrived[end]! * 1e-12) {
      this.#head = end;
      return 0;
    }
    while (this.#head > 0 && this.#arrived[this.#head]! > read) this.#head--;
    while (this.#head < end && this.#arrived[this.#head + 1]! <= read) this.#head++;
    const inTick = this.#arrived[this.#head + 1]! - this.#arrived[this.#head]!;
    const part = inTick > 0 ? (read - this.#arrived[this.#head]!) / inTick : 0;
    return Math.max(0, (end - this.#head - part) * this.#tickSeconds);
  }
}
