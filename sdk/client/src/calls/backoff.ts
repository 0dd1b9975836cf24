import { type Clock, Code, isTesseraError, type Random } from '@tessera/base';
import { waitCancelled } from '../errors.ts';

export interface BackoffOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
  /** Failures in a row after which the last one is thrown. */
  readonly maxAttempts?: number;
}

const firstDelayMs = 50;
const longestDelayMs = 5_000;
const defaultMaxAttempts = 12;

/** Waits longer after each failure in a row, and gives up after so many (about 30 s by default). */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** Something worked: the next failure is the first one again. */
  reset(): void {
    this.#failures = 0;
  }

  /** Sleeps before the next attempt, or throws `error` when it will not help or has been tried enough. */
  async afterFailure(error: unknown): Promise<void> {
    const { clock, random, signal, maxAttempts = defaultMaxAttempts } = this.#options;
    if (signal?.aborted) throw waitCancelled(error);
    if (!mayPass(error) || this.#failures + 1 >= maxAttempts) throw error;
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** this.#failures);
    this.#failures++;
    const askedMs = (isTesseraError(error) && error.retryAfterMs) || 0;
    await sleep(clock, Math.max(askedMs, delayMs / 2) + (delayMs / 2) * random.next(), signal);
  }
}

/** Sleeps. @throws CANCELLED when the signal is aborted. */
export async function sleep(
  clock: Clock,
  durationMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await clock.sleep(durationMs, signal);
  } catch (error) {
    throw signal?.aborted ? waitCancelled(error) : error;
  }
}

/** The daemon was away or restarting, or has too much to do for now. */
function mayPass(error: unknown): boolean {
  if (!isTesseraError(error)) return false;
  return error.code === Code.UNAVAILABLE || error.retryAfterMs !== undefined;
}
