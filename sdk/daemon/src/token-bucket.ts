import type { Clock } from '@tessera/base';

/** What may be taken at once after a pause, as a time at the full rate. */
const burstMs = 250;

export interface TokenBucketOptions {
  readonly bytesPerSecond: number;
  readonly clock: Clock;
  /** Hears of what may move. */
  readonly onTaken?: (bytes: number) => void;
}

/**
 * Holds all who share it to so many bytes per second, first come first served. In any span of time they get what the rate
 * gives in it, and beyond that no more than a burst or the largest piece.
 */
export class TokenBucket {
  readonly #options: TokenBucketOptions;
  /** When the rate has given all that was taken. */
  #paidMs = Number.NEGATIVE_INFINITY;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
  }

  /** Resolves when the bytes may move. Who gives up while waiting has taken them all the same. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const { bytesPerSecond, clock, onTaken } = this.#options;
    signal.throwIfAborted();
    const nowMs = clock.monotonicMs();
    const sinceMs = Math.max(this.#paidMs, nowMs - burstMs);
    this.#paidMs = sinceMs + (bytes / bytesPerSecond) * 1_000;
    const waitMs = this.#paidMs - nowMs;
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    onTaken?.(bytes);
  }
}

/** Pieces that are small enough for a slow bucket to give several in a second. */
export function pieceBytes(bytesPerSecond: number): number {
  return Math.max(1 << 10, Math.min(1 << 18, Math.floor(bytesPerSecond / 8)));
}
