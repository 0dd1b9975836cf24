import { type Clock, FairPlaces, type FairPlacesLimits } from '@tessera/base';
import { queryCannotStart, queryQueueFull } from '../errors.ts';

export interface Entrant {
  /** Whose turn it is counted as. */
  readonly user: string;
  /** What it uses of the lane, 1 or more. */
  readonly cost: number;
  /** How long it may still take, waiting included. */
  readonly remainingMs: number;
}

/** Statements after which what one takes is known well enough to refuse by it. */
const minSamples = 8;
const shortestRetryMs = 100;
const longestRetryMs = 10_000;
const unknownRetryMs = 500;

/**
 * One kind of statements and the places that it has: those who wait take turns by user, and one that cannot start before
 * its deadline, by what the last ones took, is not kept waiting for it.
 */
export class Lane {
  readonly #places: FairPlaces<() => void>;
  readonly #clock: Clock;
  #samples = 0;
  #meanMs = 0;

  constructor(limits: FairPlacesLimits, clock: Clock) {
    this.#places = new FairPlaces(limits);
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#places.waiting;
  }

  /** Resolves when it has a place, with what gives that back. @throws QUERY_QUEUE_FULL, QUERY_CANNOT_START, the signal's reason. */
  async enter({ user, cost, remainingMs }: Entrant, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const waitMs = this.#places.turnsBefore(user) * this.#meanMs;
    const retryAfterMs = this.#retryAfter(waitMs);
    if (this.#samples >= minSamples && waitMs > remainingMs) {
      throw queryCannotStart({ waitMs, remainingMs, waiting: this.waiting, retryAfterMs });
    }
    const turn = Promise.withResolvers<void>();
    const arrival = this.#places.arrive(user, cost, turn.resolve);
    if (arrival.kind === 'refused') throw queryQueueFull(arrival, retryAfterMs);
    if (arrival.kind === 'waiting') await this.#wait(user, turn, signal);
    const enteredMs = this.#clock.monotonicMs();
    return () => {
      this.#learn(this.#clock.monotonicMs() - enteredMs);
      this.#places.leave()?.();
    };
  }

  async #wait(
    user: string,
    { promise, resolve, reject }: PromiseWithResolvers<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const giveUp = () => {
      if (this.#places.withdraw(user, resolve)) reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #learn(ms: number): void {
    this.#samples++;
    this.#meanMs += (ms - this.#meanMs) / Math.min(this.#samples, minSamples);
  }

  #retryAfter(waitMs: number): number {
    if (this.#samples === 0) return unknownRetryMs;
    return Math.round(Math.min(longestRetryMs, Math.max(shortestRetryMs, waitMs)));
  }
}
